package rank

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// maxExactMannWhitney is the larger size up to which the p-value is exact without ties.
const maxExactMannWhitney = 40

// MannWhitney is the outcome of a Mann–Whitney U test.
type MannWhitney struct {
	U     float64 // pairs of which the baseline value is the larger, half of those equal
	P     float64 // two-sided
	Exact bool

	// Delta is P(current > baseline) − P(current < baseline), in [−1,1]: Cliff's delta.
	Delta float64
}

// MannWhitney tests the null hypothesis that both samples come from one
// distribution, against one side tending to larger values (H. B. Mann and D.
// R. Whitney, 1947). Up to 40 values a side without ties the p-value is exact;
// else it is normal, with correction for ties and for continuity. As
// scipy.stats.mannwhitneyu(baseline, current), which is exact up to 8.
func (p *Pooled) MannWhitney() MannWhitney {
	all := p.N * p.M
	w := MannWhitney{U: p.pairs, Delta: (all - 2*p.pairs) / all}
	w.Exact = max(p.N, p.M) <= maxExactMannWhitney && p.TieShare == 0
	if w.Exact {
		w.P = exactMannWhitney(int(p.N), int(p.M), int(max(w.U, all-w.U)))
		return w
	}
	w.P = 1
	if deviation := p.pairsDeviation(); deviation > 0 {
		z := (max(w.U, all-w.U) - all/2 - 0.5) / deviation
		w.P = tail.Normal(z)
	}
	return w
}

// CriticalMannWhitney returns the larger U at which the asymptotic p-value is alpha; NaN for an alpha outside (0,1).
func (p *Pooled) CriticalMannWhitney(alpha float64) float64 {
	if !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	return p.N*p.M/2 + 0.5 + tail.CriticalNormal(alpha)*p.pairsDeviation()
}

// pairsDeviation is the standard deviation of U given the ties.
func (p *Pooled) pairsDeviation() float64 {
	return math.Sqrt(p.N * p.M / 12 * (p.size() + 1) * max(0, 1-p.TieShare))
}

// exactMannWhitney returns P(U ≥ u or U ≤ nm−u) for 2u ≥ nm, without ties, by
// the recursion over the largest of i+j values: it is one of the i, and larger than all j of the others, or one of the j,
//
//	P_ij(u) = (i·P_{i−1,j}(u−j) + j·P_{i,j−1}(u))/(i+j).
func exactMannWhitney(n, m, u int) float64 {
	rows := make([][]float64, m+1) // of P_ij, for the current i
	for i := range n + 1 {
		for j := range m + 1 {
			if i == 0 || j == 0 {
				rows[j] = []float64{1}
				continue
			}
			row := make([]float64, i*j+1)
			share := float64(i) / float64(i+j)
			for u, v := range rows[j] {
				row[u+j] = share * v
			}
			for u, v := range rows[j-1] {
				row[u] += (1 - share) * v
			}
			rows[j] = row
		}
	}
	smaller := 0.0
	for k := n * m; k >= u; k-- {
		smaller += rows[m][k]
	}
	return tail.Clip(2 * smaller)
}
