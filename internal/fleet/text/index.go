package text

import (
	"bytes"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// Index finds numbers by any part of their two texts.
//
// For every trigram, three letters that follow one another in a text, it knows the numbers that have it. Behind its end
// a text is thought to go on with two letters that stand for nothing: so the trigrams that begin with one or two given
// letters, which lie side by side, find texts that are too short for a trigram, and queries that are.
//
// The lists of all trigrams are built together. What changes after that is kept aside and looked at one by one, until
// it has become much; then everything is built anew. Changed must not run together with any other call.
type Index struct {
	texts func(i uint32) (a, b []byte) // the texts of number i, empty when it has none

	size    int        // the numbers below it were there when the lists were built
	grams   grams      // of the texts as they were then
	changed bitset.Set // numbers whose texts have changed since
	pending []uint32   // the same, as a list
}

// Few changed numbers are looked at one by one; looking at this many takes less than the rest of a query.
const (
	fewChanged      = 4096
	fewChangedShare = 64 // or one in so many
)

// NewIndex is an index of the texts that the function gives for a number. The function must give the new texts by the
// time Changed is called.
func NewIndex(texts func(i uint32) (a, b []byte)) *Index { return &Index{texts: texts} }

// Clone is an index of the same texts for as long as neither is told of a change, and from then on one of its own. It asks
// another function for texts.
func (x *Index) Clone(texts func(i uint32) (a, b []byte)) *Index {
	return &Index{texts: texts, size: x.size, grams: x.grams, changed: slices.Clone(x.changed), pending: slices.Clone(x.pending)}
}

// Changed takes note that the texts of some numbers, all of them below size, came, changed or went.
func (x *Index) Changed(numbers []uint32, size int) {
	x.changed = x.changed.Grow(max(size, x.size))
	for _, i := range numbers {
		if !x.changed.Has(i) {
			x.changed.Add(i)
			x.pending = append(x.pending, i)
		}
	}
	if len(x.pending) > max(fewChanged, size/fewChangedShare) {
		x.size = max(size, x.size)
		x.grams = buildGrams(x.size, x.texts)
		x.changed, x.pending = bitset.New(x.size), nil
	}
}

// Search adds to found every number one of whose texts contains query, a folded text that is not empty. The set must
// have room for all numbers.
func (x *Index) Search(query string, found bitset.Set) {
	needle := []byte(query)
	contains := func(i uint32) bool {
		a, b := x.texts(i)
		return contains(a, needle) || contains(b, needle)
	}
	if x.size > 0 {
		candidates, exact := x.grams.candidates(needle, x.size)
		candidates.AndNot(x.changed)
		if exact {
			found.Or(candidates)
		} else {
			for i := range candidates.All {
				if contains(i) {
					found.Add(i)
				}
			}
		}
	}
	for _, i := range x.pending {
		if contains(i) {
			found.Add(i)
		}
	}
}

// contains says whether the folded form of text contains needle, which is folded and not empty.
func contains(text, needle []byte) bool {
	if !isASCII(text) {
		return bytes.Contains([]byte(Fold(string(text))), needle)
	}
	for start := 0; start+len(needle) <= len(text); start++ {
		if folded[text[start]] == needle[0] && hasPrefix(text[start:], needle) {
			return true
		}
	}
	return false
}

// hasPrefix says whether the folded form of text, plain ASCII and not shorter than needle, begins with it.
func hasPrefix(text, needle []byte) bool {
	for i, c := range needle {
		if folded[text[i]] != c {
			return false
		}
	}
	return true
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
