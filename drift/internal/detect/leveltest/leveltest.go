// Package leveltest is for tests: it measures how often a test of two samples
// calls them different, when they are not and when they are.
package leveltest

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// Alpha is the level at which tests are tried.
const Alpha = 0.05

// Sizes are those of the baseline and of the current sample; a baseline is usually the larger one.
func Sizes() [][2]int { return [][2]int{{30, 30}, {100, 100}, {1000, 1000}, {1000, 30}, {300, 100}} }

// Check makes null draws for each size and checks that p ≤ Alpha is not
// more frequent than Alpha, up to three standard errors. Discrete statistics
// are often conservative, so that the lower limit is for some tests only.
func Check(t *testing.T, name string, least float64, p func(rng *rand.Rand, n, m int) float64) {
	t.Helper()
	for i, size := range Sizes() {
		t.Run(name+"/"+strconv.Itoa(size[0])+"x"+strconv.Itoa(size[1]), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(20, uint64(i)))
			alarms := 0
			for range draws {
				if p(rng, size[0], size[1]) <= Alpha {
					alarms++
				}
			}
			rate, slack := float64(alarms)/draws, 3*math.Sqrt(Alpha*(1-Alpha)/draws)
			t.Logf("false alarm rate %.4f", rate)
			if rate > Alpha+slack || lowerLimits && rate < least {
				t.Errorf("false alarm rate %.4f, want %.4f to %.4f", rate, least, Alpha+slack)
			}
		})
	}
}

// CheckPower asks that a change anyone would want to hear of is found in nine
// of ten samples.
func CheckPower(t *testing.T, name string, p func(rng *rand.Rand) (float64, error)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		rng := rand.New(rand.NewPCG(7, 7))
		found := 0
		for range 200 {
			p, err := p(rng)
			if err != nil {
				t.Fatal(err)
			}
			if p <= Alpha {
				found++
			}
		}
		if found < 180 {
			t.Errorf("found %d of 200", found)
		}
	})
}

// Fill returns n drawn values in ascending order.
func Fill(n int, draw func() float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = draw()
	}
	slices.Sort(values)
	return values
}

// Generator draws one sample of n values, in ascending order.
type Generator func(rng *rand.Rand, n int) []float64

// Normal draws standard normal values.
func Normal(rng *rand.Rand, n int) []float64 { return Fill(n, rng.NormFloat64) }

// Rounded draws normal values with ties.
func Rounded(rng *rand.Rand, n int) []float64 {
	return Fill(n, func() float64 { return math.Round(2 * rng.NormFloat64()) })
}

// Sparse draws values most of which are 0.
func Sparse(rng *rand.Rand, n int) []float64 {
	return Fill(n, func() float64 {
		if rng.Float64() < 0.8 {
			return 0
		}
		return rng.ExpFloat64()
	})
}
