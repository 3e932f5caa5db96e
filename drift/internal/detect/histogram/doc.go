// Package histogram cuts the line into bins and counts values in them, as numpy.histogram_bin_edges and numpy.histogram do.
//
// Bins of equal width are what most tools compare samples by. They are easily blinded: one far value stretches the range until all other
// values share a bin. The tests of package detect therefore use the deciles of the baseline unless bins of equal width are asked for, which
// is useful to go on with numbers that another tool began.
package histogram

import "errors"

var (
	// ErrEmpty says that there are no values to cut the line by.
	ErrEmpty = errors.New("sample is empty")

	// ErrRange says that the values span a range that equal bins cannot divide: it is wider than the largest float, or so narrow that edges
	// coincide. NumPy fails in the same cases.
	ErrRange = errors.New("range cannot be divided into bins of equal width")
)
