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
