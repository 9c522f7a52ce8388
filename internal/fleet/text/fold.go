// Package text finds vehicles by any part of their texts, without regard to case and diacritics.
//
// Fold brings a text into the form that is compared; Index finds the numbers whose folded texts contain a folded text.
package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold brings a text into the form in which texts are compared: small letters without diacritics, letters that stand for
// two as two, every kind of space and control character as one plain space. "Södertälje" and "SODERTALJE" fold to
// "sodertalje", "Straße" to "strasse".
func Fold(s string) string {
	if folded, ok := foldASCII(s); ok {
		return folded
	}
	var b strings.Builder
	b.Grow(len(s))
	// The normaliser does not decompose all letters behind a broken one.
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(s, "\ufffd")) {
		foldRune(&b, unicode.ToLower(r))
	}
	return b.String()
}

// foldRune writes a decomposed small letter.
func foldRune(b *strings.Builder, r rune) {
	switch {
	case r < 0x80:
		b.WriteByte(folded[r])
	case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r):
		// diacritics, soft hyphens and other marks that nobody types
	case unicode.IsSpace(r), unicode.IsControl(r):
		b.WriteByte(' ')
	default:
		if plain := plainLetters(r); plain != "" {
			b.WriteString(plain)
			return
		}
		b.WriteRune(r)
	}
}

// plainLetters writes out the small letters that Unicode does not decompose though people search for them as if it did.
func plainLetters(r rune) string {
	switch r {
	case 'ø', 'ɵ':
		return "o"
	case 'ł', 'ƚ':
		return "l"
	case 'đ', 'ð', 'ɖ':
		return "d"
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case 'ħ':
		return "h"
	case 'ı':
		return "i"
	case 'ŋ':
		return "n"
	case 'ŧ':
		return "t"
	case 'ĸ':
		return "k"
	case 'ς':
		return "σ"
	}
	return ""
}

// foldASCII folds s, if it is plain ASCII.
func foldASCII(s string) (string, bool) {
	b := make([]byte, len(s))
	for i := range len(s) {
		if s[i] >= 0x80 {
			return "", false
		}
		b[i] = folded[s[i]]
	}
	return string(b), true
}

// folded is the folded form of each ASCII character.
var folded = func() (table [0x80]byte) {
	for c := range table {
		switch {
		case c >= 'A' && c <= 'Z':
			table[c] = byte(c) + 'a' - 'A'
		case c < ' ' || c == 0x7f:
			table[c] = ' '
		default:
			table[c] = byte(c)
		}
	}
	return table
}()
