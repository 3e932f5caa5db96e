package quality

import (
	"math"
	"sort"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// Range is the outcome of looking for values outside the baseline's range.
type Range struct {
	Below, Above int64   // current values under the smallest and over the largest of the baseline
	Share        float64 // of the current values, in [0,1]
	P            float64 // one-sided, exact without ties at the ends of the range, else conservative
}

// OutOfRange counts the current values that are smaller than every value of the baseline or larger, and tests the null hypothesis that both
// sides come from one distribution. Both must be sorted in ascending order.
//
// Of n + m exchangeable values without ties, the numbers that fall between neighbours of the baseline are exchangeable too, so that the count
// outside is distributed like the count below the second smallest value of the baseline, whatever the distribution:
//
//	P(K ≥ k) = P(at most one of the k+1 smallest values is the baseline's),
//
// the negative hypergeometric distribution (SciPy: nhypergeom(n+m, m, 2).sf(k−1)). A baseline of one value has no range to speak of, and P is
// 1. A value equal to an end of the range lies inside, which with ties makes the test conservative.
//
// It returns ErrEmpty when a side has no values.
func OutOfRange(baseline, current []float64) (Range, error) {
	n, m := len(baseline), len(current)
	if n == 0 || m == 0 {
		return Range{}, ErrEmpty
	}
	var r Range
	r.Below = int64(sort.SearchFloat64s(current, baseline[0]))
	r.Above = int64(m - sort.Search(m, func(i int) bool { return current[i] > baseline[n-1] }))
	r.Share = float64(r.Below+r.Above) / float64(m)
	r.P = beyondSF(int64(n), int64(m), r.Below+r.Above)
	return r, nil
}

// beyondSF is P(K ≥ k) for a baseline of n values and m current ones.
func beyondSF(n, m, k int64) float64 {
	if k <= 0 || n < 2 {
		return 1
	}
	if k > m {
		return 0
	}
	total := float64(n + m)
	none := 1.0 // that the i smallest values are all current
	for i := range k {
		none *= float64(m-i) / (total - float64(i))
		if none == 0 {
			return 0
		}
	}
	return tail.Clip(none * (float64(m-k) + float64(k+1)*float64(n)) / (total - float64(k)))
}

// CriticalRange returns the smallest number of current values outside the range of n values of the baseline whose p-value is at most alpha,
// of m in all. It is NaN where there is none, and for an alpha outside (0,1).
func CriticalRange(n, m int64, alpha float64) float64 {
	if !(alpha > 0 && alpha < 1) || n < 2 || m < 1 || n > maxCount/2 || m > maxCount/2 {
		return math.NaN()
	}
	total := float64(n + m)
	none := 1.0
	for k := int64(1); k <= m; k++ {
		none *= float64(m-k+1) / (total - float64(k-1))
		if none*(float64(m-k)+float64(k+1)*float64(n))/(total-float64(k)) <= alpha {
			return float64(k)
		}
	}
	return math.NaN()
}
