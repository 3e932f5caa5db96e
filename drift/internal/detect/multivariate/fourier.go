package multivariate

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// Bounds on the cost of random features.
const (
	frequencies       = 64
	maxFeatureRows    = 100_000 // of a side
	maxFeatureWork    = 1e9     // products of rows, columns and frequencies
	maxPermutedWork   = 5e8     // additions of all permutations: beyond, the limit law is used
	bandwidthRows     = 250     // of each side, for the median of the distances
	maxCovarianceRows = 10_000
)

// FeatureRows is the number of rows of each side that random features are made of: 100,000, or so many that there are 10⁹ products: 1,907 of
// 4,096 columns.
func FeatureRows(columns int) int {
	return max(bandwidthRows, min(maxFeatureRows, maxFeatureWork/(2*frequencies*max(columns, 1))))
}

// FeatureMMD is MMD in linear time: the kernel is that of 64 random frequencies (A. Rahimi and B. Recht, Random Features for Large-Scale
// Kernel Machines, NeurIPS 2007), so that the statistic is a squared distance between two means of 128 numbers. The bandwidth is the median
// heuristic of MMD on the first 250 rows of each side, which must stand in a random order. Each row is asked for twice, and none is kept.
//
// The p-value comes from permutations while they cost at most 5·10⁸ additions, about 3,900 rows on the smaller side at 999 permutations.
// Beyond, the means are as good as normal, and the distance a sum of chi-squares weighed by the eigenvalues of the features' covariance.
// Asymptotic says so. It returns the errors of NewPairs.
func FeatureMMD(baseline, current Rows, d permutation.Draws) (found Discrepancy, asymptotic bool, err error) {
	pairs, err := NewPairs(baseline.head(bandwidthRows), current.head(bandwidthRows), d.Ended)
	if err != nil {
		return found, false, err
	}
	median := pairs.medianSquared()
	if median == 0 {
		return Discrepancy{P: 1}, false, nil
	}
	top := max(baseline.largest(d), current.largest(d))
	if math.IsInf(top, 0) || math.IsNaN(top) {
		return found, false, ErrNotFinite
	}
	scale := shrinkBy(top)
	f := newFourier(d.Rand, baseline.Columns, math.Sqrt(median/2)*(scale/pairs.scale), scale)
	small, large := baseline, current
	if current.Count < baseline.Count {
		small, large = current, baseline
	}
	asymptotic = float64(small.Count)*float64(d.Count)*2*frequencies > maxPermutedWork
	kept := small.Count + large.Count
	if asymptotic {
		kept = min(maxCovarianceRows, small.Count) // of each side, for the covariance
	}
	features := NewMatrix(0, 2*frequencies)
	features.Values = make([]float64, 0, kept*2*frequencies)
	var sums [2][]float64
	for side, m := range []Rows{small, large} {
		sums[side] = make([]float64, 2*frequencies)
		z := make([]float64, 2*frequencies)
		for i := range m.Count {
			if i%lookUp == 0 && d.Over() {
				return found, false, nil
			}
			f.features(m.Row(i), z)
			addTo(sums[side], z)
			if !asymptotic || i < kept/2 {
				features.Values = append(features.Values, z...)
				features.Rows++
			}
		}
	}
	n, m := float64(small.Count), float64(large.Count)
	statistic, cross := featureStatistic(sums[0], sums[1], n, m)
	found = Discrepancy{Statistic: statistic, Effect: effect(statistic, cross), Bandwidth: math.Sqrt(median/2) / pairs.scale}
	if !asymptotic {
		found.P, found.Critical = permute(statistic, d, 1, featureDraw(features, sums, small.Count, d.Rand))
		return found, false, nil
	}
	weights := eigenvalues(features)
	for i := range weights {
		weights[i] *= 1/n + 1/m
	}
	distance := 0.0
	for i := range sums[0] {
		delta := sums[0][i]/n - sums[1][i]/m
		distance += delta * delta
	}
	// The distance between the means is the unbiased statistic plus what the rows' own spread adds to it.
	found.P, found.Critical = quadraticTail(weights, distance), criticalQuadratic(weights, d.Alpha)-(distance-statistic)
	return found, true, nil
}

// effect is that of a Discrepancy.
func effect(statistic, cross float64) float64 {
	if cross <= 0 {
		return 0
	}
	return math.Sqrt(min(max(0, statistic/(2*cross)), 1))
}

// featureStatistic is the unbiased MMD² of sums of n and m features of length 1, and the mean of 1 − kernel across.
func featureStatistic(x, y []float64, n, m float64) (statistic, cross float64) {
	var xx, yy, xy float64
	for i := range x {
		xx += x[i] * x[i]
		yy += y[i] * y[i]
		xy += x[i] * y[i]
	}
	return (xx-n)/(n*(n-1)) + (yy-m)/(m*(m-1)) - 2*xy/(n*m), 1 - xy/(n*m)
}

// featureDraw returns draws of the statistic under re-labelling.
func featureDraw(features Matrix, sums [2][]float64, small int, rng *rand.Rand) func() float64 {
	total := make([]float64, len(sums[0]))
	addTo(total, sums[0])
	addTo(total, sums[1])
	order := Sample(rng, features.Rows, features.Rows)
	part, rest := make([]float64, len(total)), make([]float64, len(total))
	return func() float64 {
		clear(part)
		for i := range small {
			j := i + rng.IntN(len(order)-i)
			order[i], order[j] = order[j], order[i]
			addTo(part, features.Row(order[i]))
		}
		for i := range rest {
			rest[i] = total[i] - part[i]
		}
		statistic, _ := featureStatistic(part, rest, float64(small), float64(features.Rows-small))
		return statistic
	}
}

func addTo(sum, x []float64) {
	x = x[:len(sum)]
	for i := range sum {
		sum[i] += x[i]
	}
}

// eigenvalues returns those of the covariance of rows, which are not negative.
func eigenvalues(m Matrix) []float64 {
	values, _ := principal(covariance(m))
	return values
}

// fourier makes features whose products approximate a Gaussian kernel: cosine and sine of each frequency's product with the row.
type fourier struct {
	frequencies Matrix
	scale       float64
}

func newFourier(rng *rand.Rand, columns int, bandwidth, scale float64) fourier {
	f := fourier{frequencies: NewMatrix(frequencies, columns), scale: scale}
	for i := range f.frequencies.Values {
		f.frequencies.Values[i] = rng.NormFloat64() / bandwidth
	}
	return f
}

func (f fourier) features(x, z []float64) {
	for k := range frequencies {
		sin, cos := math.Sincos(dot(f.frequencies.Row(k), x, f.scale))
		z[2*k], z[2*k+1] = cos/math.Sqrt(frequencies), sin/math.Sqrt(frequencies)
	}
}

// dot is the product of a row with one that must be scaled.
func dot(w, x []float64, scale float64) float64 {
	x = x[:len(w)]
	var s0, s1 float64
	i := 0
	for ; i+1 < len(w); i += 2 {
		s0 += w[i] * (x[i] * scale)
		s1 += w[i+1] * (x[i+1] * scale)
	}
	if i < len(w) {
		s0 += w[i] * (x[i] * scale)
	}
	return s0 + s1
}

// covariance returns the covariance of the columns, divisor n−1.
func covariance(m Matrix) *mat.SymDense {
	center := columnMeans(m)
	c := mat.NewSymDense(m.Columns, nil)
	raw := c.RawSymmetric()
	delta := make([]float64, m.Columns)
	for i := range m.Rows {
		for k, v := range m.Row(i) {
			delta[k] = v - center[k]
		}
		for k, v := range delta {
			target := raw.Data[k*raw.Stride+k : k*raw.Stride+m.Columns]
			for j, w := range delta[k:] {
				target[j] += v * w
			}
		}
	}
	for i := range raw.Data {
		raw.Data[i] /= max(1, float64(m.Rows-1))
	}
	return c
}

func columnMeans(m Matrix) []float64 {
	center := make([]float64, m.Columns)
	for i := range m.Rows {
		addTo(center, m.Row(i))
	}
	for k := range center {
		center[k] /= float64(m.Rows)
	}
	return center
}

// principal returns the eigenvalues of a covariance, largest first and not negative, and the eigenvectors as the rows of a matrix.
func principal(c *mat.SymDense) (values []float64, vectors Matrix) {
	n := c.SymmetricDim()
	values, vectors = make([]float64, n), NewMatrix(n, n)
	var e mat.EigenSym
	if !e.Factorize(c, true) {
		return values, vectors // does not happen for finite matrices; no components then
	}
	ascending := e.Values(nil)
	var v mat.Dense
	e.VectorsTo(&v)
	for i := range n {
		values[i] = max(0, ascending[n-1-i])
		mat.Col(vectors.Row(i), n-1-i, &v)
	}
	return values, vectors
}
