package univariate

import (
	"fmt"

	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
)

// Bin is an interval of values with the rows of both sides in it.
type Bin = histogram.Bin

// DecileBins cuts the line at the deciles of the baseline and counts both
// sides, see histogram.Deciles.
//
// The samples must be finite and sorted; it returns ErrEmpty or ErrNotSorted
// otherwise. It takes O(log n) time for each bin, after checking the order.
func DecileBins(baseline, current []float64) ([]Bin, error) {
	if err := checkSorted(baseline); err != nil {
		return nil, fmt.Errorf("check baseline: %w", err)
	}
	if err := checkSorted(current); err != nil {
		return nil, fmt.Errorf("check current: %w", err)
	}
	return histogram.Deciles(histogram.Pair{Baseline: baseline, Current: current}, nil), nil
}
