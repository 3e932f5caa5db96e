package contingency

import (
	"fmt"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// minExpectedRate is the expected count below which Proportions uses Fisher's
// exact test, the usual limit of the normal approximation.
const minExpectedRate = 5

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
// or, when a cell of the 2×2 table expects fewer than 5 rows, Fisher's exact
// test, which is conservative. Equal rates of 0 or 1 give P 1.
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
	if min(pooled, 1-pooled)*min(n, m) < minExpectedRate {
		change.Exact = true
		change.P = FisherExact(baselineHits, baselineRows-baselineHits, currentHits, currentRows-currentHits)
		return change, nil
	}
	change.P = tail.Normal(change.Z)
	return change, nil
}
