package univariate

import (
	"fmt"
	"math"
)

// minExpectedRate is the expected count below which MissingRate uses Fisher's
// exact test, the usual limit of the normal approximation.
const minExpectedRate = 5

// RateChange is the outcome of comparing two rates.
type RateChange struct {
	BaselineRate, CurrentRate float64 // in [0,1]
	Difference                float64 // current − baseline, in [−1,1]

	// Z is the difference in pooled standard errors; 0 when no row, or every
	// row, is missing on both sides.
	Z     float64
	P     float64 // two-sided
	Exact bool    // P is that of Fisher's exact test
}

// MissingRate tests the null hypothesis that values are missing with the same
// probability on both sides. It uses the two-proportion z test with the pooled
// rate,
//
//	z = (p₂ − p₁)/√(p(1−p)(1/n₁ + 1/n₂)),
//
// or, when a cell of the 2×2 table expects fewer than 5 rows, Fisher's exact
// test, which is conservative. Equal rates of 0 or 1 give P 1.
//
// It returns ErrEmpty when a side has no rows and ErrBadCount when a number of
// missing rows is negative or above the number of rows, or that is above 2^53.
func MissingRate(baselineMissing, baselineRows, currentMissing, currentRows int64) (RateChange, error) {
	switch {
	case baselineRows == 0 || currentRows == 0:
		return RateChange{}, ErrEmpty
	case baselineMissing < 0 || baselineMissing > baselineRows || baselineRows > maxCount:
		return RateChange{}, fmt.Errorf("check baseline rows: %w", ErrBadCount)
	case currentMissing < 0 || currentMissing > currentRows || currentRows > maxCount:
		return RateChange{}, fmt.Errorf("check current rows: %w", ErrBadCount)
	}
	n, m := float64(baselineRows), float64(currentRows)
	missing := float64(baselineMissing) + float64(currentMissing)
	pooled := missing / (n + m)
	change := RateChange{
		BaselineRate: float64(baselineMissing) / n,
		CurrentRate:  float64(currentMissing) / m,
		P:            1,
	}
	change.Difference = change.CurrentRate - change.BaselineRate
	if missing == 0 || missing == n+m {
		change.Exact = true
		return change, nil
	}
	change.Z = change.Difference / math.Sqrt(pooled*(1-pooled)*(1/n+1/m))
	if min(pooled, 1-pooled)*min(n, m) < minExpectedRate {
		change.Exact = true
		change.P = FisherExact(baselineMissing, baselineRows-baselineMissing, currentMissing, currentRows-currentMissing)
		return change, nil
	}
	change.P = clip(math.Erfc(math.Abs(change.Z) / math.Sqrt2))
	return change, nil
}

// CriticalZ returns the |z| at which the two-sided p-value is alpha. It is NaN
// for an alpha outside (0,1).
func CriticalZ(alpha float64) float64 {
	if !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	return math.Sqrt2 * math.Erfcinv(alpha)
}
