package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDoaneBins wants the number of bins that NumPy's own sums give wherever doaneBins is sure of it, and wants it to be sure nearly always,
// from whichever step it begins.
func TestDoaneBins(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	sure := map[int]int{}
	const rounds = 400
	for round := range rounds {
		n := 100 + rng.IntN(20_000)
		values := make([]float64, n)
		scale, far := math.Pow(10, float64(rng.IntN(13)-6)), math.Pow(10, float64(rng.IntN(16)-6))
		for i := range values {
			z := rng.NormFloat64()
			switch round % 6 {
			case 0:
				values[i] = z
			case 1:
				values[i] = scale*z + far
			case 2:
				values[i] = math.Exp(3 * z)
			case 3:
				values[i] = math.Floor(4 * z)
			case 4:
				values[i] = scale*math.Copysign(z*z*z*z*z, z) - far
			default: // symmetric: that the skewness is not exactly 0 is rounding
				values[i] = float64(i-n/2) * scale
			}
		}
		slices.Sort(values)
		want, err := doaneAsNumPy(values)
		if err != nil {
			continue
		}
		for _, step := range []int{1, coarse} {
			bins, ok := doaneBins(values, step)
			if ok && bins != len(want)-1 {
				t.Errorf("round %d, step %d: %d bins of %d values, want %d", round, step, bins, n, len(want)-1)
			}
			if ok {
				sure[step]++
			}
		}
	}
	t.Logf("sure of %v", sure)
	if sure[1] < rounds*8/10 || sure[coarse] < rounds*8/10 {
		t.Errorf("sure of %v in %d", sure, rounds)
	}
}

// TestDoaneBinsReadAPart of many values: those that are not numbers would leave it in doubt.
func TestDoaneBinsReadAPart(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(13, 14))
	values := make([]float64, 400_000)
	for i := range values {
		values[i] = rng.ExpFloat64()
	}
	slices.Sort(values)
	want, err := doaneAsNumPy(values)
	if err != nil {
		t.Fatal(err)
	}
	edge := len(values) / edgePart
	for i := range values[edge : len(values)-2*edge] { // all but every sixteenth, and the median
		if i%(coarse/4) != 0 && edge+i != len(values)/2 {
			values[edge+i] = math.NaN()
		}
	}
	if bins, sure := doaneBins(values, coarse); !sure || bins != len(want)-1 {
		t.Errorf("%d bins, sure: %v, want %d", bins, sure, len(want)-1)
	}
}

// TestDoaneBinsHaveDoubts where the sums say nothing.
func TestDoaneBinsHaveDoubts(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]float64{
		"subnormal":          {0, 5e-324, 1e-323, 2e-323},
		"huge":               {-1e200, 0, 1, 1e200},
		"far from zero":      {1e17, 1e17 + 16, 1e17 + 32, 1e17 + 64},
		"two in two":         {-1, -1, 1, 1}, // log₂ 4 is whole
		"one far in a whole": {0, 0, 0, math.MaxFloat64},
	} {
		if bins, sure := doaneBins(values, 1); sure {
			t.Errorf("%s: sure of %d bins", name, bins)
		}
	}
}
