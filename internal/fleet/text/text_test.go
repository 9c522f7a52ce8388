package text_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
	"github.com/fleetbeat/fleetbeat/internal/fleet/text"
)

func TestFoldTakesAwayCaseAndDiacritics(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"YS2R4X20005399401":  "ys2r4x20005399401",
		"Södertälje":         "sodertalje",
		"So\u0308dertälje":   "sodertalje",
		"ÅNGSTRÖM \u212bngs": "angstrom angs",
		"Straße STRASSE ẞ":   "strasse strasse ss",
		"Ørsted Æbeltoft":    "orsted aebeltoft",
		"Łódź Đorđe":         "lodz dorde",
		"İstanbul ısı":       "istanbul isi",
		"Οδυσσεύς":           "οδυσσευσ",
		"Þór œuvre":          "thor oeuvre",
		"ﬁne №1 ½":           "fine no1 1⁄2",
		"tab\tand\nline\x00": "tab and line ",
		"soft\u00adhyphen":   "softhyphen",
		"no\u00a0break":      "no break",
		"\xffbroken":         "\ufffdbroken",
		"Москва́":            "москва",
		"ＦＵＬＬ ｗｉｄｔｈ １２":      "full width 12",
	} {
		if got := text.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFoldIsStable(f *testing.F) {
	f.Add("Södertälje")
	f.Add("\x00ẞİ\xff")
	f.Fuzz(func(t *testing.T, s string) {
		once := text.Fold(s)
		if twice := text.Fold(once); twice != once {
			t.Errorf("Fold(%q) = %q, folded again %q", s, once, twice)
		}
		if strings.ContainsAny(once, "\x00\n\t\x7f") {
			t.Errorf("Fold(%q) = %q holds control characters", s, once)
		}
	})
}

// fleet is a set of texts that a test changes.
type fleet [][2]string

func (f *fleet) texts(i uint32) (a, b []byte) { return []byte((*f)[i][0]), []byte((*f)[i][1]) }

func (f *fleet) naive(query string) (found []uint32) {
	for i, texts := range *f {
		if strings.Contains(text.Fold(texts[0]), query) || strings.Contains(text.Fold(texts[1]), query) {
			found = append(found, uint32(i))
		}
	}
	return found
}

func search(x *text.Index, query string, size int) (found []uint32) {
	set := bitset.New(size)
	x.Search(query, set)
	for i := range set.All {
		found = append(found, i)
	}
	return found
}

func drawText(t *rapid.T) string {
	return rapid.StringOfN(rapid.SampledFrom([]rune("ABCab12-_ åÅßø\u0308")), 0, 8, -1).Draw(t, "text")
}

func TestIndexFindsWhatAScanFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f fleet
		x := text.NewIndex(f.texts)
		// Enough numbers at once that the lists are built, then a few that stay aside.
		for range rapid.IntRange(0, 2).Draw(t, "bulks") {
			a, b := drawText(t), drawText(t)
			var all []uint32
			for i := range 4200 {
				f = append(f, [2]string{a + fmt.Sprint(i%300), b})
				all = append(all, uint32(len(f)-1))
			}
			x.Changed(all, len(f))
		}
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			i := rapid.IntRange(0, len(f)).Draw(t, "number")
			if i == len(f) {
				f = append(f, [2]string{})
			}
			f[i] = [2]string{drawText(t), drawText(t)}
			x.Changed([]uint32{uint32(i)}, len(f))
		}
		query := text.Fold(drawText(t))
		if query == "" {
			return
		}
		if got, want := fmt.Sprint(search(x, query, len(f))), fmt.Sprint(f.naive(query)); got != want {
			t.Fatalf("search for %q found %.200s, a scan %.200s", query, got, want)
		}
	})
}

// million is a fleet as real ones are: VINs of a few makers with serial numbers, plates of letters and digits.
func million() *fleet {
	random := rand.New(rand.NewPCG(1, 2))
	f := make(fleet, 1_000_000)
	makers := []string{"YS2R4X2000", "YV2RT40A0K", "WDB9634031", "XLRTEH4300", "WMA06XZZ9H", "VF622GVA0L", "ZCFC735B00", "WV1ZZZSYZJ"}
	letters := "ABCDEFGHJKLMNOPRSTUWXYZ"
	for i := range f {
		plate := []byte{letters[random.IntN(23)], letters[random.IntN(23)], letters[random.IntN(23)], 0, 0, 0}
		copy(plate[3:], fmt.Sprintf("%03d", random.IntN(1000)))
		f[i] = [2]string{fmt.Sprintf("%s%07d", makers[random.IntN(len(makers))], random.IntN(10_000_000)), string(plate)}
	}
	return &f
}

func BenchmarkIndex(b *testing.B) {
	f := million()
	arena := make([][2][]byte, len(*f))
	all := make([]uint32, len(*f))
	for i, texts := range *f {
		arena[i] = [2][]byte{[]byte(texts[0]), []byte(texts[1])}
		all[i] = uint32(i)
	}
	texts := func(i uint32) (x, y []byte) { return arena[i][0], arena[i][1] }
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			text.NewIndex(texts).Changed(all, len(all))
		}
	})
	x := text.NewIndex(texts)
	x.Changed(all, len(all))
	set := bitset.New(len(all))
	for _, query := range []string{"trans", "a", "7", "47", "ys2", "ys2r4x", "12345", "kalle johan"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				clear(set)
				x.Search(query, set)
			}
			b.ReportMetric(float64(set.Len()), "found")
		})
	}
}
