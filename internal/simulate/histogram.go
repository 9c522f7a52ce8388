package simulate

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are at most a sixteenth wide, from microseconds to hours.
type histogram struct {
	total  int64
	counts [histogramBuckets]int64
}

const (
	subBits          = 4 // 16 buckets for each doubling
	histogramBuckets = 32 << subBits
)

func (h *histogram) add(d time.Duration) {
	v := uint64(max(d.Microseconds(), 0))
	exponent := max(bits.Len64(v)-subBits-1, 0)
	bucket := min(exponent<<subBits+int(v>>exponent), histogramBuckets-1)
	h.counts[bucket]++
	h.total++
}

// quantile is the duration that a share q of all does not exceed, rounded up to its bucket's end; 0 when there is none.
func (h *histogram) quantile(q float64) time.Duration {
	rest := int64(q*float64(h.total) + 0.999999)
	for bucket, n := range h.counts {
		if rest -= n; rest <= 0 && h.total > 0 {
			exponent := max(bucket>>subBits-1, 0)
			v := uint64(bucket-exponent<<subBits+1) << exponent
			return time.Duration(v-1) * time.Microsecond
		}
	}
	return 0
}

// since is what was added after an earlier state of the same histogram.
func (h histogram) since(earlier histogram) histogram {
	h.total -= earlier.total
	for i := range h.counts {
		h.counts[i] -= earlier.counts[i]
	}
	return h
}
