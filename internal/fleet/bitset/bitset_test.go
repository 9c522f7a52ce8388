package bitset_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// TestASetIsASet compares all that sets do to maps that do the same.
func TestASetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (bitset.Set, map[uint32]bool) {
			n := rapid.IntRange(0, 300).Draw(t, name)
			set, want := bitset.New(n), map[uint32]bool{}
			for range rapid.IntRange(0, n).Draw(t, "steps") {
				i := uint32(rapid.IntRange(0, n-1).Draw(t, "number"))
				if rapid.Bool().Draw(t, "add") {
					set.Add(i)
					want[i] = true
				} else {
					set.Remove(i)
					delete(want, i)
				}
			}
			return set, want
		}
		a, inA := draw("a")
		b, inB := draw("b")
		check := func(set bitset.Set, want func(i uint32) bool) {
			var numbers []uint32
			for i := range uint32(1000) {
				if set.Has(i) != want(i) {
					t.Fatalf("%d is in the set: %t", i, set.Has(i))
				}
				if want(i) {
					numbers = append(numbers, i)
				}
			}
			if set.Len() != len(numbers) || !slices.Equal(slices.Collect(set.All), numbers) {
				t.Fatalf("the set has %d numbers %v, not %v", set.Len(), slices.Collect(set.All), numbers)
			}
		}
		check(a, func(i uint32) bool { return inA[i] })
		both := slices.Clone(a)
		both.And(b)
		check(both, func(i uint32) bool { return inA[i] && inB[i] })
		only := slices.Clone(a)
		only.AndNot(b)
		check(only, func(i uint32) bool { return inA[i] && !inB[i] })
		either := slices.Clone(a).Grow(64 * len(b))
		either.Or(b)
		check(either, func(i uint32) bool { return inA[i] || inB[i] })
		for range a.All {
			break
		}
		if n := len(inA); a.Len() != n {
			t.Fatalf("%d numbers, not %d", a.Len(), n)
		}
	})
}
