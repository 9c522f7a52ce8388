package simulate

// subject keeps the random draws for different questions apart.
type subject uint64

const (
	phaseDraw subject = iota + 1
	jitterDraw
	tunnelDraw
	carrierDraw
	rebootDraw
	rebooterDraw
	counterDraw
	duplicateDraw
	skewDraw
	silentDraw
	vehicleDraw
	customerDraw
	ownerDraw
	cityDraw
)

// draw is 64 random-looking bits that depend on nothing but the seed, the subject and the two numbers: all of the
// simulation's chance comes from here, so it needs no state and can be asked in any order.
func draw(seed uint64, about subject, a, b uint64) uint64 {
	return mix(mix(seed^uint64(about)*0x9e3779b97f4a7c15+a) + b*0xd1342543de82ef95)
}

// mix is the finaliser of splitmix64: every bit of x moves half of the bits of the result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// fraction is the upper bits of a draw as a number in [0, 1).
func fraction(bits uint64) float64 { return float64(bits>>11) / (1 << 53) }

// below is a draw as a number in [0, n), from its lower 32 bits; n is at most 1<<31.
func below(bits uint64, n int64) int64 { return int64((bits & (1<<32 - 1)) * uint64(n) >> 32) }
