package registry

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Limits of texts, in characters. A text may not be longer than three times as many bytes in UTF-8 either.
const (
	MaxName               = 200
	MaxAddress            = 400
	MaxRegistrationNumber = 64
	MaxTag                = 64
	MaxTags               = 32 // tags of one vehicle
	MaxID                 = 64 // customer ids, VINs and device ids; these are ASCII
)

// A policy's times lie between these two. The listening clock allows a quarter of the shortest policy between two
// canaries, which come every 250 ms: below two seconds, an ordinary delay of one canary would be a gap, and hardly any
// silence would ever be proven.
const (
	MinAfter = 2 * time.Second
	MaxAfter = 366 * 24 * time.Hour
)

// problems collects what is wrong with an input, so that the caller learns all of it at once.
type problems []FieldError

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, FieldError{Field: field, Reason: fmt.Sprintf(format, args...)})
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &InvalidError{Fields: p}
}

// text checks free text and returns it as it is stored: trimmed, and in Unicode's composed form (NFC).
func (p *problems) text(field, s string, limit int) string {
	if len(s) > 16*limit { // normalising what is far too long is work for nothing
		p.add(field, "is longer than %d characters", limit)
		return ""
	}
	if !utf8.ValidString(s) {
		p.add(field, "is not valid UTF-8")
		return ""
	}
	s = norm.NFC.String(strings.TrimSpace(s))
	if i := strings.IndexFunc(s, breaksLine); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		p.add(field, "has the control character U+%04X", r)
	}
	if utf8.RuneCountInString(s) > limit {
		p.add(field, "is longer than %d characters", limit)
	} else if len(s) > 3*limit {
		p.add(field, "is longer than %d bytes", 3*limit)
	}
	return s
}

// breaksLine holds for characters that have no place in a text of one line.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

// name checks a customer's name.
func (p *problems) name(s string) string {
	if strings.TrimSpace(s) == "" {
		p.add("name", "is missing")
	}
	return p.text("name", s, MaxName)
}

// tags checks a vehicle's tags and returns them as they are stored: trimmed, sorted, each once.
func (p *problems) tags(tags []string) []string {
	var kept []string
	for _, tag := range tags {
		tag = p.text("tags", tag, MaxTag)
		if strings.Contains(tag, tagSeparator) {
			p.add("tags", "has a tag with a semicolon, which separates tags")
		}
		if tag != "" {
			kept = append(kept, tag)
		}
	}
	slices.Sort(kept)
	kept = slices.Compact(kept)
	if len(kept) > MaxTags {
		p.add("tags", "are more than %d", MaxTags)
	}
	return kept
}

// tagSeparator stands between the tags of a vehicle in the database and in CSV.
const tagSeparator = ";"

func joinTags(tags []string) string { return strings.Join(tags, tagSeparator) }

func splitTags(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, tagSeparator)
}

// policy checks a policy; the zero one is none.
func (p *problems) policy(policy event.Policy) {
	if policy == (event.Policy{}) {
		return
	}
	p.after("late_after", policy.LateAfter)
	p.after("offline_after", policy.OfflineAfter)
	if policy.LateAfter > policy.OfflineAfter {
		p.add("late_after", "is more than offline_after")
	}
}

func (p *problems) after(field string, d time.Duration) {
	switch {
	case d < MinAfter:
		p.add(field, "is less than %v", MinAfter)
	case d > MaxAfter:
		p.add(field, "is more than %v days", MaxAfter.Hours()/24)
	case d%time.Millisecond != 0:
		p.add(field, "is not a whole number of milliseconds")
	}
}

// customerID checks a customer's id.
func (p *problems) customerID(field, id string) {
	switch i := strings.IndexFunc(id, func(r rune) bool { return !isIDCharacter(r) }); {
	case id == "":
		p.add(field, "is missing")
	case len(id) > MaxID:
		p.add(field, "is longer than %d characters", MaxID)
	case i >= 0:
		p.add(field, "has a character other than A-Z a-z 0-9 . _ -")
	case strings.Trim(id, ".") == "":
		p.add(field, "is only dots")
	}
}

func isIDCharacter(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-'
}

// fold is the form in which texts are compared for search and order: lower case, without accents.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
}
