package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// ErrTooMuch says that a proof would read or hold too much.
var ErrTooMuch = errors.New("too much for one proof; ask for a shorter time")

// ErrNotKept says that a proof would need a part of the log that was dropped.
var ErrNotKept = errors.New("the log is not kept for so long")

// What one proof may take: reading takes a core about 2 s at most, and the answer is about a third larger than its bytes.
const (
	mostRead    = 20_000_000 // heartbeats of all vehicles, and as many as a batch more
	mostScanned = 2_000_000  // batches
	mostBatches = 20_000
	mostBytes   = 48 << 20
	signWithin  = 10 * time.Second // that a proof waits for a checkpoint
)

// Prove proves all heartbeats of a vehicle that were received from one moment until before another and that the log
// holds now. Its errors are ErrTooMuch, ErrNotKept, ErrNotSigned and ErrBroken.
func (t *Tree) Prove(ctx context.Context, vehicle event.VehicleID, vin string, from, to event.Time) (client.Proof, error) {
	p := client.Proof{
		Format: client.ProofFormat, VIN: vin, Vehicle: uint32(vehicle), From: client.At(from.Std()), To: client.At(to.Std()),
		Batches: []client.ProvenBatch{},
	}
	if s := t.look(); s.broken != nil {
		return p, s.broken
	}
	head := t.config.Log.Head()
	if head == 0 {
		return p, fmt.Errorf("%w: the log is empty", ErrNotSigned)
	}
	g := gatherer{proof: &p, vehicle: vehicle, from: from, to: to, head: head}
	begin, err := t.config.Log.Before(from)
	if err == nil {
		g.dropped = begin > 1 && begin == t.config.Log.First()
		err = t.config.Log.FollowBytes(ctx, min(begin, head), g.take)
	}
	if errors.Is(err, eventlog.ErrDropped) {
		err = fmt.Errorf("%w: it was dropped meanwhile", ErrNotKept)
	}
	if !errors.Is(err, errReached) {
		return p, fmt.Errorf("reading the heartbeats of vehicle %d: %w", vehicle, err)
	}
	identity, err := note.Sign(&note.Note{Text: identity(vehicle, vin)}, t.key.signer)
	if err != nil {
		return p, fmt.Errorf("signing the identity of vehicle %d: %w", vehicle, err)
	}
	p.Identity = string(identity)
	return p, t.addPaths(ctx, &p, g.last)
}

// addPaths adds the newest checkpoint that covers a position, and the paths to it.
func (t *Tree) addPaths(ctx context.Context, p *client.Proof, last event.Position) error {
	waiting, cancel := context.WithTimeout(ctx, signWithin)
	defer cancel()
	s, err := t.signedUpTo(waiting, last)
	if err != nil {
		return err
	}
	p.Checkpoint = string(s.note)
	for i := range p.Batches {
		b := &p.Batches[i]
		n, size := int64(b.Position)-1, int64(s.signed.Size)
		path, err := tlog.ProveRecord(size, n, t.files.levels())
		if err != nil {
			return t.unreadable(err)
		}
		// A flipped bit in the files must not go out as a proof that convinces nobody.
		if err := tlog.CheckRecord(path, size, s.signed.Root, n, leafOfBatch(b.Batch)); err != nil {
			return t.unreadable(err)
		}
		b.Path = make([][]byte, len(path))
		for level := range path {
			b.Path[level] = path[level][:]
		}
	}
	return nil
}

// unreadable has the files made anew, from which a wrong proof came.
func (t *Tree) unreadable(err error) error {
	t.config.Logger.Error("a proof does not lead to the signed root: the tree is made anew", "error", err)
	t.change(func(s *state) {
		s.suspect, s.ready = true, false
		s.interrupt()
	})
	return fmt.Errorf("%w: the tree is made anew", ErrNotSigned)
}

// gatherer takes the batches with a vehicle's heartbeats from the log.
type gatherer struct {
	proof    *client.Proof
	vehicle  event.VehicleID
	from, to event.Time
	head     event.Position
	dropped  bool // what was before the first batch that it gets was dropped

	last                 event.Position // the last batch of the proof
	bytes, read, scanned int
}

func (g *gatherer) take(b eventlog.Bytes) error {
	s, err := eventlog.Decode(b.Batch)
	if err != nil {
		return err
	}
	if g.scanned++; g.scanned > mostScanned {
		return fmt.Errorf("%w: it reaches to %s", ErrTooMuch, s.EndTime())
	}
	end := s.EndTime()
	if begin := s.StartTime(); g.scanned == 1 && g.dropped && begin > g.from {
		return fmt.Errorf("%w: ask for what was received from %s on", ErrNotKept, begin)
	}
	if end >= g.from {
		if g.read += s.Heartbeats.Len(); g.read > mostRead {
			return fmt.Errorf("%w: it reaches to %s", ErrTooMuch, end)
		}
		if err := g.keep(b, &s.Heartbeats); err != nil {
			return err
		}
		if end >= g.to {
			return errReached
		}
	}
	if b.Position >= g.head {
		return errReached
	}
	return nil
}

func (g *gatherer) keep(b eventlog.Bytes, h *event.Heartbeats) error {
	mine := ofVehicle(h, g.vehicle, g.from, g.to)
	if len(mine) == 0 {
		return nil
	}
	g.last = b.Position
	if g.bytes += len(b.Batch); g.bytes > mostBytes || len(g.proof.Batches) == mostBatches {
		return fmt.Errorf("%w: it reaches to %s", ErrTooMuch, h.ReceivedAt[mine[0]])
	}
	g.proof.Batches = append(g.proof.Batches, client.ProvenBatch{
		Position: uint64(b.Position), Heartbeats: mine, Batch: append([]byte(nil), b.Batch...),
	})
	return nil
}

// ofVehicle are the indexes of a vehicle's heartbeats that were received from one moment until before another.
func ofVehicle(h *event.Heartbeats, vehicle event.VehicleID, from, to event.Time) (mine []int) {
	for i, v := range h.Vehicle {
		if v == vehicle && h.ReceivedAt[i] >= from && h.ReceivedAt[i] < to {
			mine = append(mine, i)
		}
	}
	return mine
}
