// Package contingency compares the rows of two sides in the categories or bins
// that both share, a 2×k table: the chi-square tests and their kin, Fisher's
// exact test, two proportions, and the population stability index.
//
// Each test states its null hypothesis, returns a p-value in [0,1] that is
// never NaN, and an effect that does not grow with the sample sizes. All
// functions are pure and safe for concurrent use.
package contingency

import "errors"

var (
	// ErrEmpty says that a side has no observations, so that there is nothing
	// to compare.
	ErrEmpty = errors.New("sample is empty")

	// ErrBadCount says that a count is negative, larger than its total, or
	// larger than 2^53.
	ErrBadCount = errors.New("count is out of range")
)

// maxCount keeps counts and their sums exact, as integers and as floats.
const maxCount = 1 << 53
