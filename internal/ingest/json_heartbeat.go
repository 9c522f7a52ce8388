package ingest

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// decodeNDJSON reads one heartbeat a line and appends the items; blank lines count for nothing. The error is
// *malformedError or tooManyError.
func decodeNDJSON(body []byte, items []item, limit int) ([]item, error) {
	for line := 1; len(body) > 0; line++ {
		text, rest, _ := bytes.Cut(body, []byte{'\n'})
		body = rest
		s := scanner{data: text}
		if s.space(); s.pos == len(text) {
			continue
		}
		if len(items) == limit {
			return items, tooManyError{limit}
		}
		it, err := s.heartbeat(true)
		if err == nil {
			err = s.end()
		}
		if err != nil {
			return items, placed(err, line, len(items))
		}
		items = append(items, it)
	}
	return items, nil
}

// decodeJSON reads an array of heartbeats and appends the items. The error is *malformedError or tooManyError.
func decodeJSON(body []byte, items []item, limit int) ([]item, error) {
	s := scanner{data: body}
	if s.space(); !s.skip('[') {
		return items, s.fail("expected an array of heartbeats")
	}
	if s.space(); s.skip(']') {
		return items, s.end()
	}
	for last := false; !last; {
		s.space()
		if len(items) == limit {
			return items, tooManyError{limit}
		}
		it, err := s.heartbeat(true)
		if err == nil {
			items = append(items, it)
			last, err = s.comma(']')
		}
		if err != nil {
			return items, placed(err, 0, len(items))
		}
	}
	return items, placed(s.end(), 0, len(items))
}

// decodeOne reads the body of a call for one vehicle, which the path names. The error is *malformedError.
func decodeOne(body []byte) (item, error) {
	s := scanner{data: body}
	s.space()
	it, err := s.heartbeat(false)
	if err == nil {
		err = s.end()
	}
	return it, err
}

// placed adds the line and the number of heartbeats before it to the scanner's error; nil stays nil.
func placed(err error, line, items int) error {
	if at, ok := errors.AsType[*malformedError](err); ok {
		at.line, at.item = line, items
	}
	return err
}

// end checks that only white space is left.
func (s *scanner) end() error {
	if s.space(); s.pos < len(s.data) {
		return s.fail("unexpected bytes after the end")
	}
	return nil
}

// The members of a heartbeat, as bits to notice one that stands twice.
const (
	memberVehicle = 1 << iota
	memberSentAt
	memberSequence
	memberBuffered
)

// heartbeat takes a heartbeat's object. named says that it must name its vehicle; otherwise it must not. What is
// JSON but not a heartbeat is a fault of the item and no error.
func (s *scanner) heartbeat(named bool) (item, error) {
	it := item{sequence: event.NoSequence}
	if s.peek() != '{' {
		it.blame(faultObject)
		return it, s.value(0)
	}
	s.pos++
	if s.space(); s.skip('}') {
		it.finish(named)
		return it, nil
	}
	seen := 0
	for {
		s.space()
		name, err := s.text()
		if err != nil {
			return it, err
		}
		if err := s.colon(); err != nil {
			return it, err
		}
		if err := s.member(&it, name, named, &seen); err != nil {
			return it, err
		}
		if last, err := s.comma('}'); last || err != nil {
			it.finish(named)
			return it, err
		}
	}
}

// member takes the value of one member of a heartbeat.
func (s *scanner) member(it *item, name []byte, named bool, seen *int) error {
	var bit int
	switch string(name) {
	case "vehicle":
		bit = memberVehicle
	case "sent_at":
		bit = memberSentAt
	case "sequence":
		bit = memberSequence
	case "buffered":
		bit = memberBuffered
	}
	switch {
	case bit == 0 || bit == memberVehicle && !named:
		it.blame("unknown member " + quoted(name))
		return s.value(1)
	case *seen&bit != 0:
		it.blame("member " + quoted(name) + " stands twice")
		return s.value(1)
	}
	*seen |= bit
	switch bit {
	case memberVehicle:
		return s.vehicle(it)
	case memberSentAt:
		return s.sentAt(it)
	case memberSequence:
		return s.sequence(it)
	default:
		return s.buffered(it)
	}
}

func (s *scanner) vehicle(it *item) (err error) {
	if s.peek() != '"' {
		it.blame(faultVehicle)
		return s.value(1)
	}
	it.vehicle, err = s.text()
	return err
}

func (s *scanner) sentAt(it *item) error {
	if s.peek() != '"' {
		it.blame(faultSentAt)
		return s.value(1)
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	at, ok := parseTime(text)
	if !ok {
		it.blame(faultSentAt)
		return nil
	}
	it.setSentAt(at)
	return nil
}

func (s *scanner) sequence(it *item) error {
	if c := s.peek(); c < '0' || c > '9' {
		it.blame(faultSequence)
		return s.value(1)
	}
	text, err := s.number()
	if err != nil {
		return err
	}
	sequence, ok := parseSequence(text)
	if !ok {
		it.blame(faultSequence)
		return nil
	}
	it.setSequence(sequence)
	return nil
}

func (s *scanner) buffered(it *item) error {
	switch s.peek() {
	case 't':
		it.buffered = true
	case 'f':
	default:
		it.blame(faultBuffered)
	}
	return s.value(1)
}

// finish checks what only shows at the end of an object.
func (it *item) finish(named bool) {
	if named && it.vehicle == nil {
		it.blame(faultMissing)
	} else if named && !ValidID(it.vehicle) {
		it.blame(faultVehicle)
	}
}

// parseSequence reads a whole number without sign, fraction or exponent.
func parseSequence(text []byte) (n uint64, ok bool) {
	if len(text) > 16 { // MaxSequence has 16 digits
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// quoted is a text from outside, cut short and escaped, for use in an error.
func quoted(text []byte) string {
	if len(text) > MaxID {
		text = text[:MaxID]
	}
	return strconv.QuoteToASCII(string(text))
}
