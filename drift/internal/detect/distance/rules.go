package distance

import (
	"math/rand/v2"

	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
)

// Rule cuts the line by the values of the baseline.
type Rule struct {
	// cut appends the rows of both sides in each bin to the slices.
	cut func(s histogram.Source, baseline, current []int64) (a, b []int64, err error)

	// bins of equal width fill the range of the baseline; 0 for other rules.
	bins int
}

// Deciles cuts at the deciles of the baseline, see histogram.Deciles.
func Deciles() *Rule {
	var bins []histogram.Bin // reused by the next draw
	return &Rule{cut: func(s histogram.Source, a, b []int64) ([]int64, []int64, error) {
		bins = histogram.Deciles(s, bins[:0])
		for _, bin := range bins {
			a, b = append(a, bin.Baseline), append(b, bin.Current)
		}
		return a, b, nil
	}}
}

// Doane cuts the range of the baseline into equal bins, as many as histogram.Doane makes of the observed one, and puts the rows outside of it
// into a bin of their own, as NannyML does.
func Doane(baseline []float64) (*Rule, error) {
	edges, err := histogram.Doane(baseline)
	if err != nil {
		return nil, err
	}
	bins := len(edges) - 1
	return &Rule{bins: bins, cut: func(s histogram.Source, a, b []int64) ([]int64, []int64, error) {
		n, _ := s.Sizes()
		edges, err := histogram.Edges(s.Value(1), s.Value(n), bins)
		if err != nil {
			return nil, nil, err
		}
		a, b = histogram.CountSource(s, edges, a, b)
		return a, b, nil
	}}, nil
}

// draws returns what deals the labels of both sides out at random to the rows of both, and appends the rows of both sides in each bin to the slices.
func (r *Rule) draws(pair histogram.Pair, rng *rand.Rand) func(baseline, current []int64) (a, b []int64, err error) {
	if r.bins > 0 && len(pair.Baseline) > 1 {
		return newSpans(pair, r.bins, rng).draw
	}
	s := newRelabelled(pair, rng)
	return func(baseline, current []int64) (a, b []int64, err error) {
		s.deal()
		return r.cut(s, baseline, current)
	}
}

// Bins applies the rule to two finite and sorted samples. It returns ErrEmpty when one is empty, and the errors of the rule.
func (r *Rule) Bins(pair histogram.Pair) (Bins, error) {
	if len(pair.Baseline) == 0 || len(pair.Current) == 0 {
		return Bins{}, ErrEmpty
	}
	a, b, err := r.cut(pair, nil, nil)
	if err != nil {
		return Bins{}, err
	}
	return NewBins(a, b)
}
