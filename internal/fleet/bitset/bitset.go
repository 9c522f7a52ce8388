// Package bitset holds sets of small numbers, one bit each.
//
// A million numbers take 125 kB, which lies in a processor's cache. So intersections and counts over the whole fleet take
// some tens of microseconds, whatever the sets are, and need no index of their own.
package bitset

import "math/bits"

// Set is a set of numbers. The zero Set is empty. Sets of different length compare as if the shorter went on with zeros.
type Set []uint64

// New is an empty set with room for the numbers below n.
func New(n int) Set { return make(Set, words(n)) }

// words is how many words of 64 bits the numbers below n take.
func words(n int) int { return (n + 63) / 64 }

// Has says whether i is in the set.
func (s Set) Has(i uint32) bool {
	w := int(i >> 6)
	return w < len(s) && s[w]&(1<<(i&63)) != 0
}

// Add puts i into the set, which must have room for it.
func (s Set) Add(i uint32) { s[i>>6] |= 1 << (i & 63) }

// Remove takes i out of the set, which must have room for it.
func (s Set) Remove(i uint32) { s[i>>6] &^= 1 << (i & 63) }

// Grow makes room for the numbers below n and returns the set.
func (s Set) Grow(n int) Set {
	if more := words(n) - len(s); more > 0 {
		return append(s, make(Set, more)...)
	}
	return s
}

// Len is how many numbers are in the set.
func (s Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// Or adds the numbers of t, for which s must have room.
func (s Set) Or(t Set) {
	for i, w := range t {
		s[i] |= w
	}
}

// And keeps only the numbers that are in t too.
func (s Set) And(t Set) {
	n := min(len(s), len(t))
	for i, w := range t[:n] {
		s[i] &= w
	}
	clear(s[n:])
}

// AndNot takes out the numbers of t.
func (s Set) AndNot(t Set) {
	for i, w := range t[:min(len(s), len(t))] {
		s[i] &^= w
	}
}

// All yields the numbers of the set, ascending. Numbers of the word being walked that are taken out meanwhile are
// yielded still.
func (s Set) All(yield func(uint32) bool) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if !yield(uint32(i<<6 + bits.TrailingZeros64(w))) {
				return
			}
		}
	}
}
