package history

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/tally"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// state is what the log says up to some event: every vehicle's presence, by the same rule as the fleet's, and its tally.
type state struct {
	rule    *presence.Rule
	tallies tally.Tallies
	changes presence.Changes // reused
}

func newState() *state { return &state{rule: presence.New()} }

// apply takes in a stretch of a batch with at most one entry, which is its last. The changes are valid until the next.
func (s *state) apply(stretch event.Stored) *presence.Changes {
	if cap(s.changes.Transitions) > manyChanges {
		s.changes = presence.Changes{}
	}
	s.changes.Reset()
	s.rule.Apply(stretch, &s.changes)
	s.tallies.Count(&stretch.Heartbeats, 0, stretch.Heartbeats.Len())
	for _, e := range stretch.Entries {
		s.fact(e.Fact)
	}
	return &s.changes
}

// manyChanges is how many changes the buffer of apply holds between batches, see fleet.View.Apply.
const manyChanges = 1 << 16

func (s *state) fact(f event.Fact) {
	switch f := f.(type) {
	case event.VehicleAdded:
		if f.Vehicle != 0 && f.Vehicle <= presence.MaxVehicle {
			s.tallies.Grow(int(f.Vehicle) + 1)
			s.tallies.Watch(f.Vehicle)
		}
	case event.VehicleRemoved:
		s.tallies.Forget(f.Vehicle)
	}
}

// The saved form: magic · what presence.Rule saves · for each watched vehicle, ascending: heartbeats, sequence + 1 or 0
// (uvarints), sent at (varint). Whoever keeps the bytes guards them by a checksum.
const stateMagic = "fleetbeat state 1\n"

var errState = errors.New("saved state cannot be read")

func (s *state) save(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString(stateMagic) // out keeps the first error for Flush
	if err := s.rule.Save(out); err != nil {
		return err
	}
	var buf []byte
	for v := range s.tallies.Watched.All {
		of := &s.tallies.Of[v]
		buf = binary.AppendUvarint(buf[:0], of.Heartbeats)
		buf = binary.AppendUvarint(buf, of.Sequence)
		out.Write(binary.AppendVarint(buf, int64(of.SentAt)))
	}
	return out.Flush()
}

// loadRule is presence.Load, or presence.LoadToRecall.
type loadRule func(io.Reader) (*presence.Rule, error)

// loadState reads what save wrote. Errors are errState, those of load, or r's.
func loadState(r io.Reader, load loadRule) (*state, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	magic := make([]byte, len(stateMagic))
	if _, err := io.ReadFull(in, magic); err != nil {
		return nil, fmt.Errorf("%w: %w", errState, err)
	}
	if string(magic) != stateMagic {
		return nil, fmt.Errorf("%w: it begins with %q", errState, magic)
	}
	rule, err := load(in)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errState, err)
	}
	s := &state{rule: rule}
	s.tallies.Grow(rule.Cap())
	for v := range event.VehicleID(rule.Cap()) {
		if !rule.Known(v) {
			continue
		}
		s.tallies.Watch(v)
		if err := loadTally(in, &s.tallies.Of[v]); err != nil {
			return nil, fmt.Errorf("%w: vehicle %d: %w", errState, v, err)
		}
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it is longer than its contents", errState)
	}
	return s, nil
}

func loadTally(in *bufio.Reader, t *tally.Tally) (err error) {
	b, err := in.Peek(3 * binary.MaxVarintLen64)
	if err != nil && !errors.Is(err, io.EOF) { // near the end there are fewer
		return err
	}
	heartbeats, n := binary.Uvarint(b)
	sequence, m := binary.Uvarint(b[max(n, 0):])
	sent, k := binary.Varint(b[max(n, 0)+max(m, 0):])
	if n <= 0 || m <= 0 || k <= 0 {
		return io.ErrUnexpectedEOF
	}
	if sequence > uint64(event.MaxSequence)+1 {
		return fmt.Errorf("sequence %d", sequence)
	}
	t.Heartbeats, t.Sequence, t.SentAt = heartbeats, sequence, event.Time(sent)
	_, err = in.Discard(n + m + k)
	return err
}
