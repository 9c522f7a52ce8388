package fleet

import (
	"slices"
	"strings"
)

// noTags is the empty set of tags.
const noTags uint32 = 0

// tagSets keeps every set of tags once, however many vehicles have it.
type tagSets struct {
	sets []tagSet
	ids  map[string]uint32 // by key
	free []uint32          // places of sets, not in use
}

type tagSet struct {
	tags     []string // ascending, each once
	vehicles int      // how many have it
}

func newTagSets() tagSets {
	return tagSets{sets: make([]tagSet, 1), ids: map[string]uint32{"": noTags}}
}

// tagKey tells sets apart: no tag is empty or holds a NUL.
func tagKey(tags []string) string { return strings.Join(tags, "\x00") }

// canonicalTags is tags in ascending order, each once.
func canonicalTags(tags []string) []string {
	if len(tags) == 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(tags)))
}

// use gives one more vehicle the set of canonical tags.
func (t *tagSets) use(tags []string) uint32 {
	key := tagKey(tags)
	id, ok := t.ids[key]
	switch {
	case ok:
	case len(t.free) > 0:
		id = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
	default:
		id = uint32(len(t.sets))
		t.sets = append(t.sets, tagSet{})
	}
	if !ok {
		t.ids[key] = id
		t.sets[id].tags = tags
	}
	t.sets[id].vehicles++
	return id
}

// release ends what use began.
func (t *tagSets) release(id uint32) {
	t.sets[id].vehicles--
	if id != noTags && t.sets[id].vehicles == 0 {
		delete(t.ids, tagKey(t.sets[id].tags))
		t.sets[id] = tagSet{}
		t.free = append(t.free, id)
	}
}

// of lists the tags of a set. The list is shared: it must not be changed.
func (t *tagSets) of(id uint32) []string { return t.sets[id].tags }

// withAll says of each set whether it holds all of the tags.
func (t *tagSets) withAll(tags []string) []bool {
	found := make([]bool, len(t.sets))
	for id, set := range t.sets {
		found[id] = !slices.ContainsFunc(tags, func(tag string) bool { return !slices.Contains(set.tags, tag) })
	}
	return found
}
