package detect

import (
	"cmp"
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/contingency"
	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
)

// Lengths to which an Explanation is cut.
const (
	maxBins       = 5
	maxCategories = 10
)

// explain shows where a feature changed; nil when a side has no values. The
// feature must have been checked.
func explain(f FeatureInput) *Explanation {
	if f.Baseline.usable() == 0 || f.Current.usable() == 0 {
		return nil
	}
	if f.Type == Numeric {
		return explainNumbers(f.Baseline.Sorted, f.Current.Sorted)
	}
	return explainCategories(f.Baseline.Counts, f.Current.Counts)
}

func explainNumbers(baseline, current []float64) *Explanation {
	var changes []BinChange
	for _, bin := range histogram.Deciles(histogram.Pair{Baseline: baseline, Current: current}, nil) {
		p := float64(bin.Baseline) / float64(len(baseline))
		q := float64(bin.Current) / float64(len(current))
		if p != q {
			changes = append(changes, BinChange{
				Lower: finite(bin.Lower), Upper: finite(bin.Upper), UpperOpen: bin.Open,
				BaselineShare: p, CurrentShare: q, Change: q - p,
			})
		}
	}
	// Bins come in ascending order, which the stable sort keeps among equals.
	slices.SortStableFunc(changes, func(a, b BinChange) int { return byChange(a.Change, b.Change) })
	return &Explanation{Bins: changes[:min(len(changes), maxBins)]}
}

func explainCategories(baseline, current map[string]int64) *Explanation {
	table, err := contingency.NewTable(baseline, current)
	if err != nil {
		return nil
	}
	unseen, vanished := table.Unseen(), table.Vanished()
	return &Explanation{
		Categories:    categoryChanges(table, table.Categories),
		Unseen:        categoryChanges(table, unseen),
		Vanished:      categoryChanges(table, vanished),
		UnseenTotal:   len(unseen),
		VanishedTotal: len(vanished),
	}
}

func categoryChanges(table contingency.Table, categories []contingency.Category) []CategoryChange {
	var changes []CategoryChange
	for _, c := range categories {
		p := float64(c.Baseline) / float64(table.BaselineN)
		q := float64(c.Current) / float64(table.CurrentN)
		if p != q {
			changes = append(changes, CategoryChange{Category: c.Name, BaselineShare: p, CurrentShare: q, Change: q - p})
		}
	}
	// Categories come by name, which the stable sort keeps among equals.
	slices.SortStableFunc(changes, func(a, b CategoryChange) int { return byChange(a.Change, b.Change) })
	return changes[:min(len(changes), maxCategories)]
}

// byChange puts the largest change first, whichever its sign.
func byChange(a, b float64) int {
	return cmp.Compare(math.Abs(b), math.Abs(a))
}
