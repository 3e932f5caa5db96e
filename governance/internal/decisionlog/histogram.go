package decisionlog

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"
)

// histogram counts durations by bucket. Below 1 ms a bucket is one microsecond; above, all durations that are the same to three significant digits. Its
// percentiles are therefore those of the durations themselves, rounded, since rounding keeps their order.
type histogram map[uint64]int64

const (
	exact   = 1000 // microseconds that are buckets of their own
	mantiss = 900  // three-digit numbers: the buckets of a power of ten
)

// bucketOf returns the bucket of a duration; negative ones count as 0.
func bucketOf(d time.Duration) uint64 {
	us := uint64(max(d.Microseconds(), 0)) // not negative
	if us < exact {
		return us
	}
	unit, power := uint64(10), uint64(0)
	for us/unit >= exact {
		unit *= 10
		power++
	}
	digits := us / unit
	if us%unit*2 >= unit { // half up
		digits++
	}
	// 999.5 and more becomes 1000 of this unit, which is 100 of the next: the next bucket in either numbering.
	return exact + power*mantiss + digits - 100
}

// duration returns the duration of a bucket.
func duration(bucket uint64) time.Duration {
	if bucket < exact {
		return time.Duration(bucket) * time.Microsecond // small
	}
	us := (bucket-exact)%mantiss + 100
	for range (bucket-exact)/mantiss + 1 {
		us *= 10
	}
	return time.Duration(us) * time.Microsecond // of a duration
}

func (h histogram) add(other histogram) {
	for bucket, n := range other {
		h[bucket] += n
	}
}

// percentiles returns percentiles by nearest rank: the smallest duration that at least so many percent of all do not exceed. All are 0 when there is
// nothing.
func (h histogram) percentiles(percents ...int64) []time.Duration {
	total := int64(0)
	for _, n := range h {
		total += n
	}
	found := make([]time.Duration, len(percents))
	buckets := slices.Sorted(maps.Keys(h))
	for i, percent := range percents {
		rank, seen := (percent*total+99)/100, int64(0)
		for _, bucket := range buckets {
			if seen += h[bucket]; seen >= rank {
				found[i] = duration(bucket)
				break
			}
		}
	}
	return found
}

// encode returns pairs of varints, in the order of the buckets: the distance from the bucket before, and the count.
func (h histogram) encode() []byte {
	var b []byte
	last := uint64(0)
	for _, bucket := range slices.Sorted(maps.Keys(h)) {
		b = binary.AppendUvarint(b, bucket-last)
		b = binary.AppendUvarint(b, uint64(h[bucket]))
		last = bucket
	}
	return b
}

var errHistogram = errors.New("stored durations are malformed")

// decode adds what encode returned.
func (h histogram) decode(b []byte) error {
	for bucket := uint64(0); len(b) > 0; {
		distance, n := binary.Uvarint(b)
		if n <= 0 {
			return errHistogram
		}
		count, m := binary.Uvarint(b[n:])
		if m <= 0 || int64(count) <= 0 { // checked
			return errHistogram
		}
		bucket += distance
		h[bucket] += int64(count) // checked
		b = b[n+m:]
	}
	return nil
}
