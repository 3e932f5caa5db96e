package contingency

import (
	"math"
	"math/big"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// Where the smaller side expects fewer than roomy rows in some cell, the chi-square law's tail is too light: of equal samples of 100 rows beside many,
// with ten categories like Zipf's, twice as many as should have a p-value of at most 0.001. From doubtful on down it matters.
const (
	roomy    = 50
	doubtful = 0.05
)

// corrected returns the p-value of Pearson's statistic of cells: that of the chi-square law, or, where cells expect few rows, the tail of the gamma law with
// the mean, the variance and the skewness that the statistic has given the totals (K. Pearson's type III), if that is larger. A correction never
// makes a result more certain.
func (t Table) corrected(cells []cell, statistic float64) float64 {
	df := len(cells) - 1
	p := tail.ChiSquare(statistic, df)
	if p > doubtful || t.leastExpected(cells) >= roomy {
		return p
	}
	mean, deviation, skewness := t.moments(cells)
	if !(deviation > 0) || !(skewness > 0) {
		return p
	}
	shape := 4 / (skewness * skewness)
	return max(p, tail.Gamma(shape+(statistic-mean)/deviation*math.Sqrt(shape), shape))
}

// leastExpected is the smallest number of rows that the smaller side expects in a cell.
func (t Table) leastExpected(cells []cell) float64 {
	least := int64(math.MaxInt64)
	for _, c := range cells {
		least = min(least, c.baseline+c.current)
	}
	return float64(least) * (float64(min(t.BaselineN, t.CurrentN)) / (float64(t.BaselineN) + float64(t.CurrentN)))
}

// moments returns the mean, the standard deviation and the skewness of Pearson's statistic when the rows of all cells are divided between the sides at
// random. With rows tᵢ in cell i, of which bᵢ are the current side's, it is N²/(nm)·(Σbᵢ²/tᵢ − m²/N), and factorial moments of the bᵢ are
//
//	E[Π(bᵢ)ᵣᵢ] = Π(tᵢ)ᵣᵢ·(m)ᵣ/(N)ᵣ,   r = Σrᵢ, (x)ᵣ = x(x−1)…(x−r+1).
//
// So powers of the sum become polynomials in a symbol whose r-th power stands for (m)ᵣ/(N)ᵣ. What is left of them is a small difference of large
// numbers, which is why they have as many digits.
func (t Table) moments(cells []cell) (mean, deviation, skewness float64) {
	n, m := float64(t.BaselineN), float64(t.CurrentN)
	alike := make(map[int64]float64) // cells by their rows
	for _, c := range cells {
		alike[c.baseline+c.current]++
	}
	var a, a2, a3, b, ba, c polynomial // sums over the cells: of bᵢ²/tᵢ, of its powers, and of products of these
	for rows, count := range alike {
		one, two, three := power(rows, 1), power(rows, 2), power(rows, 3)
		square := one.times(one)
		a = a.plus(one.scaled(count))
		a2 = a2.plus(square.scaled(count))
		a3 = a3.plus(square.times(one).scaled(count))
		b = b.plus(two.scaled(count))
		ba = ba.plus(two.times(one).scaled(count))
		c = c.plus(three.scaled(count))
	}
	square := a.times(a)
	first := a.expect(n+m, m)
	second := b.plus(square).plus(a2.scaled(-1)).expect(n+m, m)
	third := c.plus(b.times(a).scaled(3)).plus(ba.scaled(-3)).plus(square.times(a)).plus(a.times(a2).scaled(-3)).plus(a3.scaled(2)).expect(n+m, m)

	variance := number().Sub(second, product(first, first))
	cube := number().Add(number().Sub(third, product(number().SetInt64(3), first, second)), product(number().SetInt64(2), first, first, first))
	center := number().Sub(first, number().Quo(product(number().SetFloat64(m), number().SetFloat64(m)), number().SetFloat64(n+m)))
	scale := (n + m) / n * ((n + m) / m)
	middle, _ := center.Float64()
	spread, _ := variance.Float64()
	skew, _ := cube.Float64()
	return scale * middle, scale * math.Sqrt(spread), skew / math.Pow(spread, 1.5)
}

// polynomial has the coefficients of the powers from 0 on; nil ones are 0.
type polynomial []*big.Float

// digits are the bits of a number: a factorial moment of order six of 2^53 rows is exact in them.
const digits = 512

func number() *big.Float { return new(big.Float).SetPrec(digits) }

func product(first *big.Float, others ...*big.Float) *big.Float {
	p := number().Set(first)
	for _, factor := range others {
		p.Mul(p, factor)
	}
	return p
}

// partitions are Stirling's numbers of the second kind: x^2k is the sum over r of partitions[k][r−1]·(x)ᵣ.
//
//nolint:gochecknoglobals // a constant table
var partitions = [...][]int64{1: {1, 1}, 2: {1, 7, 6, 1}, 3: {1, 31, 90, 65, 15, 1}}

// power is (bᵢ²/tᵢ)^k of a cell with so many rows.
func power(rows int64, k int) polynomial {
	p := polynomial{number()}
	falling := number().SetInt64(1)
	for r, ways := range partitions[k] {
		falling = product(falling, number().SetInt64(rows-int64(r)))
		coefficient := product(falling, number().SetInt64(ways))
		for range k {
			coefficient.Quo(coefficient, number().SetInt64(rows))
		}
		p = append(p, coefficient)
	}
	return p
}

func (p polynomial) plus(q polynomial) polynomial {
	if len(p) < len(q) {
		p, q = q, p
	}
	sum := make(polynomial, len(p))
	for i, v := range p {
		sum[i] = number().Set(v)
		if i < len(q) {
			sum[i].Add(sum[i], q[i])
		}
	}
	return sum
}

func (p polynomial) scaled(by float64) polynomial {
	scaled := make(polynomial, len(p))
	for i, v := range p {
		scaled[i] = product(v, number().SetFloat64(by))
	}
	return scaled
}

func (p polynomial) times(q polynomial) polynomial {
	all := make(polynomial, len(p)+len(q)-1)
	for i := range all {
		all[i] = number()
	}
	for i, v := range p {
		for j, w := range q {
			all[i+j].Add(all[i+j], product(v, w))
		}
	}
	return all
}

// expect puts (m)ᵣ/(N)ᵣ for the r-th power.
func (p polynomial) expect(all, m float64) *big.Float {
	sum, weight := number(), number().SetInt64(1)
	for r, v := range p {
		sum.Add(sum, product(v, weight))
		if all-float64(r) <= 0 {
			break // from here on the coefficients are 0
		}
		weight.Mul(weight, number().SetFloat64(m-float64(r)))
		weight.Quo(weight, number().SetFloat64(all-float64(r)))
	}
	return sum
}
