package eventlog

import (
	"errors"
	"fmt"
	"sort"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// maxHole bounds how many positions in a row are taken for lost: a batch further away is none of this log.
const maxHole = 1 << 24

// stitcher puts what a scan found back into one dense chain from where the log begins to at least the head, and notes what
// does not fit. It holds one batch back: whether that is the one that was acknowledged is for the next to say.
type stitcher struct {
	head   head
	note   func(Damage)                                                       // takes each damage; may be nil
	disown func(event.Position)                                               // is told when the head is of another log; may be nil
	keep   func(scanned) error                                                // takes each batch that stays; may be nil
	fill   func(from, to event.Position, standsFor *link, reason error) error // takes each hole; may be nil

	// chosen, when set, says which of the batches found, by their index, to take: see longestChain.
	chosen []bool
	found  int

	held  scanned // at first what stands before the log, without a batch
	epoch uint64  // the highest seen
	bad   *region // not yet noted
	count uint64  // of batches that stay
}

// begin says where the log begins: behind what the head says was dropped.
func (s *stitcher) begin() {
	s.held = scanned{header: header{number: s.head.dropped}, link: s.head.before}
}

// believe lets the log begin with the first batch that there is, when no head says where it did.
func (s *stitcher) believe(first scanned) {
	if s.held.batch == nil && !s.head.known() && first.header.number > 1 {
		s.head.dropped, s.head.before = first.header.number-1, first.header.previous
		s.begin()
	}
}

func (s *stitcher) add(item scanned) error {
	if s.bad == nil {
		s.bad = item.bad
	}
	if item.batch == nil {
		return nil
	}
	s.found++
	if s.chosen == nil || s.chosen[s.found-1] {
		s.believe(item)
	}
	expected := s.held.header.number + 1
	n := item.header.number
	begins := n == expected && s.held.batch == nil
	switch {
	case s.chosen != nil && !s.chosen[s.found-1],
		n < expected, n-expected > maxHole, begins && item.header.previous != s.held.link:
		s.stray(item, expected)
		return nil
	case n > expected:
		if err := s.release(); err != nil {
			return err
		}
		if err := s.hole(expected, n-1, &item.header.previous, item.file, item.offset); err != nil {
			return err
		}
	case item.header.previous != s.held.link:
		if err := s.replaceHeld(item); err != nil {
			return err
		}
	default:
		if s.bad != nil {
			s.noteBad(n, 0)
		}
		if err := s.release(); err != nil {
			return err
		}
	}
	s.held = item
	return nil
}

// stray notes a batch that stands where it was never written, as after a write that the disk put in a wrong place.
func (s *stitcher) stray(item scanned, expected event.Position) {
	if s.note != nil {
		s.note(Damage{File: item.file, Offset: item.offset, Position: expected,
			Reason: fmt.Sprintf("batch %d does not belong here", item.header.number)})
	}
}

// release passes on the batch that was held back.
func (s *stitcher) release() error {
	h := &s.held
	if h.batch == nil {
		return nil
	}
	if h.header.number == s.head.position && h.link != s.head.link && s.disown != nil {
		s.disown(s.head.position)
	}
	s.epoch = max(s.epoch, h.header.epoch)
	s.count++
	if s.keep == nil {
		return nil
	}
	return s.keep(*h)
}

// replaceHeld gives up the batch that was held back, since the one after it continues another.
func (s *stitcher) replaceHeld(after scanned) error {
	h := s.held
	s.bad = &region{file: h.file, offset: h.offset, reason: errors.New("the batch after it continues another")}
	return s.hole(h.header.number, h.header.number, &after.header.previous, h.file, h.offset)
}

func (s *stitcher) hole(from, to event.Position, standsFor *link, file string, offset int64) error {
	if s.bad == nil {
		s.bad = &region{file: file, offset: offset, reason: errors.New("batches are missing")}
	}
	reason := s.bad.reason
	s.noteBad(from, uint64(to-from)+1)
	if s.fill == nil {
		return nil
	}
	return s.fill(from, to, standsFor, reason)
}

func (s *stitcher) noteBad(position event.Position, lost uint64) {
	if s.note != nil {
		s.note(Damage{File: s.bad.file, Offset: s.bad.offset, Position: position, Lost: lost, Reason: s.bad.reason.Error()})
	}
	s.bad = nil
}

// finish passes on the last batch, and gives the unfinished write behind it when there is one.
func (s *stitcher) finish(dir string) (unfinished *region, err error) {
	if err := s.release(); err != nil {
		return nil, err
	}
	next := s.held.header.number + 1
	switch {
	case s.head.position >= next:
		return nil, s.hole(next, s.head.position, &s.head.link, dir, 0)
	case s.bad != nil && s.bad.last && !s.head.known():
		return nil, s.hole(next, next, nil, dir, 0) // it may have been acknowledged: its position is not used again
	case s.bad != nil && s.bad.last:
		return s.bad, nil
	case s.bad != nil:
		s.noteBad(next, 0)
	}
	return nil, nil
}

// longestChain chooses among the batches of a damaged store, which may stand at wrong places or twice: the most that
// have growing positions. It says of each batch found, in the order of the scan, whether it is chosen.
func longestChain(dir string) ([]bool, error) {
	var numbers []event.Position
	var ends []int   // by length: the batch that ends the chain of this length with the smallest position
	var before []int // by batch: the one before it in its chain, or -1
	err := scanBlocks(dir, func(item scanned) error {
		if item.batch == nil {
			return nil
		}
		n := item.header.number
		length := sort.Search(len(ends), func(i int) bool { return numbers[ends[i]] >= n })
		previous := -1
		if length > 0 {
			previous = ends[length-1]
		}
		if length == len(ends) {
			ends = append(ends, 0)
		}
		ends[length] = len(numbers)
		numbers, before = append(numbers, n), append(before, previous)
		return nil
	})
	chosen := make([]bool, len(numbers))
	if err != nil || len(ends) == 0 {
		return chosen, err
	}
	for i := ends[len(ends)-1]; i >= 0; i = before[i] {
		chosen[i] = true
	}
	return chosen, nil
}
