package multivariate

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// Bounds on the cost of the correlation test.
const (
	maxCorrelatedRows = 20_000  // of a side
	maxCorrelatedWork = 5e8     // products for all pairs of columns
	maxContributions  = 1 << 21 // that are kept: 16 MB
)

// CorrelatedRows is the number of rows of each side that the correlation test looks at: 20,000, or so many that there are 5·10⁸ products of
// two columns: 15,258 of 128 columns.
func CorrelatedRows(columns int) int {
	return max(4, min(maxCorrelatedRows, maxCorrelatedWork/max(1, 2*columns*columns)))
}

// Correlation is the outcome of a test on the correlations of all pairs of columns.
type Correlation struct {
	Statistic float64 // the largest studentised difference of a pair
	P         float64
	Critical  float64 // the statistic at which P is alpha
	Permuted  bool    // P is from permutations, and not from Student's law

	First, Second int     // the pair that differs most
	Baseline      float64 // its correlation
	Current       float64
	Effect        float64   // the difference of the two, without its sign: 0 to 2
	Shares        []float64 // of the columns in the squared studentised differences beyond chance, up to 1 in all
}

// Correlations tests the null hypothesis that every pair of columns has the same correlation on both sides: the largest of all pairs' studentised
// differences, in the manner of T. Cai, W. Liu and Y. Xia, Two-Sample Covariance Matrix Testing and Support Recovery (JASA 108, 2013).
//
// The columns should be normal scores of each side by itself, so that a change of one column alone does not count. Each side is standardised
// here. A row contributes u = x·y − r/2·(x² + y²) to a pair's correlation, with r that of both sides together; its mean over a side is the
// side's correlation less r, with the right standard error for any joint distribution.
//
// The p-value is from permutations of the rows while they cost at most 5·10⁸ additions, else from Student's law with n + m − 2 degrees of
// freedom and Šidák's correction for the number of pairs, which is conservative for pairs that depend on each other. Pairs with a column that
// does not vary on a side are left out; without any pair P is 1.
//
// It returns ErrShape for fewer than two columns, ErrFew for a side of fewer than 4 rows, and ErrNotFinite.
func Correlations(baseline, current Matrix, d permutation.Draws) (Correlation, error) {
	if err := checkSides(baseline, current, 4); err != nil {
		return Correlation{}, err
	}
	if baseline.Columns < 2 {
		return Correlation{}, ErrShape
	}
	x, y := standardized(baseline, d), standardized(current, d)
	first, second := columnPairs(x, y)
	result := Correlation{P: 1, Shares: make([]float64, baseline.Columns)}
	if len(first) == 0 {
		return result, nil
	}
	t := newPairTest(x, y, first, second, d)
	observed, at := t.largest(t.sums)
	result.Statistic, result.First, result.Second = observed, first[at], second[at]
	result.Baseline = t.pooled[at] + t.sums[at]/t.n
	result.Current = t.pooled[at] + (t.total[at]-t.sums[at])/t.m
	result.Effect = math.Abs(result.Baseline - result.Current)
	for i := range first {
		// Half for each column; 1 is what chance alone gives.
		beyond := max(0, math.Pow(t.difference(t.sums, i), 2)-1)
		result.Shares[first[i]] += beyond
		result.Shares[second[i]] += beyond
	}
	normalize(result.Shares)
	if result.Permuted = min(t.n, t.m)*float64(len(first))*float64(d.Count) <= maxPermutedWork; result.Permuted {
		result.P, result.Critical = permute(observed, d, 1, t.draw(t.rows(x, y), x.Rows+y.Rows, d.Rand))
		return result, nil
	}
	student := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: t.n + t.m - 2}
	single := 2 * student.Survival(observed)
	result.P = min(max(-math.Expm1(float64(len(first))*math.Log1p(-min(single, 1))), math.SmallestNonzeroFloat64), 1)
	result.Critical = student.Quantile(1 + math.Expm1(math.Log1p(-d.Alpha)/float64(len(first)))/2)
	return result, nil
}

// standardized returns the columns with mean 0 and variance 1, divisor n; those that do not vary become 0.
func standardized(m Matrix, d permutation.Draws) Matrix {
	out := NewMatrix(m.Rows, m.Columns)
	rows := make([]int, m.Rows)
	for i := range rows {
		rows[i] = i
	}
	for k := range m.Columns {
		if d.Over() {
			break
		}
		mean, deviation := center(m, rows, k)
		squares := 0.0
		for i := range rows {
			v := (m.Row(i)[k] - mean) / deviation
			out.Row(i)[k] = v
			squares += v * v
		}
		if !(squares > 0.5*float64(m.Rows)) { // centred only
			for i := range rows {
				out.Row(i)[k] = 0
			}
		}
	}
	return out
}

// columnPairs lists the pairs of columns that vary on both sides.
func columnPairs(x, y Matrix) (first, second []int) {
	varies := func(m Matrix, k int) bool {
		for i := range m.Rows {
			if m.Row(i)[k] != 0 {
				return true
			}
		}
		return false
	}
	var columns []int
	for k := range x.Columns {
		if varies(x, k) && varies(y, k) {
			columns = append(columns, k)
		}
	}
	for i, a := range columns {
		for _, b := range columns[i+1:] {
			first, second = append(first, a), append(second, b)
		}
	}
	return first, second
}

// pairTest sums each pair's contributions.
type pairTest struct {
	first, second []int
	n, m          float64
	pooled        []float64 // correlation of both sides together
	sums          []float64 // of the baseline's contributions
	total         []float64 // of all contributions
	deviation     []float64 // standard error of a difference of means
}

func newPairTest(x, y Matrix, first, second []int, d permutation.Draws) *pairTest {
	pairs := len(first)
	t := &pairTest{
		first: first, second: second, n: float64(x.Rows), m: float64(y.Rows),
		pooled: make([]float64, pairs), sums: make([]float64, pairs), total: make([]float64, pairs), deviation: make([]float64, pairs),
	}
	for _, side := range []Matrix{x, y} {
		for row := range side.Rows {
			if row%lookUp == 0 && d.Over() {
				break
			}
			v := side.Row(row)
			for i := range first {
				t.pooled[i] += v[first[i]] * v[second[i]]
			}
		}
	}
	for i := range t.pooled {
		t.pooled[i] /= t.n + t.m
	}
	squares := make([]float64, pairs)
	u := make([]float64, pairs)
	for k, side := range []Matrix{x, y} {
		for row := range side.Rows {
			if row%lookUp == 0 && d.Over() {
				break
			}
			t.contributions(side.Row(row), u)
			if k == 0 {
				addTo(t.sums, u)
			}
			addTo(t.total, u)
			for i, v := range u {
				squares[i] += v * v
			}
		}
	}
	rows := t.n + t.m
	for i := range t.deviation {
		// The overall mean of the contributions is 0, up to rounding.
		t.deviation[i] = math.Sqrt(squares[i] / (rows - 2) * (1/t.n + 1/t.m))
	}
	return t
}

func (t *pairTest) contributions(v, u []float64) {
	for i := range u {
		a, b := v[t.first[i]], v[t.second[i]]
		u[i] = a*b - t.pooled[i]/2*(a*a+b*b)
	}
}

// difference is that of a pair in standard errors. Columns that determine each other have none, up to rounding.
func (t *pairTest) difference(sums []float64, i int) float64 {
	delta := math.Abs(sums[i]/t.n - (t.total[i]-sums[i])/t.m)
	if delta <= 1e-12 {
		return 0
	}
	return delta / t.deviation[i]
}

func (t *pairTest) largest(sums []float64) (statistic float64, at int) {
	for i := range sums {
		if d := t.difference(sums, i); d > statistic {
			statistic, at = d, i
		}
	}
	return statistic, at
}

// rows returns what gives a row's contributions, those of the baseline first. They are kept when they are few; else each is made anew for every
// draw that it is in, in the same memory: those of 15,000 vectors would take a gigabyte, and as long to read as to make.
func (t *pairTest) rows(x, y Matrix) func(row int) []float64 {
	value := func(row int) []float64 {
		if row < x.Rows {
			return x.Row(row)
		}
		return y.Row(row - x.Rows)
	}
	rows := x.Rows + y.Rows
	if rows*len(t.first) > maxContributions {
		u := make([]float64, len(t.first))
		return func(row int) []float64 {
			t.contributions(value(row), u)
			return u
		}
	}
	kept := NewMatrix(rows, len(t.first))
	for row := range rows {
		t.contributions(value(row), kept.Row(row))
	}
	return kept.Row
}

// draw returns draws of the statistic under re-labelling. Only the smaller side is added up.
func (t *pairTest) draw(contributions func(row int) []float64, rows int, rng *rand.Rand) func() float64 {
	order := Sample(rng, rows, rows)
	sums := make([]float64, len(t.sums))
	small := int(min(t.n, t.m))
	return func() float64 {
		clear(sums)
		for i := range small {
			j := i + rng.IntN(len(order)-i)
			order[i], order[j] = order[j], order[i]
			addTo(sums, contributions(order[i]))
		}
		if t.m < t.n {
			for i := range sums {
				sums[i] = t.total[i] - sums[i]
			}
		}
		statistic, _ := t.largest(sums)
		return statistic
	}
}
