package eventlog

import (
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Damage is one place where the folder does not hold what was written.
type Damage struct {
	File     string         // the damaged file
	Offset   int64          // the byte in it where the damage was noticed
	Position event.Position // the first batch concerned; 0 when none is
	Lost     uint64         // how many batches, from Position on, could not be read back
	Reason   string
}

// String is the damage as one line.
func (d Damage) String() string {
	s := fmt.Sprintf("%s, byte %d", d.File, d.Offset)
	if d.Position > 0 {
		s += fmt.Sprintf(", position %d", d.Position)
	}
	if d.Lost > 0 {
		s += fmt.Sprintf(", %d lost", d.Lost)
	}
	return s + ": " + d.Reason
}

// DamageError says that reading met damage.
type DamageError struct {
	Damage Damage
}

// Error names the file and the position.
func (e *DamageError) Error() string { return "damaged log: " + e.Damage.String() }
