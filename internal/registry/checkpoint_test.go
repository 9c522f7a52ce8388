package registry

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestCheckpointsBesideReadersLeaveFittingChecksums reads all the time while checkpoints are made: a reader that comes
// or goes in the middle of one decides how much of the WAL it takes.
func TestCheckpointsBesideReadersLeaveFittingChecksums(t *testing.T) {
	path := filepath.Join(memoryDir(t), "registry.db")
	r := openAt(t, path)
	onSQLite(r).checkpointAt = 1
	reading, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for reading.Err() == nil {
				_ = r.Changes(reading, 0, func(Changes) error { return nil }) // its end comes in the middle
			}
		})
	}
	for i := range 15 {
		mustImport(t, r, importOf(i*1000, 1000))
	}
	stop()
	readers.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// importOf is a file of n vehicles from a number on.
func importOf(from, n int) string {
	var file strings.Builder
	file.WriteString("vin,customer_name\n")
	for i := range n {
		fmt.Fprintf(&file, "v%d,Kalle\n", from+i)
	}
	return file.String()
}
