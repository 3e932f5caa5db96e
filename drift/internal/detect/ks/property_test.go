package ks

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func mustKS(t *rapid.T, x, y []float64) Result {
	ks, err := Test(x, y)
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// The search skips most values; this looks at all of them.
func TestDeviateFindsTheLargest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := goldentest.AnySample(t, "x"), goldentest.AnySample(t, "y")
		got := deviate(x, y)
		pooled := slices.Concat(x, y)
		slices.Sort(pooled)
		var above, below int64
		aboveAt, belowAt := pooled[0], pooled[0]
		for _, v := range pooled {
			d := int64(upperBound(x, v)*len(y)) - int64(upperBound(y, v)*len(x))
			if d > above {
				above, aboveAt = d, v
			}
			if -d > below {
				below, belowAt = -d, v
			}
		}
		if got.above != above || got.below != below || got.aboveAt != aboveAt || got.belowAt != belowAt {
			t.Fatalf("got %d at %v and %d at %v, want %d at %v and %d at %v",
				got.above, got.aboveAt, got.below, got.belowAt, above, aboveAt, below, belowAt)
		}
	})
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, y := goldentest.AnySample(t, "x"), goldentest.AnySample(t, "y")
		ks, swapped := mustKS(t, x, y), mustKS(t, y, x)
		if !(ks.P >= 0 && ks.P <= 1 && ks.D >= 0 && ks.D <= 1) {
			t.Fatalf("out of range: %+v", ks)
		}
		if ks.D != swapped.D || ks.Above != swapped.Below || ks.Below != swapped.Above || ks.Location != swapped.Location {
			t.Fatalf("swapping the sides changed %+v to %+v", ks, swapped)
		}
		if !goldentest.Near(ks.P, swapped.P, 1e-12) {
			t.Fatalf("swapping the sides changed p from %v to %v", ks.P, swapped.P)
		}
		// Twice the value is exact, so that no ties appear or vanish.
		if scaled := mustKS(t, double(x), double(y)); scaled.D != ks.D || scaled.P != ks.P || scaled.Location != 2*ks.Location {
			t.Fatalf("scaling changed %+v to %+v", ks, scaled)
		}
		if same := mustKS(t, x, x); same.D != 0 || same.P != 1 {
			t.Fatalf("a sample differs from itself: %+v", same)
		}
	})
}

func double(values []float64) []float64 {
	doubled := make([]float64, len(values))
	for i, v := range values {
		doubled[i] = 2 * v
	}
	return doubled
}
