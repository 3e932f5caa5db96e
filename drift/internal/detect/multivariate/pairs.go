package multivariate

import "math"

// Bounds on the cost of tests on pairs of rows.
const (
	maxPairedRows = 1000 // of a side: the distances take 16 MB
	maxPairedWork = 1e9  // products for all distances: about half a second
)

// PairedRows is the number of rows of each side that tests on pairs are made with: 1,000, or so many that the distances between all rows of
// both sides take 10⁹ products: 349 of 4,096 columns.
func PairedRows(columns int) int {
	return max(2, min(maxPairedRows, int(math.Sqrt(2*maxPairedWork/float64(max(columns, 1)))/2)))
}

// Pairs holds the squared Euclidean distances between all rows of both sides. Several tests can be made of them, one after the other.
type Pairs struct {
	baseline, current int       // numbers of rows; those of the baseline come first
	squared           []float64 // of rows a < b at start(a) + b − a − 1
	scale             float64   // what values were multiplied by
	work              []float64 // of the test that is made, parallel to squared
}

// NewPairs computes the distances. It returns ErrFew for a side of fewer than two rows, ErrShape and ErrNotFinite. It takes
// (n+m)²·columns/2 products and 4·(n+m)² bytes, and stops once ended.
func NewPairs(baseline, current Matrix, ended func() bool) (*Pairs, error) {
	if err := checkSides(baseline, current, 2); err != nil {
		return nil, err
	}
	p := &Pairs{baseline: baseline.Rows, current: current.Rows, scale: shrink(baseline, current)}
	n := p.rows()
	row := func(i int) []float64 {
		if i < baseline.Rows {
			return baseline.Row(i)
		}
		return current.Row(i - baseline.Rows)
	}
	p.squared = make([]float64, n*(n-1)/2)
	block := max(1, 1<<14/baseline.Columns) // rows that stay in the cache while all others pass
	for begin := 0; begin < n && !over(ended); begin += block {
		for a := range n {
			x, at := row(a), p.start(a)-a-1
			for b := max(begin, a+1); b < min(begin+block, n); b++ {
				p.squared[at+b] = squaredDistance(x, row(b), p.scale)
			}
		}
	}
	return p, nil
}

// Bytes is the memory that the distances take, and that of the tests that were made of them. It is 0 of nil.
func (p *Pairs) Bytes() int64 {
	if p == nil {
		return 0
	}
	return 8 * int64(len(p.squared)+len(p.work))
}

func (p *Pairs) rows() int { return p.baseline + p.current }

// start is the place of the pair (a, a+1).
func (p *Pairs) start(a int) int { return a*p.rows() - a*(a+1)/2 }

// squaredDistance adds in four sums, for speed and for fewer rounding errors.
func squaredDistance(x, y []float64, scale float64) float64 {
	y = y[:len(x)]
	var s0, s1, s2, s3 float64
	i := 0
	if scale == 1 {
		for ; i+3 < len(x); i += 4 {
			d0, d1, d2, d3 := x[i]-y[i], x[i+1]-y[i+1], x[i+2]-y[i+2], x[i+3]-y[i+3]
			s0 += d0 * d0
			s1 += d1 * d1
			s2 += d2 * d2
			s3 += d3 * d3
		}
	}
	for ; i < len(x); i++ {
		d := x[i]*scale - y[i]*scale
		s0 += d * d
	}
	return s0 + s1 + s2 + s3
}

// medianSquared returns the lower median of the squared distances, or their mean when that is 0, as when most rows are alike.
func (p *Pairs) medianSquared() float64 {
	values := p.scratch()
	copy(values, p.squared)
	if median := nth(values, (len(values)-1)/2); median > 0 {
		return median
	}
	return mean(p.squared)
}

// scratch is memory for a number of each pair, until it is asked for again.
func (p *Pairs) scratch() []float64 {
	if p.work == nil {
		p.work = make([]float64, len(p.squared))
	}
	return p.work
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// nth returns the value that would stand at place k were the values sorted, by C. A. R. Hoare's quickselect. It reorders them. The pivot is
// the middle of three, so that no order found in practice is slow.
func nth(values []float64, k int) float64 {
	low, high := 0, len(values)-1
	for low < high {
		middle := low + (high-low)/2
		pivot := max(min(values[low], values[high]), min(max(values[low], values[high]), values[middle]))
		i, j := low, high
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return values[k]
		}
	}
	return values[k]
}
