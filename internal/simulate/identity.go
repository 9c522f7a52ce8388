package simulate

import "strings"

const (
	// yearCodes are the VIN codes of ten model years, plantCodes of ten plants.
	yearCodes  = "HJKLMNPRST"
	plantCodes = "12345ABCDE"
	// plateLetters are those on Swedish plates; the last place has no O either, and may be a digit.
	plateLetters = "ABCDEFGHJKLMNOPRSTUWXYZ"
	plateLast    = "0123456789ABCDEFGHJKLMNPRSTUWXYZ"
)

// generateVIN is the VIN of generated vehicle n: make and model, check digit, year, plant and a serial number. Year, plant
// and serial number together are unique among 100,000,000.
func (r *Roster) generateVIN(n int) [vinLength]byte {
	const vins = uint64(len(yearCodes) * len(plantCodes) * 1_000_000)
	number := shuffle(uint64(n), 61_803_399, draw(r.seed, vehicleDraw, 0, 1), vins)
	var vin [vinLength]byte
	copy(vin[:], pick(makes, r.traits(n)>>32))
	for place := vinLength - 1; place >= vinLength-6; place-- {
		vin[place] = '0' + byte(number%10)
		number /= 10
	}
	vin[10] = plantCodes[number%10]
	vin[9] = yearCodes[number/10]
	vin[8] = checkDigit(vin)
	return vin
}

// checkDigit is what ISO 3779 (by 49 CFR 565) wants at the ninth place, which itself has no weight.
func checkDigit(vin [vinLength]byte) byte {
	const letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
	const values = "12345678123457923456789"
	weights := [vinLength]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	sum := 0
	for i, c := range vin {
		value := int(c) - '0'
		if at := strings.IndexByte(letters, c); at >= 0 {
			value = int(values[at] - '0')
		}
		sum += weights[i] * value
	}
	if sum%11 == 10 {
		return 'X'
	}
	return '0' + byte(sum%11)
}

// plate is the registration number of generated vehicle n: three letters, two digits, a digit or letter, unique among
// 38,934,400.
func (r *Roster) plate(n int) string {
	const letters, last = uint64(len(plateLetters)), uint64(len(plateLast))
	const plates = letters * letters * letters * 100 * last
	number := shuffle(uint64(n), 24_062_851, draw(r.seed, vehicleDraw, 0, 2), plates)
	var plate [6]byte
	plate[5], number = plateLast[number%last], number/last
	plate[4], number = '0'+byte(number%10), number/10
	plate[3], number = '0'+byte(number%10), number/10
	for place := 2; place >= 0; place-- {
		plate[place], number = plateLetters[number%letters], number/letters
	}
	return string(plate[:])
}
