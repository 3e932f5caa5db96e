package trend

import (
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// Slope is a Theil–Sen line.
type Slope struct {
	PerDay       float64 // the median of the slopes of all pairs of points
	Lower, Upper float64 // of PerDay, 95 % confidence
	Intercept    float64 // the line's value at the first point's time
}

// TheilSen fits a line that up to 29 % of wild points cannot tear away (H. Theil 1950, P. K. Sen 1968): the median of the slopes of all pairs,
// and through the medians of x and values. The interval is Sen's, from the normal approximation of Kendall's S with ties in the values, as
// scipy.stats.theilslopes with alpha=0.95 and method="separate". It assumes independent values. X must ascend strictly and be at least 2.
func TheilSen(x, values []float64) Slope {
	n := len(x)
	slopes := make([]float64, 0, n*(n-1)/2)
	for i := range x {
		for j := i + 1; j < n; j++ {
			slopes = append(slopes, (values[j]-values[i])/(x[j]-x[i]))
		}
	}
	slices.Sort(slopes)
	s := Slope{PerDay: medianSorted(slopes)}
	s.Intercept = median(slices.Clone(values)) - s.PerDay*median(slices.Clone(x))
	variance, _ := varianceS(values)
	half := tail.Z95 * math.Sqrt(max(variance, 0))
	pairs := float64(len(slopes))
	upper := min(math.RoundToEven((pairs+half)/2), pairs-1)
	lower := max(math.RoundToEven((pairs-half)/2)-1, 0)
	s.Lower, s.Upper = slopes[int(lower)], slopes[int(upper)]
	return s
}
