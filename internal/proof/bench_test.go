package proof

import (
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// BenchmarkApply is what the tree costs for each batch of the log, the reading of the log left out.
func BenchmarkApply(b *testing.B) {
	tree, err := Open(Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer tree.Close()
	position := event.Position(0)
	for b.Loop() {
		position++
		if err := tree.apply(eventlog.Bytes{Position: position, HashKnown: true}); err != nil {
			b.Fatal(err)
		}
	}
}
