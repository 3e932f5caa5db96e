// Package distance compares two samples by how their rows spread over the same bins or categories: divergences, their null distributions and
// the limits that follow from them.
//
// A distance between samples of one distribution is never 0, and the fewer rows there are, the larger it is. A fixed limit therefore means
// something else for every sample size. This package gives each distance the probability of one as large when nothing changed, and the
// distance at which that probability is small. All functions are pure and safe for concurrent use.
package distance

import "errors"

var (
	// ErrEmpty says that a side has no rows.
	ErrEmpty = errors.New("sample is empty")

	// ErrBadCount says that a count is negative, that a sum of them is above 2^53, or that the sides have different bins.
	ErrBadCount = errors.New("count is out of range")
)

// maxCount keeps counts and their sums exact, as integers and as floats.
const maxCount = 1 << 53

// Bins is the rows of two samples in the same bins.
type Bins struct {
	Baseline, Current []int64
	n, m              int64 // their sums
	filled            int   // bins with a row of either side
}

// NewBins takes over the counts. It returns ErrEmpty when a side has no rows and ErrBadCount for counts that cannot be.
func NewBins(baseline, current []int64) (Bins, error) {
	if len(baseline) != len(current) {
		return Bins{}, ErrBadCount
	}
	b := Bins{Baseline: baseline, Current: current}
	for i, rows := range baseline {
		if rows < 0 || current[i] < 0 || rows > maxCount-b.n || current[i] > maxCount-b.m {
			return Bins{}, ErrBadCount
		}
		b.n += rows
		b.m += current[i]
		if rows > 0 || current[i] > 0 {
			b.filled++
		}
	}
	if b.n == 0 || b.m == 0 {
		return Bins{}, ErrEmpty
	}
	return b, nil
}

// DF returns the degrees of freedom: the bins that hold a row of either side, less one.
func (b Bins) DF() int { return b.filled - 1 }

// LeastExpected returns the smallest number of rows that a side expects in a bin that holds any, when both have one distribution. It says
// whether a chi-square approximation holds.
func (b Bins) LeastExpected() float64 {
	least := b.n + b.m
	for i, rows := range b.Baseline {
		if rows+b.Current[i] > 0 {
			least = min(least, rows+b.Current[i])
		}
	}
	return float64(least) * (float64(min(b.n, b.m)) / (float64(b.n) + float64(b.m)))
}
