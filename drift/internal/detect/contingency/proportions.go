package contingency

import (
	"fmt"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// minExpectedRate is the expected count below which Proportions uses Fisher's
// exact test, the usual limit of the normal approximation.
const minExpectedRate = 5

// maxRateSkew is the skewness of a cell of the table from which it does too. Few
// rows beside many with few hits have more of them now and then than the normal
// law says: of 5 that expect to be among 100, beside 10,000, a p-value of 0.001
// would come twice and one of 0.00001 twelve times as often as it says. Every
// feature has this test, of its missing values, so that such p-values count.
const maxRateSkew = 0.1

// Change is the outcome of comparing two proportions.
type Change struct {
	BaselineRate, CurrentRate float64 // in [0,1]
	Difference                float64 // current − baseline, in [−1,1]

	// Z is the difference in pooled standard errors; 0 when no row, or every
	// row, is a hit on both sides.
	Z     float64
	P     float64 // two-sided
	Exact bool    // P is that of Fisher's exact test
}

// Proportions tests the null hypothesis that rows are hits (such as missing
// values) with the same probability on both sides. It uses the two-proportion z
// test with the pooled rate,
//
//	z = (p₂ − p₁)/√(p(1−p)(1/n₁ + 1/n₂)),
//
// or, when a cell of the 2×2 table expects fewer than 5 rows or its distribution
// is skewed by more than 0.1, Fisher's exact test, which is conservative. Equal rates of 0 or 1 give P 1.
//
// It returns ErrEmpty when a side has no rows and ErrBadCount when a number of
// hits is negative or above the number of rows, or that is above 2^53.
func Proportions(baselineHits, baselineRows, currentHits, currentRows int64) (Change, error) {
	switch {
	case baselineRows == 0 || currentRows == 0:
		return Change{}, ErrEmpty
	case baselineHits < 0 || baselineHits > baselineRows || baselineRows > maxCount:
		return Change{}, fmt.Errorf("check baseline rows: %w", ErrBadCount)
	case currentHits < 0 || currentHits > currentRows || currentRows > maxCount:
		return Change{}, fmt.Errorf("check current rows: %w", ErrBadCount)
	}
	n, m := float64(baselineRows), float64(currentRows)
	hits := float64(baselineHits) + float64(currentHits)
	pooled := hits / (n + m)
	change := Change{
		BaselineRate: float64(baselineHits) / n,
		CurrentRate:  float64(currentHits) / m,
		P:            1,
	}
	change.Difference = change.CurrentRate - change.BaselineRate
	if hits == 0 || hits == n+m {
		change.Exact = true
		return change, nil
	}
	change.Z = change.Difference / math.Sqrt(pooled*(1-pooled)*(1/n+1/m))
	// From counts alone, so that hits and misses, and either order of the sides, come out on the same side of the limits.
	fewer := min(hits, n+m-hits)
	sigma := math.Sqrt(fewer * (1 - fewer/(n+m)) * (n * m) / (n + m) / (n + m))
	skewness := (1 - 2*fewer/(n+m)) * math.Abs(n-m) / (n + m) / sigma
	if fewer*min(n, m)/(n+m) < minExpectedRate || skewness > maxRateSkew {
		change.Exact = true
		change.P = FisherExact(baselineHits, baselineRows-baselineHits, currentHits, currentRows-currentHits)
		return change, nil
	}
	change.P = tail.Normal(change.Z)
	return change, nil
}
