package rank

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// exactCramer returns the share of the orders of n and m different values
// whose Σ d² is at least squares.
//
// An order is a lattice path from (0,0) to (n,m), and d = i·m − j·n depends on the point
// alone. Counts of the paths to a point are kept by the sum that they have
// collected; both are integers, and exact up to 20 a side.
func exactCramer(n, m int, squares float64) float64 {
	divisor := gcd(n, m)
	unit := int64(divisor) * int64(divisor) // d is a multiple of the divisor
	want := int64(math.Round(squares)) / unit
	column := make([]tally, m+1) // of the points (i, j) for the current i
	for i := range n + 1 {
		for j := range m + 1 {
			d := int64(i*m-j*n) / int64(divisor)
			switch {
			case i == 0 && j == 0:
				column[j] = tally{{0, 1}}
			case i == 0:
				column[j] = merged(nil, column[j-1], d*d)
			case j == 0:
				column[j] = merged(column[j], nil, d*d)
			default:
				column[j] = merged(column[j], column[j-1], d*d)
			}
		}
	}
	all, extreme := 0.0, 0.0
	for _, e := range column[m] {
		all += float64(e.paths)
		if e.sum >= want {
			extreme += float64(e.paths)
		}
	}
	return tail.Clip(extreme / all)
}

// A tally counts paths by the sum of squares that they have collected, in ascending order.
type tally []struct{ sum, paths int64 }

// merged adds two tallies and what the point that they meet in collects.
func merged(a, b tally, square int64) tally {
	out := make(tally, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].sum < b[0].sum:
			out, a = append(out, a[0]), a[1:]
		case len(a) == 0 || b[0].sum < a[0].sum:
			out, b = append(out, b[0]), b[1:]
		default:
			e := a[0]
			e.paths += b[0].paths
			out, a, b = append(out, e), a[1:], b[1:]
		}
		out[len(out)-1].sum += square
	}
	return out
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
