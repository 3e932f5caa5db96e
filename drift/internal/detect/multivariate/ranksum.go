package multivariate

import (
	"cmp"
	"math"
	"slices"
)

// scored is a row's score and its side.
type scored struct {
	score   float64
	current bool
}

// stratum is what the scores of one fold say: those of rows that the fold's model has not seen.
type stratum struct {
	pairs    float64 // of a baseline row and a current one
	wins     float64 // of them, where the current row's score is higher; half for equal scores
	variance float64 // of wins under the null hypothesis that all orders are equally likely
	delong   float64 // of wins/pairs, whatever the hypothesis
}

// rankStratum ranks the scores of one fold.
//
// The variance under the null hypothesis is that of Mann and Whitney's U with ties; the other is that of E. R. DeLong et al., Comparing the
// Areas under Two or More Correlated Receiver Operating Characteristic Curves (Biometrics 44, 1988).
func rankStratum(rows []scored) stratum {
	slices.SortStableFunc(rows, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	var n, m float64 // baseline, current
	for _, r := range rows {
		if r.current {
			m++
		} else {
			n++
		}
	}
	s := stratum{pairs: n * m}
	if n == 0 || m == 0 {
		return s
	}
	var below [2]float64 // rows of each side with a smaller score
	var ties float64
	var x, y moments // share of the other side that a row of the baseline or of current is above
	for begin := 0; begin < len(rows); {
		end := begin
		var here [2]float64
		for ; end < len(rows) && rows[end].score == rows[begin].score; end++ {
			if rows[end].current {
				here[1]++
			} else {
				here[0]++
			}
		}
		s.wins += here[1] * (below[0] + here[0]/2)
		y.add((below[0]+here[0]/2)/n, here[1])
		x.add((below[1]+here[1]/2)/m, here[0])
		t := here[0] + here[1]
		ties += t * (t*t - 1)
		below[0] += here[0]
		below[1] += here[1]
		begin = end
	}
	total := n + m
	s.variance = n * m / 12 * (total + 1 - ties/(total*(total-1)))
	s.delong = x.variance()/n + y.variance()/m
	return s
}

// moments adds up weighed values.
type moments struct{ weight, mean, squares float64 }

func (m *moments) add(v, weight float64) {
	if weight == 0 {
		return
	}
	m.weight += weight
	delta := v - m.mean
	m.mean += delta * weight / m.weight
	m.squares += weight * delta * (v - m.mean)
}

func (m *moments) variance() float64 {
	if m.weight < 2 {
		return 0
	}
	return m.squares / (m.weight - 1)
}

// ranking joins folds.
type ranking struct {
	AUC float64 // probability that a current row scores higher than one of the baseline
	SE  float64 // of the AUC
	Z   float64 // standard normal under the null hypothesis
}

// rankStrata joins the folds of a cross-validation, whose scores are compared within each fold only. Every fold's models were made from the
// rows of the other folds, so that the folds' results depend on each other: their variances are multiplied by inflation.
func rankStrata(folds []stratum, inflation float64) ranking {
	var pairs, wins, variance, delong float64
	for _, f := range folds {
		pairs += f.pairs
		wins += f.wins
		variance += f.variance
		delong += f.delong * f.pairs * f.pairs
	}
	if pairs == 0 {
		return ranking{AUC: 0.5}
	}
	r := ranking{AUC: wins / pairs, SE: math.Sqrt(delong*inflation) / pairs}
	if variance > 0 {
		r.Z = (wins - pairs/2) / math.Sqrt(variance*inflation)
	}
	return r
}
