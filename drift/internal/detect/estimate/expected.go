package estimate

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
)

// expected is the confusion matrix of one class against the rest that
// calibrated probabilities c and predictions lead one to expect: a row predicted positive is a true positive
// with probability c, and so on.
type expected struct{ tp, fp, fn, tn float64 }

func expect(probabilities []float64, predicted []int32, class int32) (e expected) {
	for i, c := range probabilities {
		if predicted[i] == class {
			e.tp += c
			e.fp += 1 - c
		} else {
			e.fn += c
			e.tn += 1 - c
		}
	}
	return e
}

// ratio is undefined (false) without a denominator.
func ratio(top, bottom float64) (float64, bool) {
	if !(bottom > 0) {
		return 0, false
	}
	return top / bottom, true
}

func (e expected) precision() (float64, bool)   { return ratio(e.tp, e.tp+e.fp) }
func (e expected) recall() (float64, bool)      { return ratio(e.tp, e.tp+e.fn) }
func (e expected) specificity() (float64, bool) { return ratio(e.tn, e.tn+e.fp) }
func (e expected) f1() (float64, bool)          { return ratio(e.tp, e.tp+0.5*(e.fp+e.fn)) }
func (e expected) accuracy() (float64, bool) {
	return ratio(e.tp+e.tn, e.tp+e.fp+e.fn+e.tn)
}

// area is the expected area under the ROC curve: the rows in descending order
// of the raw score, a row counting c of a positive and 1−c of a negative one. Counts are
// rounded to five decimals, as NannyML does. Rows of one score
// share the mean of their probabilities, so that their order does not matter.
func area(raw, probabilities []float64) (float64, bool) {
	var tps, fps, lastTP, lastFP, sum float64
	descend(raw, probabilities, func(at int, c float64) {
		tps += c
		fps = float64(at+1) - tps
		tp, fp := fiveDecimals(tps), fiveDecimals(fps)
		sum += (fp - lastFP) * (tp + lastTP) / 2
		lastTP, lastFP = tp, fp
	})
	return ratio(sum, lastTP*lastFP)
}

// averagePrecision is the expected Σ(R_k − R_{k−1})·P_k over the rows in descending order of the raw score.
func averagePrecision(raw, probabilities []float64) (float64, bool) {
	var tps, last, sum float64
	descend(raw, probabilities, func(at int, c float64) {
		tps += c
		tp := fiveDecimals(tps)
		sum += (tp - last) * (tp / float64(at+1))
		last = tp
	})
	return ratio(sum, last)
}

func fiveDecimals(v float64) float64 { return math.RoundToEven(v*1e5) / 1e5 }

// descend calls f for each place in descending order of the raw score, with the mean
// probability of the rows of its score.
func descend(raw, probabilities []float64, f func(at int, c float64)) {
	order := performance.Descending(raw)
	for start := 0; start < len(order); {
		end, sum := start, 0.0
		for end < len(order) && raw[order[end]] == raw[order[start]] {
			sum += probabilities[order[end]]
			end++
		}
		mean := sum / float64(end-start)
		for at := start; at < end; at++ {
			f(at, mean)
		}
		start = end
	}
}
