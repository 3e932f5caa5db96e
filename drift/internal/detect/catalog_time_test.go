package detect

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// arrivals are n rows that come one after the other for as many minutes as gap says, from a start.
func arrivals(n int, start time.Time, gap func(i int) float64) Sample {
	s := Sample{Rows: int64(n)}
	at := start.UnixMicro()
	for i := range n {
		at += int64(gap(i) * 60e6)
		s.Times = append(s.Times, at)
	}
	return s
}

func TestTimeFindings(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	random := func(mean float64) func(int) float64 { return func(int) float64 { return mean * rng.ExpFloat64() } }
	baseline := arrivals(2000, start, random(10))
	night := func(hours func(hour int) bool) Sample {
		all := arrivals(8000, start.AddDate(0, 0, 14), random(2.5))
		all.Times = slices.DeleteFunc(all.Times, func(at int64) bool { return !hours(time.UnixMicro(at).UTC().Hour()) })
		all.Rows = int64(len(all.Times))
		return all
	}
	for _, c := range []struct {
		test      Test
		current   Sample
		direction Direction
	}{
		{TestArrivalGaps, arrivals(1000, start, random(20)), DirectionIncrease},
		{TestArrivalGaps, arrivals(1000, start, random(5)), DirectionDecrease},
		{TestDuplicateTimestamps, arrivals(2000, start, func(i int) float64 { return 20 * float64(i%2) }), DirectionIncrease},
		{TestArrivalSeasonality, night(func(hour int) bool { return hour%24 < 12 }), DirectionChanged},
	} {
		f := FeatureInput{Type: Timestamp, Baseline: baseline, Current: baseline}
		if got := only(t, f, c.test, ""); got.Status != StatusOK || *got.Effect != 0 || got.Direction != DirectionNone || *got.PValue < 0.05 {
			t.Errorf("%s with itself: got %+v", c.test, got)
		}
		f.Current = c.current
		if got := only(t, f, c.test, ""); got.Status != StatusDrift || got.Direction != c.direction || *got.PValue > 0.001 {
			t.Errorf("%s: got %+v", c.test, got)
		}
	}
	// What is midnight here is noon there: on both sides, so that a zone finds nothing by itself.
	f := FeatureInput{Type: Timestamp, Baseline: baseline, Current: arrivals(1500, start.AddDate(0, 0, 14), random(10)), Zone: time.FixedZone("there", 12*3600)}
	if got := only(t, f, TestArrivalSeasonality, ""); got.Status != StatusOK {
		t.Errorf("got %+v", got)
	}
	f.Current = arrivals(100, start, random(1))
	if got := only(t, f, TestArrivalSeasonality, ""); got.Status != StatusNotApplicable || got.Reason == "" {
		t.Errorf("two hours: got %+v", got)
	}
	f.Current = arrivals(2000, start, func(int) float64 { return 0 })
	if got := only(t, f, TestArrivalSeasonality, ""); got.Status != StatusNotApplicable || got.Reason == "" {
		t.Errorf("one instant: got %+v", got)
	}
	if TestDuplicateValues.Applies(Timestamp) {
		t.Error("instants of windows that differ in length are called repeated")
	}
}
