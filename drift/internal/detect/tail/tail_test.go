package tail

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// golden is the part of ../testdata/golden.json, made by ../testdata/golden.py, that concerns this package.
type golden struct {
	ChiSquareSF []struct {
		DF   int
		X, P float64
	} `json:"chi_square_sf"`
}

func TestChiSquareGolden(t *testing.T) {
	t.Parallel()
	for _, c := range goldentest.Read[golden](t, "../testdata/golden.json").ChiSquareSF {
		if got := ChiSquare(c.X, c.DF); !goldentest.Near(got, c.P, 1e-12) {
			t.Errorf("P(X_%d ≥ %v) = %v, want %v", c.DF, c.X, got, c.P)
		}
		if c.P > 1e-6 && c.P < 0.999999 {
			if got := CriticalChiSquare(c.DF, c.P); !goldentest.Near(got, c.X, 1e-6) {
				t.Errorf("CriticalChiSquare(%d, %v) = %v, want %v", c.DF, c.P, got, c.X)
			}
		}
	}
}

func TestCriticalNormal(t *testing.T) {
	t.Parallel()
	if got := CriticalNormal(0.05); !goldentest.Near(got, 1.959963984540054, 1e-12) {
		t.Errorf("CriticalNormal(0.05) = %v", got)
	}
	if got := CriticalNormal(0); !math.IsNaN(got) {
		t.Errorf("CriticalNormal(0) = %v, want NaN", got)
	}
}

func TestNormalAbove(t *testing.T) {
	t.Parallel()
	for _, z := range []float64{-3, -0.5, 0, 1, 8, 30} {
		want := Normal(z) / 2
		if z < 0 {
			want = 1 - want
		}
		if got := NormalAbove(z); !goldentest.Near(got, want, 1e-15) {
			t.Errorf("NormalAbove(%v) = %v, want %v", z, got, want)
		}
	}
	if got := NormalAbove(CriticalNormalAbove(0.01)); !goldentest.Near(got, 0.01, 1e-14) {
		t.Errorf("at the critical value the tail is %v", got)
	}
}

// The tails at critical values are the levels, on both sides of where methods change.
func TestCriticalStudent(t *testing.T) {
	t.Parallel()
	for _, df := range []float64{1, 2.5, 30, manyDF, manyDF + 1, 1e6, 1e7} {
		for _, alpha := range []float64{0.5, 0.05, 1e-6} {
			q := CriticalStudent(df, alpha)
			if got := Student(q*q, df); !goldentest.Near(got, alpha, 1e-4) {
				t.Errorf("Student(%v², %v) = %v, want %v", q, df, got, alpha)
			}
		}
	}
	if got := []float64{Student(0, 5), Student(math.NaN(), 5), Student(math.Inf(1), 5), Student(math.Inf(1), 1e6)}; got[0] != 1 || got[1] != 1 || got[2] != 0 || got[3] != 0 {
		t.Errorf("tails of 0, NaN and infinity: %v", got)
	}
	if got := CriticalStudent(5, 0); !math.IsNaN(got) {
		t.Errorf("CriticalStudent(5, 0) = %v, want NaN", got)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	if got := []float64{Clip(-1e-17), Clip(1 + 1e-15), Clip(0.3), Clip(math.NaN())}; got[0] != 0 || got[1] != 1 || got[2] != 0.3 || got[3] != 1 {
		t.Errorf("got %v", got)
	}
}
