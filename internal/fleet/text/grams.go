package text

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// A trigram is written as three letters of 6 bits. Letters of plates and VINs have a number of their own; all other
// bytes share the rest, so that what they find must be checked. 0 stands for "behind the end".
const (
	letterBits   = 6
	gramCount    = 1 << (3 * letterBits)
	firstDigit   = 1
	firstLetter  = firstDigit + 10
	firstOther   = firstLetter + 26
	otherLetters = 1<<letterBits - firstOther
)

// letter is the number of a byte of folded text, and whether it is the only byte of that number.
func letter(c byte) (uint32, bool) {
	switch {
	case c >= '0' && c <= '9':
		return firstDigit + uint32(c-'0'), true
	case c >= 'a' && c <= 'z':
		return firstLetter + uint32(c-'a'), true
	}
	return firstOther + uint32(c)%otherLetters, false
}

// letters is the number of each byte of a text, folded or plain ASCII.
var letters = func() (table [256]uint8) {
	for c := range table {
		b := byte(c)
		if c < len(folded) {
			b = folded[c]
		}
		l, _ := letter(b)
		table[c] = uint8(l)
	}
	return table
}()

func gram(a, b, c uint32) uint32 { return (a<<letterBits|b)<<letterBits | c }

// grams holds, for every trigram, the numbers that have it: as one bit per number when they are many, else as the
// differences between them, one varint each. Numbers count from 1 here.
type grams struct {
	starts  []uint32 // where the list of each trigram begins in lists; the next begins where it ends
	lists   []byte
	crowded map[uint32]bitset.Set // the trigrams of many
}

// crowdedShare: a trigram that takes more bytes than one per so many numbers is kept as bits, which are smaller then.
const crowdedShare = 8

// gramBuilder reads all texts twice: once to learn how much room each trigram takes, once to fill it.
type gramBuilder struct {
	texts func(i uint32) (a, b []byte)
	last  []uint32 // by trigram: the number that had it last
	grams []uint32 // of one number
}

func buildGrams(size int, texts func(i uint32) (a, b []byte)) grams {
	b := gramBuilder{texts: texts, last: make([]uint32, gramCount)}
	room := make([]uint32, gramCount+1)
	for i := range uint32(size) {
		for _, code := range b.of(i) {
			if delta := i + 1 - b.last[code]; delta > 0 {
				room[code] += uint32(bits.Len32(delta)+6) / 7
				b.last[code] = i + 1
			}
		}
	}
	g := grams{crowded: make(map[uint32]bitset.Set)}
	total := uint32(0)
	for code, n := range room {
		room[code] = total
		if n > uint32(size)/crowdedShare {
			g.crowded[uint32(code)] = bitset.New(size)
			continue
		}
		total += n
	}
	g.starts, g.lists = room, make([]byte, total)
	b.fill(&g, size)
	return g
}

func (b *gramBuilder) fill(g *grams, size int) {
	crowded := make([]bitset.Set, gramCount) // quicker to ask than the map
	for code, set := range g.crowded {
		crowded[code] = set
	}
	end := slices.Clone(g.starts)
	clear(b.last)
	for i := range uint32(size) {
		for _, code := range b.of(i) {
			if set := crowded[code]; set != nil {
				set.Add(i)
				continue
			}
			delta, at := i+1-b.last[code], end[code]
			if delta == 0 {
				continue
			}
			b.last[code] = i + 1
			for ; delta >= 0x80; delta >>= 7 {
				g.lists[at] = byte(delta) | 0x80
				at++
			}
			g.lists[at] = byte(delta)
			end[code] = at + 1
		}
	}
}

// of lists the trigrams of the texts of number i, perhaps some of them twice.
func (b *gramBuilder) of(i uint32) []uint32 {
	b.grams = b.grams[:0]
	first, second := b.texts(i)
	b.add(first)
	b.add(second)
	return b.grams
}

// add appends the trigrams of one text.
func (b *gramBuilder) add(text []byte) {
	if !isASCII(text) {
		text = []byte(Fold(string(text)))
	}
	if len(text) == 0 {
		return
	}
	const mask = gramCount - 1
	code, skip := uint32(0), 2 // the first two letters do not make a trigram yet
	for _, c := range text {
		if code = (code<<letterBits | uint32(letters[c])) & mask; skip == 0 {
			b.grams = append(b.grams, code)
		} else {
			skip--
		}
	}
	for range 2 {
		if code = code << letterBits & mask; skip == 0 {
			b.grams = append(b.grams, code)
		} else {
			skip--
		}
	}
}

// candidates are the numbers below size that may have needle in their texts; exact says that they do.
func (g *grams) candidates(needle []byte, size int) (found bitset.Set, exact bool) {
	word, exact := make([]uint32, len(needle)), len(needle) <= 3
	for i, c := range needle {
		l, own := letter(c)
		word[i], exact = l, exact && own
	}
	found = bitset.New(size)
	switch len(word) {
	case 1:
		g.addRange(gram(word[0], 0, 0), gram(word[0]+1, 0, 0), found)
	case 2:
		g.addRange(gram(word[0], word[1], 0), gram(word[0], word[1]+1, 0), found)
	default:
		g.addCommon(word, found)
	}
	return found, exact
}

// addRange adds the numbers that have any of the trigrams from one up to, but not with, another.
func (g *grams) addRange(from, to uint32, found bitset.Set) {
	for code := from; code < to; code++ {
		g.add(code, found)
	}
}

// addCommon adds to found, which is empty, the numbers that have all trigrams of a word, or somewhat more of them where
// it is cheaper to look at the texts themselves than at another list.
func (g *grams) addCommon(word []uint32, found bitset.Set) {
	codes := make([]uint32, 0, len(word))
	for i := range len(word) - 2 {
		codes = append(codes, gram(word[i], word[i+1], word[i+2]))
	}
	slices.SortFunc(codes, func(a, b uint32) int { return cmp.Compare(g.cost(a, found), g.cost(b, found)) })
	codes = slices.Compact(codes)
	g.add(codes[0], found)
	var other bitset.Set
	for _, code := range codes[1:] {
		const bytesPerLook = 16 // of a list, that are read in the time of a look at one number's texts
		if found.Len()*bytesPerLook <= g.cost(code, found) {
			return
		}
		if set, ok := g.crowded[code]; ok {
			found.And(set)
			continue
		}
		if other == nil {
			other = make(bitset.Set, len(found))
		}
		clear(other)
		g.add(code, other)
		found.And(other)
	}
}

// cost is how much it takes to read a trigram's list, in bytes.
func (g *grams) cost(code uint32, found bitset.Set) int {
	if _, ok := g.crowded[code]; ok {
		return len(found)
	}
	return int(g.starts[code+1] - g.starts[code])
}

// add adds the numbers that have a trigram.
func (g *grams) add(code uint32, found bitset.Set) {
	list := g.lists[g.starts[code]:g.starts[code+1]]
	if len(list) == 0 {
		if set, ok := g.crowded[code]; ok {
			found.Or(set)
		}
		return
	}
	next := uint32(0) // one more than the number before
	for len(list) > 0 {
		delta, n := uint32(list[0]), 1
		if delta >= 0x80 {
			var wide uint64
			wide, n = binary.Uvarint(list)
			delta = uint32(wide)
		}
		list = list[n:]
		next += delta
		found.Add(next - 1)
	}
}
