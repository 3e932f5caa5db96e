package distance

import "github.com/aumos-enterprise/platform/drift/internal/detect/histogram"

// Deciles cuts at the deciles of the baseline, see histogram.Deciles.
func Deciles() Rule {
	var bins []histogram.Bin // reused by the next draw
	return func(s histogram.Source, a, b []int64) ([]int64, []int64, error) {
		bins = histogram.Deciles(s, bins[:0])
		for _, bin := range bins {
			a, b = append(a, bin.Baseline), append(b, bin.Current)
		}
		return a, b, nil
	}
}

// Doane cuts the range of the baseline into equal bins, as many as histogram.Doane makes of the observed one, and puts the rows outside of it
// into a bin of their own, as NannyML does.
func Doane(baseline []float64) (Rule, error) {
	edges, err := histogram.Doane(baseline)
	if err != nil {
		return nil, err
	}
	bins := len(edges) - 1
	return func(s histogram.Source, a, b []int64) ([]int64, []int64, error) {
		n, _ := s.Sizes()
		edges, err := histogram.Edges(s.Value(1), s.Value(n), bins)
		if err != nil {
			return nil, nil, err
		}
		a, b = histogram.CountSource(s, edges, a, b)
		return a, b, nil
	}, nil
}

// Bins applies the rule to two finite and sorted samples. It returns ErrEmpty when one is empty, and the errors of the rule.
func (r Rule) Bins(pair histogram.Pair) (Bins, error) {
	if len(pair.Baseline) == 0 || len(pair.Current) == 0 {
		return Bins{}, ErrEmpty
	}
	a, b, err := r(pair, nil, nil)
	if err != nil {
		return Bins{}, err
	}
	return NewBins(a, b)
}
