package permutation_test

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

func TestCritical(t *testing.T) {
	t.Parallel()
	var draws []float64
	for i := range 99 {
		draws = append(draws, float64(99-i))
	}
	// p of 96 is (4+1)/100.
	if got := permutation.Critical(draws, 0.05); got != 96 {
		t.Errorf("got %v", got)
	}
	if got := permutation.Critical([]float64{1, 2, 3}, 0.05); !math.IsNaN(got) {
		t.Errorf("too few draws: got %v", got)
	}
	ties := make([]float64, 99)
	if got := permutation.Critical(ties, 0.05); !math.IsNaN(got) {
		t.Errorf("ties: got %v", got)
	}
	ties[0], ties[1] = 1, 1
	if got := permutation.Critical(ties, 0.05); got != 1 {
		t.Errorf("two above ties: got %v", got)
	}
	rounded := []float64{0.1 + 0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 1}
	if got := permutation.Critical(rounded, 0.5); got != 1 { // p of 0.3 is 1, though 0.1 + 0.2 is above it
		t.Errorf("ties but for rounding: got %v", got)
	}
	for _, alpha := range []float64{math.NaN(), -1, 2, math.Inf(1)} {
		if got := permutation.Critical(ties, alpha); !math.IsNaN(got) {
			t.Errorf("alpha %v: got %v", alpha, got)
		}
	}
}
