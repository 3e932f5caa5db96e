// Package rank holds the two-sample tests of numbers that need only the order
// of the pooled values, or their distances along it, and the tests of means
// and spreads.
//
// All of them work on sorted samples. Measure merges two of them once and
// keeps the sums that the Cramér–von Mises, Anderson–Darling, Mann–Whitney,
// Wasserstein and energy statistics are made of; the tests are methods of what
// it returns. A p-value is in [0,1] and never NaN. All functions are pure, give the
// same result for the same arguments, and are safe for concurrent use.
package rank

import (
	"errors"
	"math"
)

var (
	// ErrEmpty says that a side has no values.
	ErrEmpty = errors.New("sample is empty")

	// ErrNotSorted says that a sample is not in ascending order, or holds NaN
	// or an infinity.
	ErrNotSorted = errors.New("sample is not finite and sorted")

	// ErrTooLarge says that a side has more than 2^31 − 1 values.
	ErrTooLarge = errors.New("sample is too large")

	// ErrTooFew says that a test of means or spreads needs two values a side.
	ErrTooFew = errors.New("sample has fewer than two values")

	// ErrNoSpread says that both sides are constant, at different values: a test
	// that compares a difference with the spread has nothing to compare with.
	ErrNoSpread = errors.New("both sides are constant, at different values")
)

// checkSorted returns an error unless values are some, finite and ascending.
func checkSorted(values []float64) error {
	switch {
	case len(values) == 0:
		return ErrEmpty
	case len(values) > math.MaxInt32:
		return ErrTooLarge
	case math.IsInf(values[0], 0) || math.IsInf(values[len(values)-1], 0):
		return ErrNotSorted
	}
	previous := values[0]
	for _, v := range values {
		if !(previous <= v) { // also NaN
			return ErrNotSorted
		}
		previous = v
	}
	return nil
}
