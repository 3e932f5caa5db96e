package arrival_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/aumos-enterprise/platform/drift/internal/detect/arrival"
	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

const hour = int64(time.Hour / time.Microsecond)

type spec struct {
	Seed    uint64
	N       int
	Start   int64
	Hours   float64
	Squared bool
}

// instants repeats those of testdata/golden.py: splitmix64.
func (s spec) instants() []int64 {
	times := make([]int64, s.N)
	for i, u := range goldentest.Uniform(s.Seed, s.N) {
		u = u * s.Hours / 24
		day := math.Floor(u)
		within := u - day
		if s.Squared {
			within *= within
		}
		times[i] = s.Start + int64(float64((day+within)*24)*float64(hour))
	}
	slices.Sort(times)
	return times
}

func draws(count int, seed uint64) permutation.Draws {
	return permutation.Draws{Count: count, Rand: rand.New(rand.NewPCG(seed, 1)), Alpha: 0.05}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	type golden struct {
		Cases []struct {
			Zone              string
			Baseline, Current spec
			Above, Below      float64
			Season            struct {
				Hours, DF                   int
				Statistic, Dispersion, V, P float64
			}
		}
	}
	for _, c := range goldentest.Read[golden](t, "testdata/golden.json").Cases {
		zone, err := time.LoadLocation(c.Zone)
		if err != nil {
			t.Fatal(err)
		}
		baseline, current := c.Baseline.instants(), c.Current.instants()
		g, err := arrival.CompareGaps(baseline, current, draws(99, 1))
		if err != nil || !goldentest.Near(g.Above, c.Above, 1e-12) || !goldentest.Near(g.Below, c.Below, 1e-12) {
			t.Errorf("%s: got %+v, %v, want %v, %v", c.Zone, g, err, c.Above, c.Below)
		}
		// The ratio of rates is found by halving here and by Brent's method there, to 1e-14 each, and enters squared: 1e-9.
		s, err := arrival.CompareSeasons(baseline, current, zone)
		if w := c.Season; err != nil || s.Hours != w.Hours || s.DF != w.DF || !goldentest.Near(s.Statistic, w.Statistic, 1e-9) || !goldentest.Near(s.Dispersion, w.Dispersion, 1e-12) ||
			!goldentest.Near(s.V, w.V, 1e-12) || !goldentest.Near(s.P, w.P, 1e-8) {
			t.Errorf("%s: got %+v, %v, want %+v", c.Zone, s, err, w)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	even := make([]int64, 400)
	for i := range even {
		even[i] = int64(i) * hour
	}
	extreme := []int64{math.MinInt64, -1, 0, 1, math.MaxInt64 - 2, math.MaxInt64 - 1, math.MaxInt64}
	for _, few := range [][]int64{nil, {5}, {5, 5}, make([]int64, 3), make([]int64, 400)} {
		want := arrival.ErrTooFew
		if len(few) >= 3 {
			want = arrival.ErrNoShared // more rows at one instant would tell nothing either
		}
		if _, err := arrival.CompareSeasons(even, few, time.UTC); !errors.Is(err, want) {
			t.Errorf("%d equal: got %v", len(few), err)
		}
		if _, err := arrival.CompareGaps(even, few, draws(99, 1)); (err == nil) != (len(few) > 100) || err != nil && !errors.Is(err, arrival.ErrTooFew) {
			t.Errorf("%d equal: got %v", len(few), err)
		}
	}
	if _, err := arrival.CompareSeasons(even, even[:10], time.UTC); !errors.Is(err, arrival.ErrNoShared) {
		t.Errorf("ten hours: got %v", err)
	}
	end := make([]int64, 100)
	for i := range end {
		end[i] = math.MaxInt64 - int64(99-i)*hour/2
	}
	for _, odd := range [][]int64{extreme, end} {
		if _, err := arrival.CompareSeasons(odd, odd, time.UTC); err != nil && !errors.Is(err, arrival.ErrNoShared) {
			t.Errorf("got %v", err)
		}
	}
	if got, err := arrival.CompareGaps(end, end, draws(99, 1)); err != nil || got.D != 0 || got.P != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	if equal, of := arrival.Duplicates([]int64{1, 1, 1, 2, 3, 3}); equal != 3 || of != 5 {
		t.Errorf("got %d of %d", equal, of)
	}
	if equal, of := arrival.Duplicates(nil); equal != 0 || of != 0 {
		t.Errorf("got %d of %d", equal, of)
	}
}

// bursts draws rows that come a few at a time, more of them by day.
func bursts(rng *rand.Rand, n int, start, length int64, burst float64) []int64 {
	times := make([]int64, 0, n)
	for len(times) < n {
		at := start + rng.Int64N(length)
		if hourOf := at / hour % 24; rng.Float64() > 0.3 && (hourOf < 8 || hourOf > 20) {
			continue
		}
		for range 1 + int(burst*rng.ExpFloat64()) {
			at += int64(rng.ExpFloat64() * 60e6)
			times = append(times, at)
		}
	}
	slices.Sort(times)
	return times[:n]
}

// TestLevels wants p ≤ 0.05 at most as often as that on null data, up to three standard errors, also where rows come in bursts.
func TestLevels(t *testing.T) {
	t.Parallel()
	const trials, alpha = 200, 0.05
	most := trials * (alpha + 3*math.Sqrt(alpha*(1-alpha)/trials))
	week := 7 * 24 * hour
	for _, burst := range []float64{0, 3} {
		for i, size := range [][2]int{{200, 200}, {1000, 250}} {
			rng := rand.New(rand.NewPCG(11, uint64(i)))
			var gaps, seasons float64
			for trial := range trials {
				length := 4 * week * int64(size[1]) / int64(size[0])
				baseline, current := bursts(rng, size[0], 0, 4*week, burst), bursts(rng, size[1], 4*week, length, burst)
				g, err := arrival.CompareGaps(baseline, current, draws(99, uint64(trial)))
				if err != nil {
					t.Fatal(err)
				}
				s, err := arrival.CompareSeasons(baseline, current, time.UTC)
				if err != nil {
					t.Fatal(err)
				}
				if g.P <= alpha {
					gaps++
				}
				if s.P <= alpha {
					seasons++
				}
			}
			t.Logf("bursts of %v, %v: %v and %v false alarms of %d", 1+burst, size, gaps, seasons, trials)
			if gaps > most || seasons > most {
				t.Errorf("bursts of %v, %v: %v and %v false alarms of %d", 1+burst, size, gaps, seasons, trials)
			}
		}
	}
}

func TestFound(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	week := 7 * 24 * hour
	even := bursts(rng, 2000, 0, 4*week, 0)
	if g, err := arrival.CompareGaps(even, bursts(rng, 1000, 4*week, 4*week, 0), draws(999, 1)); err != nil || g.P > 0.001 || g.Above <= g.Below || g.D < g.Critical {
		t.Errorf("half as many: got %+v, %v", g, err)
	}
	night := make([]int64, 0, 500)
	for _, at := range bursts(rng, 500, 4*week, 2*week, 0) {
		night = append(night, at+12*hour)
	}
	if s, err := arrival.CompareSeasons(even, night, time.UTC); err != nil || s.P > 1e-6 || s.V < 0.3 {
		t.Errorf("by night: got %+v, %v", s, err)
	}
	east := time.FixedZone("east", 12*3600)
	if s, err := arrival.CompareSeasons(even, even, east); err != nil || s.P != 1 || s.V != 0 || s.Statistic > 1e-9 {
		t.Errorf("with itself: got %+v, %v", s, err)
	}
}

func BenchmarkCompare1M(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	baseline, current := bursts(rng, 1e6, 0, 30*24*hour, 0), bursts(rng, 1e6, 30*24*hour, 30*24*hour, 0)
	b.Run("Gaps", func(b *testing.B) {
		for b.Loop() {
			if _, err := arrival.CompareGaps(baseline, current, draws(999, 1)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Seasons", func(b *testing.B) {
		for b.Loop() {
			if _, err := arrival.CompareSeasons(baseline, current, time.UTC); err != nil {
				b.Fatal(err)
			}
		}
	})
}
