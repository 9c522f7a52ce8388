package registry

import (
	"fmt"
	"strings"
)

// CheckVIN says whether s may identify a vehicle: a VIN, or any device id of 1 to 64 visible ASCII characters without
// a slash that is not only dots, for it stands in URLs. What has a VIN's length, 17, must be written in a VIN's
// alphabet (ISO 3779): capital letters without I, O and Q, and digits. The error is an *InvalidError.
func CheckVIN(s string) error {
	var p problems
	p.vin(s)
	return p.err()
}

// vinLength is the length of every VIN (ISO 3779).
const vinLength = 17

func (p *problems) vin(s string) {
	switch {
	case s == "":
		p.add("vin", "is missing")
	case len(s) > MaxID:
		p.add("vin", "is longer than %d characters", MaxID)
	case strings.Trim(s, ".") == "":
		p.add("vin", "is only dots")
	default:
		if reason := badCharacter(s); reason != "" {
			p.add("vin", "%s", reason)
		}
	}
}

func badCharacter(s string) string {
	for _, r := range s {
		switch {
		case r <= ' ' || r > '~':
			return "has a character that is not visible ASCII"
		case r == '/':
			return "has a slash"
		case len(s) != vinLength:
		case r == 'I' || r == 'O' || r == 'Q':
			return "has the letter " + string(r) + ", which no VIN of 17 characters has"
		case 'a' <= r && r <= 'z':
			return "has the lower-case letter " + string(r) + "; a VIN of 17 characters has capitals only"
		case !('A' <= r && r <= 'Z' || '0' <= r && r <= '9'):
			return "has the character " + string(r) + "; a VIN of 17 characters has letters and digits only"
		}
	}
	return ""
}

// VINWarning says what looks wrong about a VIN that is accepted, or "" when nothing does: a check digit that does not
// fit. Only makers for North America and China must set one; elsewhere its place is free, and nothing can be said.
func VINWarning(vin string) string {
	if len(vin) != vinLength || badCharacter(vin) != "" || !hasCheckDigit(vin) {
		return ""
	}
	is, should := vin[checkDigitAt], checkDigit(vin)
	if is == should {
		return ""
	}
	return fmt.Sprintf("the check digit, character %d of the VIN, is %c and should be %c: a character may be wrong",
		checkDigitAt+1, is, should)
}

// hasCheckDigit tells by the region that a VIN begins with: 1 to 5 and 7F to 70 are North America, L is China.
func hasCheckDigit(vin string) bool {
	switch c := vin[0]; {
	case '1' <= c && c <= '5', c == 'L':
		return true
	case c == '7':
		return vin[1] >= 'F' || vin[1] <= '9'
	}
	return false
}

const checkDigitAt = 8

// checkDigit computes what belongs at the ninth place (49 CFR 565, GB 16735): the weighted sum of all, modulo 11.
func checkDigit(vin string) byte {
	const letters = "12345678.12345.7.923456789" // the values of A to Z, without I, O and Q
	weights := [vinLength]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	sum := 0
	for i, weight := range weights {
		digit := vin[i]
		if digit > '9' {
			digit = letters[digit-'A']
		}
		sum += int(digit-'0') * weight
	}
	return "0123456789X"[sum%11]
}
