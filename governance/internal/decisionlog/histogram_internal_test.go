package decisionlog

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// rounded is a duration as the contract promises it, by another way: the decimal digits themselves.
func rounded(d time.Duration) time.Duration {
	us := d.Microseconds()
	if us < 1000 {
		return time.Duration(us) * time.Microsecond
	}
	text := strconv.FormatInt(us, 10)
	digits, err := strconv.ParseFloat(text[:3]+"."+text[3:], 64)
	if err != nil {
		panic(err)
	}
	return time.Duration(math.Floor(digits+0.5)*math.Pow10(len(text)-3)) * time.Microsecond
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	for us, want := range map[int64]int64{
		-1: 0, 0: 0, 1: 1, 999: 999, 1000: 1000, 1004: 1000, 1005: 1010, 9994: 9990, 9995: 10_000, 10_049: 10_000, 10_050: 10_100,
		99_949: 99_900, 99_950: 100_000, 123_499: 123_000, 123_500: 124_000, 3_600_000_000: 3_600_000_000,
	} {
		if got := duration(bucketOf(time.Duration(us) * time.Microsecond)); got != time.Duration(want)*time.Microsecond {
			t.Errorf("%d µs count as %s, want %d µs", us, got, want)
		}
	}
	last := uint64(0)
	for us := range int64(200_000) {
		d := time.Duration(us) * time.Microsecond
		bucket := bucketOf(d)
		if bucket < last || bucket > last+1 || duration(bucket) != rounded(d) {
			t.Fatalf("%s is in bucket %d after %d, which is %s, want %s", d, bucket, last, duration(bucket), rounded(d))
		}
		last = bucket
	}
}

// TestPercentiles compares with the definition: the element of the sorted list at the nearest rank.
func TestPercentiles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Int64Range(0, 5_000_000), 1, 300).Draw(t, "µs")
		h, whole := histogram{}, histogram{}
		for i, us := range list {
			h[bucketOf(time.Duration(us)*time.Microsecond)]++
			if i%7 == 0 || i == len(list)-1 { // as hours are added up
				other := histogram{}
				if err := other.decode(h.encode()); err != nil {
					t.Fatal(err)
				}
				whole.add(other)
				clear(h)
			}
		}
		slices.Sort(list)
		got := whole.percentiles(50, 95, 99)
		for i, percent := range []float64{50, 95, 99} {
			rank := int(math.Ceil(percent / 100 * float64(len(list))))
			if want := rounded(time.Duration(list[rank-1]) * time.Microsecond); got[i] != want {
				t.Fatalf("p%v of %v is %s, want %s", percent, list, got[i], want)
			}
		}
	})
}

func TestMalformedDurations(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{{0x80}, {1}, {1, 0x80}, {1, 0}, {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}} {
		if err := (histogram{}).decode(b); err == nil {
			t.Errorf("%v is accepted", b)
		}
	}
	if got := (histogram{}).percentiles(50); got[0] != 0 {
		t.Errorf("the median of nothing is %s", got[0])
	}
}
