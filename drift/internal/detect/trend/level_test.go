package trend

import (
	"math"
	"math/rand/v2"
	"testing"
)

// rate counts how often yes holds among draws series.
func rate(draws int, seed uint64, yes func(rng *rand.Rand) bool) float64 {
	rng := rand.New(rand.NewPCG(seed, 77))
	count := 0
	for range draws {
		if yes(rng) {
			count++
		}
	}
	return float64(count) / float64(draws)
}

// daily makes a point a day.
func daily(n int, value func(i int) float64) []Point {
	points := make([]Point, n)
	for i := range points {
		points[i] = Point{Time: int64(i) * microsPerDay, Value: value(i)}
	}
	return points
}

func analyze(t testing.TB, points []Point, o Options) Analysis {
	t.Helper()
	a, err := Analyze(points, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const draws = 1000

var slack = 3 * math.Sqrt(significant*(1-significant)/draws)

// TestLevels holds independent noise, about which the service that this one replaces said "increasing" or "decreasing" in 62 of 100 series.
func TestLevels(t *testing.T) {
	t.Parallel()
	for name, draw := range map[string]func(*rand.Rand) float64{
		"normal":      func(rng *rand.Rand) float64 { return rng.NormFloat64() },
		"exponential": func(rng *rand.Rand) float64 { return rng.ExpFloat64() },
		"rounded":     func(rng *rand.Rand) float64 { return math.Round(2 * rng.NormFloat64()) },
	} {
		for _, n := range []int{8, 30, 100} {
			var trends, seasons, changes float64
			rng := rand.New(rand.NewPCG(uint64(n), 5))
			for range draws {
				a := analyze(t, daily(n, func(int) float64 { return draw(rng) }), Options{})
				if a.Direction != Level {
					trends += 1. / draws
				}
				if a.Seasonal {
					seasons += 1. / draws
				}
				if len(a.Changes) > 0 {
					changes += 1. / draws
				}
			}
			t.Logf("%s, %d points: trends %.3f, seasons %.3f, changes %.3f", name, n, trends, seasons, changes)
			if trends > significant+slack || seasons > significant+slack {
				t.Errorf("%s, %d points: trends %.3f, seasons %.3f, want at most %.3f", name, n, trends, seasons, significant+slack)
			}
			if changes > 0.1 { // the penalty is a criterion, not a level; skewed noise has more outlying stretches than normal noise
				t.Errorf("%s, %d points: changes in %.3f of the series, want at most 0.1", name, n, changes)
			}
		}
	}
}

// TestAutocorrelation: what the correction is for. It is approximate, so that the level is held to twice its nominal value only.
func TestAutocorrelation(t *testing.T) {
	t.Parallel()
	plain, corrected := 0.0, 0.0
	rng := rand.New(rand.NewPCG(1, 2))
	for range draws {
		memory := 0.0
		x, values := make([]float64, 100), make([]float64, 100)
		for i := range x {
			memory = 0.5*memory + rng.NormFloat64()
			x[i], values[i] = float64(i), memory
		}
		k := MannKendall(x, values, TheilSen(x, values).PerDay)
		if k.P <= significant {
			plain += 1. / draws
		}
		if k.PCorrected <= significant {
			corrected += 1. / draws
		}
	}
	t.Logf("autocorrelation 0.5: plain %.3f, corrected %.3f", plain, corrected)
	if plain < 0.15 || corrected > 0.1 {
		t.Errorf("plain %.3f, corrected %.3f", plain, corrected)
	}
}

// TestWanderingIsNoStaircase: noise that remembers what was before has long stretches above and below its level.
func TestWanderingIsNoStaircase(t *testing.T) {
	t.Parallel()
	for _, memory := range []float64{0.3, 0.5, 0.8} {
		series := func(rng *rand.Rand, step float64) []Point {
			value := 0.0
			for range 50 {
				value = memory*value + rng.NormFloat64()
			}
			return daily(100, func(i int) float64 {
				value = memory*value + rng.NormFloat64()
				if i >= 50 {
					return value + step
				}
				return value
			})
		}
		seasonal := rate(300, 6, func(rng *rand.Rand) bool { return analyze(t, series(rng, 0), Options{}).Seasonal })
		changed := rate(300, 6, func(rng *rand.Rand) bool { return len(analyze(t, series(rng, 0), Options{}).Changes) > 0 })
		found := rate(300, 7, func(rng *rand.Rand) bool { return len(analyze(t, series(rng, 8), Options{}).Changes) > 0 })
		t.Logf("autocorrelation %v: seasons %.3f, changes %.3f, a step found %.3f", memory, seasonal, changed, found)
		if seasonal > 2.5*significant { // 0.3 without the correction
			t.Errorf("autocorrelation %v: seasons in %.3f of the series", memory, seasonal)
		}
		if changed > 0.2 {
			t.Errorf("autocorrelation %v: changes in %.3f of the series", memory, changed)
		}
		if found < 0.8 {
			t.Errorf("autocorrelation %v: a step is found in %.3f of the series", memory, found)
		}
	}
}

func TestForecastCovers(t *testing.T) {
	t.Parallel()
	for name, slope := range map[string]float64{"level": 0, "rising": 0.1} {
		covered := rate(draws, 3, func(rng *rand.Rand) bool {
			a := analyze(t, daily(40, func(i int) float64 { return slope*float64(i) + rng.NormFloat64() }), Options{Horizon: 10})
			last := a.Forecast.Points[9]
			future := slope*49 + rng.NormFloat64()
			return last.Lower <= future && future <= last.Upper
		})
		t.Logf("%s: covers %.3f", name, covered)
		if covered < 0.91 || covered > 0.985 {
			t.Errorf("%s: the interval covers %.3f, want about 0.95", name, covered)
		}
	}
}
