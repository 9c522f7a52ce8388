package bench

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"sync"
	"time"
)

// group is group commit at its barest: callers add a record to the open batch, one goroutine writes a batch with its
// checksum, syncs the file and wakes those who wait. Nothing is chained, numbered, or kept to be found again.
type group struct {
	file *os.File
	wake chan struct{} // holds a token when there is something to write; closed at the end

	mu    sync.Mutex // guards the following
	open  *groupBatch
	ended bool
}

type groupBatch struct {
	records []byte
	done    chan struct{}
	err     error // valid when done is closed
}

func newGroup(file *os.File) *group {
	return &group{file: file, wake: make(chan struct{}, 1), open: &groupBatch{done: make(chan struct{})}}
}

// submit returns when the record of a vehicle is on disk.
func (g *group) submit(vehicle uint32) error {
	now := time.Now().UnixMilli()
	g.mu.Lock()
	batch := g.open
	if len(batch.records) == 0 && !g.ended {
		g.wake <- struct{}{}
	}
	batch.records = binary.LittleEndian.AppendUint32(batch.records, vehicle)
	batch.records = binary.LittleEndian.AppendUint64(batch.records, uint64(now))
	g.mu.Unlock()
	<-batch.done
	return batch.err
}

func (g *group) run() {
	for range g.wake {
		g.mu.Lock()
		batch := g.open
		g.open = &groupBatch{done: make(chan struct{}), records: make([]byte, 0, cap(batch.records))}
		g.mu.Unlock()
		sum := crc32.ChecksumIEEE(batch.records)
		_, batch.err = g.file.Write(binary.LittleEndian.AppendUint32(batch.records, sum))
		if batch.err == nil {
			batch.err = g.file.Sync()
		}
		close(batch.done)
	}
}

// stop ends run. Nobody may submit any more.
func (g *group) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	close(g.wake)
}
