package ks

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// tiny is where doubles lose digits because they are nearly 0.
const tiny = 1e-300

func TestKolmogorovSFGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).KSTwo {
		got := kolmogorovSF(c.N, c.D)
		if !goldentest.Near(got, c.P, 1e-10) && math.Abs(got-c.P) > tiny {
			t.Errorf("P(D_%d ≥ %v) = %v, want %v, relative error %.1e", c.N, c.D, got, c.P, relative(got, c.P))
		}
	}
}

func TestKolmogorovSFBeyondSciPy(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).SmirnovBeyond {
		got := kolmogorovSF(c.N, c.D)
		if !goldentest.Near(got, c.P, 1e-12) {
			t.Errorf("P(D_%d ≥ %v) = %v, want %v", c.N, c.D, got, c.P)
		}
		if !goldentest.Near(got, c.SciPy, 1e-4) {
			t.Errorf("P(D_%d ≥ %v) = %v, SciPy's closed form has %v", c.N, c.D, got, c.SciPy)
		}
	}
}

// A mistake in the choice of the method would show as a step.
func TestKolmogorovSFDecreases(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{1, 2, 3, 10, 140, 141, 1000, 10_000, 10_001, 3_000_000} {
		previous := 1.0
		for z := 0.01; z < 21; z *= 1.01 {
			d := z / math.Sqrt(float64(n))
			p := kolmogorovSF(n, d)
			if !(p >= 0 && p <= previous*(1+1e-9)) {
				t.Errorf("P(D_%d ≥ %v) = %v after %v", n, d, p, previous)
			}
			previous = p
		}
	}
}

func TestSmirnovSFLeavesOutTerms(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{1000, 5003, 40_000} {
		for _, ndd := range []float64{2.2, 5, 50, 340} {
			d := math.Sqrt(ndd / float64(n))
			if d >= 1 {
				continue
			}
			size := float64(n)
			all := math.Exp(size * math.Log1p(-d))
			for j := 1.0; j <= math.Floor(size*(1-d)); j++ {
				all += d * smirnovTerm(size, j, d, stirlingError(size))
			}
			if got := smirnovSF(n, d); !goldentest.Near(got, all, 1e-12) {
				t.Errorf("smirnovSF(%d, %v) = %v, the whole sum is %v", n, d, got, all)
			}
		}
	}
}

func TestStirlingError(t *testing.T) {
	t.Parallel()
	// The series and the logarithm of the factorial meet at 16.
	for n, factorial := 1.0, 1.0; n <= 20; n++ {
		factorial *= n
		want := math.Log(factorial) - (n*math.Log(n) - n + math.Log(2*math.Pi*n)/2)
		if got := stirlingError(n); math.Abs(got-want) > 2e-14 {
			t.Errorf("stirlingError(%v) = %v, want %v", n, got, want)
		}
	}
}
