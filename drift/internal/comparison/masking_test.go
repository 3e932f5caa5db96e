package comparison

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
)

// TestMasking hides a shift of a standard deviation behind a few crafted points, which stretch the range of bins and the standard deviation at
// will: among the tests that are made unless others are asked for, one still sees it.
func TestMasking(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 1000, 5000} {
		for name, crafted := range map[string][]float64{
			"none": nil, "one far point": {1e12}, "both ends": {-1e300, 1e300}, "largest": {math.MaxFloat64, -math.MaxFloat64}, "many": slices.Repeat([]float64{1e9}, n/50),
		} {
			for _, where := range []string{"baseline", "current", "both"} {
				random := rand.New(rand.NewPCG(7, uint64(n)))
				side := func(shift float64, mask bool) sample.Set {
					values := make([]float64, n)
					for i := range values {
						values[i] = random.NormFloat64() + shift
					}
					if mask {
						values = append(values, crafted...)
					}
					slices.Sort(values)
					return sample.Set{
						Rows: int64(len(values)), Features: []sample.Feature{{Name: "x", Type: detect.Numeric}},
						Samples: []sample.Sample{{Sorted: values, Rows: int64(len(values))}},
					}
				}
				got, err := Request{}.Compare(t.Context(), side(0, where != "current"), side(1, where != "baseline"), nil)
				if err != nil || got.Status != detect.StatusDrift {
					t.Errorf("%d rows, %s in %s: got %s, %v", n, name, where, got.Summary, err)
				}
			}
		}
	}
}
