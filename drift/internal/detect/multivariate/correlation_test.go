package multivariate

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// TestCorrelationMemory compares few long vectors with many: were the contributions of all rows to the 8,128 pairs kept, they would take 65 MB.
// Not parallel: it measures what the process allocates.
func TestCorrelationMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	few, many := normalMatrix(rng, 4, 128, 0, 1), normalMatrix(rng, 1000, 128, 0, 1)
	for _, sides := range [][2]Matrix{{few, many}, {many, few}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := Correlations(sides[0], sides[1], permutation.Draws{Count: draws, Rand: rng, Alpha: alpha})
		runtime.ReadMemStats(&after)
		if err != nil || !r.Permuted {
			t.Fatalf("got %+v, %v", r, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
			t.Errorf("%d rows beside %d took %d MB", sides[0].Rows, sides[1].Rows, took>>20)
		}
	}
}

// TestContributions: what is made anew is what would be kept.
func TestContributions(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	x, y := normalMatrix(rng, 40, 64, 0, 1), normalMatrix(rng, 1100, 64, 0, 1)
	first, second := columnPairs(x, y)
	d := permutation.Draws{Count: draws, Rand: rng, Alpha: alpha}
	anew := newPairTest(x, y, first, second, d)
	rows := anew.rows(x, y)
	if &rows(0)[0] != &rows(1)[0] {
		t.Fatalf("the contributions of %d rows to %d pairs are kept", x.Rows+y.Rows, len(first))
	}
	sums, total := make([]float64, len(first)), make([]float64, len(first))
	for row := range x.Rows + y.Rows {
		if row < x.Rows {
			addTo(sums, rows(row))
		}
		addTo(total, rows(row))
	}
	if !slices.Equal(sums, anew.sums) || !slices.Equal(total, anew.total) {
		t.Error("the contributions do not add up")
	}
}
