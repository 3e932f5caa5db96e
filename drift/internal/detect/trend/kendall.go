package trend

import (
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// exactPoints is how many points without ties have their p-value from the exact distribution of S.
const exactPoints = 50

// Kendall is the Mann–Kendall test. The null hypothesis is that all orders of the values are equally likely, so that none goes with time.
type Kendall struct {
	S     int64   // pairs that rise less pairs that fall
	Tau   float64 // Kendall's tau-b, −1 to 1; 0 for a constant series
	P     float64 // two-sided, for independent values
	Exact bool    // whether P is exact

	// Inflation is how much larger the variance of S is than for independent values, by the autocorrelation of the ranks about the trend.
	Inflation float64

	// PCorrected is P with that variance, or that of noise with a memory of one step, when it is larger, else P: a correction never makes a trend more certain.
	PCorrected float64
}

// MannKendall tests for a monotonic trend in values in the order of time.
//
// S = Σ_{i<j} sign(v_j − v_i). Without ties and up to 50 values P is exact (M. G. Kendall's recursion, as scipy.stats.kendalltau with
// method="exact"); else it is normal with continuity correction, z = (S − sign S)/√Var(S),
// Var(S) = (n(n−1)(2n+5) − Σ t(t−1)(2t+5))/18 over groups of t ties (H. B. Mann 1945, M. G. Kendall 1975).
//
// Values that hang together from one time to the next make trends where there are none. The correction is that of K. H. Hamed and
// A. R. Rao (1998): Var(S) times 1 + 2/(n(n−1)(n−2)) Σ (n−i)(n−i−1)(n−i−2) ρ(i), over the autocorrelations ρ(i) of the ranks of what the
// slope leaves that are significant at 0.05. It is liberal by itself, so that the factor for noise with a memory of one step is used where that is larger.
//
// Slope is what the autocorrelation is taken about: the value per step of x.
func MannKendall(x, values []float64, slope float64) Kendall {
	n := len(values)
	k := Kendall{P: 1, PCorrected: 1, Inflation: 1}
	if n < 2 {
		return k
	}
	for i, v := range values {
		for _, w := range values[i+1:] {
			switch {
			case w > v:
				k.S++
			case w < v:
				k.S--
			}
		}
	}
	variance, tied := varianceS(values)
	pairs := float64(n) * float64(n-1) / 2
	if tied >= pairs {
		return k // constant
	}
	k.Tau = float64(k.S) / math.Sqrt(pairs*(pairs-tied))
	k.Exact = tied == 0 && n <= exactPoints
	if k.Exact {
		k.P = exactP(n, k.S)
	} else {
		k.P = normalP(k.S, variance)
	}
	k.PCorrected = k.P
	memory := 1.0
	if n > minMemory {
		k.Inflation, memory = inflation(x, values, slope)
	}
	if larger := max(k.Inflation, memory); larger > 1 {
		k.PCorrected = max(k.P, normalP(k.S, variance*larger))
	}
	return k
}

// varianceS returns the variance of S, and the number of tied pairs.
func varianceS(values []float64) (variance, tied float64) {
	n := float64(len(values))
	variance = n * (n - 1) * (2*n + 5)
	sorted := slices.Sorted(slices.Values(values))
	for i := 0; i < len(sorted); {
		j := i + 1
		for j < len(sorted) && sorted[j] == sorted[i] {
			j++
		}
		t := float64(j - i)
		variance -= t * (t - 1) * (2*t + 5)
		tied += t * (t - 1) / 2
		i = j
	}
	return variance / 18, tied
}

func normalP(s int64, variance float64) float64 {
	distance := math.Abs(float64(s)) - 1
	if distance <= 0 || variance <= 0 {
		return 1
	}
	return tail.Normal(distance / math.Sqrt(variance))
}

// exactP returns P(|S| ≥ |s|) over all orders of n different values. The pairs out of order of n values are those of n−1 values and 0 to n−1
// more with equal probabilities.
func exactP(n int, s int64) float64 {
	pairs := n * (n - 1) / 2
	p, next := make([]float64, pairs+1), make([]float64, pairs+1)
	p[0] = 1
	for k := 2; k <= n; k++ {
		window := 0.0
		for i := 0; i <= k*(k-1)/2; i++ {
			window += p[i]
			if i >= k {
				window -= p[i-k]
			}
			next[i] = window / float64(k)
		}
		p, next = next, p
	}
	size := int(max(s, -s))
	smaller := 0.0 // S = pairs − 2·inversions, and its distribution is symmetric
	for inversions := 0; pairs-2*inversions >= size && inversions <= pairs; inversions++ {
		smaller += p[inversions]
	}
	if size == 0 {
		return 1
	}
	return min(2*smaller, 1)
}

// minMemory is below how many points autocorrelations are not told from chance.
const minMemory = 5

// inflation is the correction of Hamed and Rao, at least 1/n since negative autocorrelations may leave no variance by the formula; and the one for
// noise that remembers the value before, (1 + ρ)/(1 − ρ), 1 unless ρ(1) is significant and positive. Autocorrelations about a fitted line come out
// too small by about (2 + 4ρ)/n (M. G. Kendall 1954), which is put back in the latter only: the former is as published.
func inflation(x, values []float64, slope float64) (hamedRao, memory float64) {
	n := len(values)
	rest := make([]float64, n)
	for i, v := range values {
		rest[i] = v - slope*x[i]
	}
	r := ranks(rest)
	centre := float64(n+1) / 2
	for i := range r {
		r[i] -= centre
	}
	zero := 0.0
	for _, v := range r {
		zero += v * v
	}
	if zero == 0 {
		return 1, 1
	}
	memory = 1
	bound := tail.Z95 / math.Sqrt(float64(n))
	sum := 0.0
	for lag := 1; lag < n; lag++ {
		product := 0.0
		for i := lag; i < n; i++ {
			product += r[i] * r[i-lag]
		}
		if rho := product / zero; math.Abs(rho) > bound {
			sum += float64(n-lag) * float64(n-lag-1) * float64(n-lag-2) * rho
			if lag == 1 && rho > 0 {
				rho = min((rho+2/float64(n))/(1-4/float64(n)), 0.95) // beyond it says that there is no level at all
				memory = (1 + rho) / (1 - rho)
			}
		}
	}
	f := float64(n)
	return max(1+2*sum/(f*(f-1)*(f-2)), 1/f), memory
}

// ranks returns the ranks from 1, tied values sharing the mean of theirs.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return a - b
	})
	r := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			r[k] = float64(i+j+1) / 2
		}
		i = j
	}
	return r
}
