package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func TestSortFloat64s(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	generators := map[string]func() float64{
		"normal":     rng.NormFloat64,
		"bits":       func() float64 { return withoutNaN(math.Float64frombits(rng.Uint64())) },
		"few":        func() float64 { return float64(rng.IntN(5) - 2) },
		"constant":   func() float64 { return -3.5 },
		"infinities": func() float64 { return math.Inf(rng.IntN(3) - 1) },
		"zeros":      func() float64 { return math.Copysign(0, rng.Float64()-0.5) },
		"clusters":   func() float64 { return float64(rng.IntN(3))*1e6 + rng.Float64()*1e-6 },
		"close":      func() float64 { return 1e15 + float64(rng.IntN(1000)) },
		"subnormal":  func() float64 { return math.Float64frombits(rng.Uint64N(1 << 40)) },
		"huge":       func() float64 { return (rng.Float64() - 0.5) * math.MaxFloat64 },
		"some NaN": func() float64 {
			if rng.IntN(100) == 0 {
				return math.NaN()
			}
			return rng.Float64()
		},
	}
	for name, generate := range generators {
		for _, n := range []int{0, 1, 2, radixMin - 1, radixMin, 3 * radixMin} {
			values := make([]float64, n)
			for i := range values {
				values[i] = generate()
			}
			want := slices.Clone(values)
			slices.Sort(want)
			SortFloat64s(values)
			// The two zeros are equal, and so are any two NaN here.
			same := func(a, b float64) bool { return a == b || a != a && b != b }
			if !slices.EqualFunc(values, want, same) {
				t.Errorf("%s, %d values: not sorted", name, n)
			}
		}
	}
}

func withoutNaN(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// The order in which rows arrive must not matter.
func TestSortFloat64sForgetsOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		values := goldentest.Sample{Seed: seed, N: 2 * radixMin, Scale: 100, Shift: -50}.Draw()
		shuffled := slices.Clone(values)
		rng := rand.New(rand.NewPCG(seed, 0))
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		SortFloat64s(shuffled)
		if !slices.Equal(values, shuffled) {
			t.Fatal("shuffled values sort differently")
		}
	})
}
