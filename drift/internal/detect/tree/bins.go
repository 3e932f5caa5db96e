package tree

import (
	"fmt"
	"math"
	"slices"
)

const (
	// maxBins is the number of bins of a column's values.
	maxBins = 255

	// maxSampled bounds the values that quantiles are taken from.
	maxSampled = 200_000

	maxRows = math.MaxInt32
)

// Bins is a table whose values are replaced by the numbers of their bins. Learning sees nothing else, so that all models of one
// cross-validation can share it. It is read only and safe for concurrent use.
type Bins struct {
	rows    int
	columns []binned
	cells   int // bins of all columns
}

type binned struct {
	codes      []uint8
	thresholds []float64 // bin k holds thresholds[k−1] < x ≤ thresholds[k]
	missing    uint8     // the bin of missing values, after all others
	first      int       // the place of bin 0 in a histogram
}

// NewBins cuts each column into bins. A column of at most 255 distinct values has one for each, cut at the midpoints; another is cut at the
// averaged quantiles k/255 (definition 2 of R. J. Hyndman and Y. Fan), of 200,000 evenly spaced rows when it has more. NaN stands for a missing
// value.
//
// It returns ErrShape when the columns differ in length or there are 2³¹ rows or more, and ErrNotFinite for an infinity.
func NewBins(columns [][]float64) (*Bins, error) { return NewCoarseBins(columns, maxBins) }

// NewCoarseBins is NewBins with another number of bins than 255, 2 to 255. With fewer, small samples are learned from faster, since every leaf
// looks at all bins. It returns ErrOptions for a number out of range.
func NewCoarseBins(columns [][]float64, bins int) (*Bins, error) {
	if bins < 2 || bins > maxBins {
		return nil, fmt.Errorf("%w: %d bins", ErrOptions, bins)
	}
	b := &Bins{columns: make([]binned, len(columns))}
	if len(columns) > 0 {
		b.rows = len(columns[0])
	}
	if b.rows > maxRows {
		return nil, fmt.Errorf("%w: %d rows", ErrShape, b.rows)
	}
	for i, values := range columns {
		if len(values) != b.rows {
			return nil, fmt.Errorf("%w: column %d has %d rows, the first %d", ErrShape, i, len(values), b.rows)
		}
		thresholds, err := cut(values, bins)
		if err != nil {
			return nil, fmt.Errorf("bin column %d: %w", i, err)
		}
		b.columns[i] = code(values, thresholds)
		b.columns[i].first = b.cells
		b.cells += len(thresholds) + 2
	}
	return b, nil
}

// Columns is the number of columns.
func (b *Bins) Columns() int { return len(b.columns) }

func code(values, thresholds []float64) binned {
	c := binned{codes: make([]uint8, len(values)), thresholds: thresholds, missing: uint8(len(thresholds) + 1)}
	for i, v := range values {
		if math.IsNaN(v) {
			c.codes[i] = c.missing
			continue
		}
		k, _ := slices.BinarySearch(thresholds, v) // the first threshold that is at least v
		c.codes[i] = uint8(k)
	}
	return c
}

// cut returns the ascending thresholds between the bins of a column.
func cut(values []float64, bins int) ([]float64, error) {
	sorted := make([]float64, 0, min(len(values), maxSampled))
	for i, v := range values {
		if math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: row %d", ErrNotFinite, i)
		}
		// Every row when there are few, else maxSampled of them at even distances.
		if sampled := len(values) <= maxSampled || i*maxSampled/len(values) != (i-1)*maxSampled/len(values) || i == 0; sampled && !math.IsNaN(v) {
			sorted = append(sorted, v)
		}
	}
	slices.Sort(sorted)
	distinct := slices.Compact(slices.Clone(sorted))
	var thresholds []float64
	if len(distinct) <= bins {
		for i := 1; i < len(distinct); i++ {
			thresholds = append(thresholds, between(distinct[i-1], distinct[i]))
		}
		return thresholds, nil
	}
	for k := 1; k < bins; k++ {
		rank := k * len(sorted)
		low := sorted[(rank+bins-1)/bins-1]
		if rank%bins == 0 {
			low = between(low, sorted[rank/bins])
		}
		thresholds = append(thresholds, low)
	}
	return slices.Compact(thresholds), nil
}

// between returns the midpoint of two values without overflow, below the upper one when they differ, so that it parts them.
func between(low, high float64) float64 {
	middle := low/2 + high/2
	if math.Abs(low) < 1 && math.Abs(high) < 1 {
		middle = (low + high) / 2 // halves of subnormals would round
	}
	if low < high && middle >= high {
		return low
	}
	return max(middle, low)
}
