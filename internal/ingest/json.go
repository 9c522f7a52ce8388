package ingest

import (
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep the values of unknown members may be nested before a body counts as malformed.
const maxDepth = 8

// scanner reads JSON strictly as RFC 8259 has it: valid UTF-8, no lone surrogates, nothing that a lenient reader might
// take another way. It knows no numbers beyond their grammar and builds no tree: heartbeats are flat.
type scanner struct {
	data []byte
	pos  int
}

// fail says that data is not JSON at the present place.
func (s *scanner) fail(what string) error { return &malformedError{offset: s.pos, what: what} }

// peek is the next byte, and 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// space skips white space.
func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return
		}
	}
}

// skip takes c if it comes next.
func (s *scanner) skip(c byte) bool {
	if s.peek() != c || s.pos == len(s.data) {
		return false
	}
	s.pos++
	return true
}

// word takes a literal such as true.
func (s *scanner) word(w string) error {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		return s.fail("expected a value")
	}
	s.pos += len(w)
	return nil
}

// text takes a string and gives its content: a part of data, or a copy when it holds escapes.
func (s *scanner) text() ([]byte, error) {
	if !s.skip('"') {
		return nil, s.fail("expected a string")
	}
	start, ascii := s.pos, true
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			text := s.data[start:s.pos]
			if !ascii && !utf8.Valid(text) {
				s.pos = start
				return nil, s.fail("a string is not valid UTF-8")
			}
			s.pos++
			return text, nil
		case c == '\\':
			return s.escapedText(start)
		case c < ' ':
			return nil, s.fail("a control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
		s.pos++
	}
	return nil, s.fail("a string does not end")
}

// escapedText goes on with a string that began at start and has an escape at pos.
func (s *scanner) escapedText(start int) ([]byte, error) {
	text := append([]byte(nil), s.data[start:s.pos]...)
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		if c < ' ' {
			return nil, s.fail("a control character in a string")
		}
		s.pos++
		switch c {
		case '"':
			if !utf8.Valid(text) {
				s.pos = start
				return nil, s.fail("a string is not valid UTF-8")
			}
			return text, nil
		case '\\':
			r, err := s.escape()
			if err != nil {
				return nil, err
			}
			text = utf8.AppendRune(text, r)
		default:
			text = append(text, c)
		}
	}
	return nil, s.fail("a string does not end")
}

// escape takes what follows a backslash.
func (s *scanner) escape() (rune, error) {
	c := s.peek()
	s.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, err := s.hex4()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if err := s.word(`\u`); err != nil {
			return 0, s.fail("half of a surrogate pair")
		}
		low, err := s.hex4()
		if r = utf16.DecodeRune(r, low); err == nil && r == utf8.RuneError {
			err = s.fail("half of a surrogate pair")
		}
		return r, err
	}
	s.pos--
	return 0, s.fail("not an escape of JSON")
}

func (s *scanner) hex4() (rune, error) {
	if len(s.data)-s.pos < 4 {
		return 0, s.fail(`expected four hexadecimal digits after \u`)
	}
	var r rune
	for _, c := range s.data[s.pos : s.pos+4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, s.fail(`expected four hexadecimal digits after \u`)
		}
	}
	s.pos += 4
	return r, nil
}

// number takes a number and gives its text.
func (s *scanner) number() ([]byte, error) {
	start := s.pos
	s.skip('-')
	if !s.skip('0') && !s.digits() {
		return nil, s.fail("expected a value")
	}
	if s.skip('.') && !s.digits() {
		return nil, s.fail("expected a digit after '.'")
	}
	if s.skip('e') || s.skip('E') {
		if !s.skip('+') {
			s.skip('-')
		}
		if !s.digits() {
			return nil, s.fail("expected a digit in the exponent")
		}
	}
	return s.data[start:s.pos], nil
}

// digits takes decimal digits and says whether there were any.
func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// value takes any value, checks that it is JSON, and forgets it.
func (s *scanner) value(depth int) error {
	var err error
	switch c := s.peek(); c {
	case '{', '[':
		if depth == maxDepth {
			return s.fail("nested too deep")
		}
		s.pos++
		return s.members(c, depth+1)
	case '"':
		_, err = s.text()
	case 't':
		err = s.word("true")
	case 'f':
		err = s.word("false")
	case 'n':
		err = s.word("null")
	default:
		_, err = s.number()
	}
	return err
}

// members takes the rest of an object or array that began with open.
func (s *scanner) members(open byte, depth int) error {
	end := open + 2 // '}' and ']' in ASCII
	if s.space(); s.skip(end) {
		return nil
	}
	for {
		s.space()
		if open == '{' {
			if _, err := s.text(); err != nil {
				return err
			}
			if err := s.colon(); err != nil {
				return err
			}
		}
		if err := s.value(depth); err != nil {
			return err
		}
		if last, err := s.comma(end); last || err != nil {
			return err
		}
	}
}

// colon takes what stands between a name and its value.
func (s *scanner) colon() error {
	if s.space(); !s.skip(':') {
		return s.fail("expected ':'")
	}
	s.space()
	return nil
}

// comma takes what stands after a value: a comma, or the end of what holds it.
func (s *scanner) comma(end byte) (last bool, err error) {
	s.space()
	switch {
	case s.skip(','):
		return false, nil
	case s.skip(end):
		return true, nil
	}
	return false, s.fail("expected ',' or '" + string(rune(end)) + "'")
}
