package ks

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func TestExactPGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).KSExact {
		units := c.Steps * gcd(c.N, c.M)
		for _, got := range []float64{exactP(c.N, c.M, units), exactP(c.M, c.N, units)} {
			if !goldentest.Near(got, c.P, 1e-9) && math.Abs(got-c.P) > tiny {
				t.Errorf("exactP(%d, %d, %d) = %v, want %v", c.N, c.M, units, got, c.P)
			}
		}
	}
}

// TestExactPEnumerates counts all orders of two small samples.
func TestExactPEnumerates(t *testing.T) {
	t.Parallel()
	for n := int64(1); n <= 6; n++ {
		for m := int64(1); m <= 7; m++ {
			reached := map[int64]int{} // paths by their largest |i·m − j·n|
			paths := 0
			var walk func(i, j, largest int64)
			walk = func(i, j, largest int64) {
				difference := i*m - j*n
				largest = max(largest, difference, -difference)
				if i == n && j == m {
					reached[largest]++
					paths++
				}
				if i < n {
					walk(i+1, j, largest)
				}
				if j < m {
					walk(i, j+1, largest)
				}
			}
			walk(0, 0, 0)
			for units := range reached {
				atLeast := 0
				for other, count := range reached {
					if other >= units {
						atLeast += count
					}
				}
				want := float64(atLeast) / float64(paths)
				if got := exactP(n, m, units); !goldentest.Near(got, want, 1e-13) {
					t.Errorf("exactP(%d, %d, %d) = %v, want %v", n, m, units, got, want)
				}
			}
		}
	}
}
