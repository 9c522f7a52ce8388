package ingest

import "github.com/fleetbeat/fleetbeat/internal/event"

// parseTime reads an RFC 3339 time, cut to the millisecond: date, 'T', time with optional fraction, and 'Z' or an
// offset. It takes exactly what time.Parse takes of it, without the leap second 60, about five times as fast.
func parseTime(text []byte) (event.Time, bool) {
	const shape = "0000-00-00T00:00:00" // 0 is any digit
	if len(text) < len(shape)+1 {
		return 0, false
	}
	for i := range len(shape) {
		if c := text[i]; shape[i] == '0' && (c < '0' || c > '9') || shape[i] != '0' && c != shape[i] {
			return 0, false
		}
	}
	year, month, day := 100*two(text[0:])+two(text[2:]), two(text[5:]), two(text[8:])
	hour, minute, second := two(text[11:]), two(text[14:]), two(text[17:])
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	text = text[len(shape):]
	millis, text, ok := fraction(text)
	if !ok {
		return 0, false
	}
	offset, ok := zone(text)
	if !ok {
		return 0, false
	}
	seconds := (daysFromEpoch(year, month, day)*24+hour)*3600 + minute*60 + second - offset*60
	return event.Time(seconds)*1000 + event.Time(millis), true
}

// two is the number that two digits spell.
func two(text []byte) int { return int(text[0]-'0')*10 + int(text[1]-'0') }

// fraction takes an optional fraction of a second, in milliseconds, and gives what follows it.
func fraction(text []byte) (millis int, rest []byte, ok bool) {
	if text[0] != '.' {
		return 0, text, true
	}
	i, unit := 1, 100
	for ; i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
		millis += int(text[i]-'0') * unit
		unit /= 10
	}
	return millis, text[i:], i > 1
}

// zone reads 'Z', "+hh:mm" or "-hh:mm", in minutes.
func zone(text []byte) (minutes int, ok bool) {
	if len(text) == 1 && text[0] == 'Z' {
		return 0, true
	}
	if len(text) != len("+00:00") || text[3] != ':' {
		return 0, false
	}
	for _, i := range [...]int{1, 2, 4, 5} {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
	}
	hour, minute := two(text[1:]), two(text[4:])
	if hour > 23 || minute > 59 {
		return 0, false
	}
	switch text[0] {
	case '+':
		return hour*60 + minute, true
	case '-':
		return -hour*60 - minute, true
	}
	return 0, false
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysFromEpoch counts days from 1970-01-01 in the Gregorian calendar, for years from 0. Years begin in March here, so
// that the leap day is their last.
func daysFromEpoch(year, month, day int) int {
	year, month = year+400, (month+9)%12 // 400 years more keep the divisions positive
	if month >= 10 {
		year--
	}
	const before = 865_565 // days from the March of year -400 to 1970-01-01
	return year*365 + year/4 - year/100 + year/400 + (month*306+5)/10 + day - 1 - before
}
