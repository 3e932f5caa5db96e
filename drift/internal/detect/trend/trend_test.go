package trend

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestStep is the case that the replaced service answered with changes at 8, 18, 25, 38, 47 and 55, and none at 30.
func TestStep(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	a := analyze(t, daily(60, func(i int) float64 {
		if i >= 30 {
			return 2 + 0.3*rng.NormFloat64()
		}
		return 0.3 * rng.NormFloat64()
	}), Options{Horizon: 5})
	if len(a.Changes) != 1 || a.Changes[0].Index != 30 || a.Changes[0].Time != 30*microsPerDay {
		t.Fatalf("changes %+v, want one at 30", a.Changes)
	}
	if c := a.Changes[0]; math.Abs(c.Before) > 0.3 || math.Abs(c.After-2) > 0.3 || c.Size < 3 {
		t.Errorf("change %+v", c)
	}
	if a.Forecast.From != 30 || math.Abs(a.Forecast.Points[4].Value-2) > 0.5 {
		t.Errorf("forecast %+v does not go on from the new level", a.Forecast)
	}
	if a.Seasonal {
		t.Errorf("a step is no season: %+v", a.Season)
	}
}

func TestRampIsNoStaircase(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 1))
	threshold := 11.0
	a := analyze(t, daily(100, func(i int) float64 { return 0.1*float64(i) + 0.3*rng.NormFloat64() }), Options{Horizon: 30, Threshold: &threshold})
	if a.Direction != Rising || len(a.Changes) > 0 || a.Slope.Lower > 0.1 || a.Slope.Upper < 0.1 {
		t.Errorf("%+v", a)
	}
	if a.Forecast.Crossing < 8 || a.Forecast.Crossing > 13 {
		t.Errorf("crosses at %d, want about 10", a.Forecast.Crossing)
	}
	for i, p := range a.Forecast.Points[1:] {
		if previous := a.Forecast.Points[i]; p.Upper-p.Lower <= previous.Upper-previous.Lower || p.Time <= previous.Time {
			t.Fatalf("the interval does not widen: %+v after %+v", p, previous)
		}
	}
}

func TestSeason(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 1))
	var points []Point
	for i := range 90 { // a week, at irregular times
		at := float64(i) + 0.4*rng.Float64()
		points = append(points, Point{Time: int64(at * microsPerDay), Value: math.Sin(2*math.Pi*at/7) + 0.5*rng.NormFloat64()})
	}
	rng.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	a := analyze(t, points, Options{})
	if !a.Seasonal || math.Abs(a.Season.Period-7) > 0.3 || math.Abs(a.Season.Amplitude-1) > 0.3 || len(a.Changes) > 0 || a.Direction != Level {
		t.Errorf("season %+v of %+v", a.Season, a)
	}
}

func TestForecastStaysInRange(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 1))
	low, high := 0.0, 1.0
	a := analyze(t, daily(30, func(i int) float64 { return min(1, 0.3+0.025*float64(i)+0.02*rng.Float64()) }), Options{Horizon: 50, Min: &low, Max: &high})
	for _, p := range a.Forecast.Points {
		if p.Lower < 0 || p.Upper > 1 || p.Value < p.Lower || p.Value > p.Upper {
			t.Fatalf("%+v", p)
		}
	}
}

func TestShortAndConstant(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		for name, points := range map[string][]Point{
			"constant": daily(n, func(int) float64 { return 3 }),
			"huge":     daily(n, func(i int) float64 { return []float64{-MaxValue, MaxValue}[i%2] }),
			"tiny":     daily(n, func(i int) float64 { return float64(i%3) * math.SmallestNonzeroFloat64 }),
			"rising":   daily(n, func(i int) float64 { return float64(i) }),
			"one off":  daily(n, func(i int) float64 { return map[bool]float64{true: 1e6}[i == 3] }),
		} {
			a := analyze(t, points, Options{Horizon: 3})
			if (a.Kendall == nil) != (n < MinTrend) || n < MinTrend && len(a.Missing) != 3 {
				t.Errorf("%s, %d points: %+v", name, n, a)
			}
			if name == "constant" && (a.Direction != Level || a.Seasonal || len(a.Changes) > 0) {
				t.Errorf("constant, %d points: %+v", n, a)
			}
			if name == "rising" && n >= MinTrend && (a.Direction != Rising || a.Kendall.Tau != 1) {
				t.Errorf("rising, %d points: %+v", n, a)
			}
			if _, err := json.Marshal(a); err != nil {
				t.Errorf("%s, %d points: %v", name, n, err)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	good := daily(9, func(i int) float64 { return float64(i) })
	nan, one, two := math.NaN(), 1.0, 2.0
	for name, c := range map[string]struct {
		points []Point
		o      Options
	}{
		"NaN":         {[]Point{{0, math.NaN()}}, Options{}},
		"infinite":    {[]Point{{0, math.Inf(-1)}}, Options{}},
		"huge":        {[]Point{{0, 1e101}}, Options{}},
		"same time":   {[]Point{{5, 1}, {3, 1}, {5, 2}}, Options{}},
		"too many":    {daily(MaxPoints+1, func(int) float64 { return 0 }), Options{}},
		"horizon":     {good, Options{Horizon: MaxHorizon + 1}},
		"negative":    {good, Options{Horizon: -1}},
		"bound":       {good, Options{Min: &nan}},
		"empty range": {good, Options{Min: &two, Max: &one}},
	} {
		if _, err := Analyze(c.points, c.o); !errors.Is(err, ErrBadSeries) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestExactP enumerates the orders of six values.
func TestExactP(t *testing.T) {
	t.Parallel()
	values := []float64{1, 2, 3, 4, 5, 6}
	counts := map[int64]float64{}
	total := 0.0
	var permute func(k int)
	permute = func(k int) {
		if k == len(values) {
			counts[MannKendall(make([]float64, 6), values, 0).S]++
			total++
			return
		}
		for i := k; i < len(values); i++ {
			values[k], values[i] = values[i], values[k]
			permute(k + 1)
			values[k], values[i] = values[i], values[k]
		}
	}
	permute(0)
	for s := range counts {
		tail := 0.0
		for other, count := range counts {
			if max(other, -other) >= max(s, -s) {
				tail += count / total
			}
		}
		if p := exactP(6, s); !near(p, tail, 1e-12) {
			t.Errorf("S = %d: p %g, want %g", s, p, tail)
		}
	}
}

// TestSegmentsAreBest tries all divisions of short series.
func TestSegmentsAreBest(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	for range 50 {
		values := make([]float64, 10+rng.IntN(8))
		for i := range values {
			values[i] = rng.NormFloat64() + 3*float64(rng.IntN(2)*(i/6))
		}
		_, cost := Segments(values, 2)
		if want := cheapest(values, 2); !near(cost, want, 1e-9) {
			t.Fatalf("cost %g, want %g", cost, want)
		}
	}
}

func cheapest(values []float64, penalty float64) float64 {
	m, best := mean(values), 0.0
	for _, v := range values {
		best += (v - m) * (v - m)
	}
	for at := minSegment; at <= len(values)-minSegment; at++ {
		best = min(best, cheapest(values[:at], penalty)+cheapest(values[at:], penalty)+penalty)
	}
	return best
}

func TestPermutedInput(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 6))
	points := daily(60, func(int) float64 { return rng.NormFloat64() })
	first := analyze(t, points, Options{Horizon: 4})
	slices.Reverse(points)
	a, _ := json.Marshal(first)
	if b, _ := json.Marshal(analyze(t, points, Options{Horizon: 4})); string(a) != string(b) {
		t.Error("the order of the points matters")
	}
}

func FuzzAnalyze(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), 3, 0.5)
	f.Add(make([]byte, 512), 0, 0.0)
	f.Fuzz(func(t *testing.T, data []byte, horizon int, bound float64) {
		var points []Point
		for ; len(data) >= 16; data = data[16:] {
			points = append(points, Point{Time: int64(binary.LittleEndian.Uint64(data)), Value: math.Float64frombits(binary.LittleEndian.Uint64(data[8:]))})
		}
		a, err := Analyze(points, Options{Horizon: horizon, Min: &bound, Threshold: &bound})
		if err != nil {
			if !errors.Is(err, ErrBadSeries) {
				t.Fatal(err)
			}
			return
		}
		if _, err := json.Marshal(a); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkAnalyze2000(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 7))
	points := daily(MaxPoints, func(int) float64 { return rng.NormFloat64() })
	b.ReportAllocs()
	for b.Loop() {
		analyze(b, points, Options{Horizon: 10})
	}
}
