package detect

import (
	"github.com/aumos-enterprise/platform/drift/internal/detect/distance"
	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
)

// Limits on the number of bins.
const (
	maxPooledCells  = 100_000 // of a convention that pools rare categories; the least frequent above it are pooled too
	maxCategoryBins = 100_000 // of one that does not; above it has no answer
	evidentlyValues = 20      // distinct values of the baseline up to which Evidently takes numbers for categories
)

// decileCut cuts at the deciles of the baseline. No point, however far, moves them by more than to the next value.
func decileCut(c *comparison) (cutting, error) {
	rule := distance.Deciles()
	bins, err := rule.Bins(c.pair())
	return cutting{bins: bins, rule: rule, lawful: true}, err
}

// doaneCut cuts the range of the baseline as NannyML does.
func doaneCut(c *comparison) (cutting, error) {
	rule, err := distance.Doane(c.Baseline.Sorted)
	if err != nil {
		return cutting{}, err
	}
	bins, err := rule.Bins(c.pair())
	return cutting{bins: bins, rule: rule}, err
}

// sturgesOrValues cuts as Evidently's get_binned_data does: the range of both sides by Sturges' rule, or when the baseline has up to 20
// distinct values, or the feature is no number, a bin for each value.
func sturgesOrValues(whole bool) func(c *comparison) (cutting, error) {
	return func(c *comparison) (cutting, error) {
		switch {
		case c.Type != Numeric:
			return categoryCut(c)
		case histogram.Distinct(c.Baseline.Sorted, evidentlyValues) <= evidentlyValues:
			return valueCut(c)
		default:
			return c.sturges(len(c.Baseline.Sorted)+len(c.Current.Sorted), whole)
		}
	}
}

// sturgesOfDistinct cuts as Evidently's Hellinger distance does, which counts each value once for Sturges' rule.
func sturgesOfDistinct(whole bool) func(c *comparison) (cutting, error) {
	return func(c *comparison) (cutting, error) {
		return c.sturges(histogram.DistinctPooled(c.Baseline.Sorted, c.Current.Sorted, histogram.SameSturges), whole)
	}
}

func (c *comparison) sturges(n int, whole bool) (cutting, error) {
	x, y := c.Baseline.Sorted, c.Current.Sorted
	if len(x) == 0 || len(y) == 0 {
		return cutting{}, distance.ErrEmpty
	}
	edges, err := histogram.Sturges(n, min(x[0], y[0]), max(x[len(x)-1], y[len(y)-1]), whole)
	if err != nil {
		return cutting{}, err
	}
	bins, err := distance.NewBins(histogram.Count(x, edges), histogram.Count(y, edges))
	return cutting{bins: bins}, err
}

func valueCut(c *comparison) (cutting, error) {
	if histogram.Distinct(c.Current.Sorted, maxCategoryBins) > maxCategoryBins-evidentlyValues {
		return cutting{}, errTooMany
	}
	bins, err := distance.NewBins(histogram.CountValues(c.Baseline.Sorted, c.Current.Sorted))
	return cutting{bins: bins}, err
}

// pooledCut has a bin for each category, the rare ones pooled as for the chi-square test, and no more than 100,000.
func pooledCut(c *comparison) (cutting, error) {
	table, err := c.table()
	if err != nil {
		return cutting{}, err
	}
	baseline, current, err := table.Pooled(maxPooledCells)
	if err != nil {
		return cutting{}, err
	}
	if len(baseline) == 1 && len(table.Categories) > 1 {
		return cutting{}, errTooRare
	}
	bins, err := distance.NewBins(baseline, current)
	return cutting{bins: bins, lawful: true}, err
}

// categoryCut has a bin for every category.
func categoryCut(c *comparison) (cutting, error) {
	table, err := c.table()
	if err != nil {
		return cutting{}, err
	}
	if len(table.Categories) > maxCategoryBins {
		return cutting{}, errTooMany
	}
	bins, err := distance.NewBins(table.Counts())
	return cutting{bins: bins}, err
}
