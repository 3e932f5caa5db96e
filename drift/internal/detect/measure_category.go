package detect

import (
	"fmt"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/contingency"
	"github.com/aumos-enterprise/platform/drift/internal/detect/distance"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

const tooRare = "no category is frequent enough on both sides to be tested"

func measureChiSquare(c *comparison, t TestSetting) Finding {
	switch t.Convention {
	case "chi-square/contingency":
		return c.homogeneity(contingency.Unpooled)
	case "chi-square/bias-corrected":
		return c.homogeneity(contingency.BiasCorrected)
	case "chi-square/evidently":
		return c.homogeneity(contingency.GoodnessOfFit)
	default:
		return c.homogeneity(contingency.ChiSquare)
	}
}

func measureG(c *comparison, t TestSetting) Finding {
	if t.Convention == "g/contingency" {
		return c.homogeneity(contingency.UnpooledG)
	}
	f := c.homogeneity(contingency.G)
	if f.status != "" || *f.DF < 2 { // Yates' correction is conservative
		return f
	}
	cut, err := pooledCut(c)
	if err != nil {
		return Failed(fmt.Errorf("compare categories: %w", err))
	}
	if cut.bins.LeastExpected() >= lawfulRows {
		return f
	}
	o := distance.LikelihoodRatio().Permute(cut.bins, c.draws(t))
	f.Statistic, f.P, f.Method, f.Threshold, f.DF = o.Distance, o.P, PPermutation, finite(o.Threshold), nil
	return f
}

func (c *comparison) homogeneity(test func(contingency.Table) (contingency.Homogeneity, error)) Finding {
	table, err := c.table()
	if err != nil {
		return Failed(err)
	}
	chi, err := test(table)
	if err != nil {
		return Failed(fmt.Errorf("compare categories: %w", err))
	}
	if chi.DF == 0 && len(table.Categories) > 1 {
		return Undecided(tooRare)
	}
	f := Finding{
		Statistic: chi.Statistic, P: chi.P, Method: PAsymptotic, DF: &chi.DF, Effect: chi.CramersV, Direction: DirectionNone,
		Threshold: finite(tail.CriticalChiSquare(chi.DF, c.settings.FDR)),
	}
	switch {
	case chi.Statistic == 0 && chi.CramersV == 0:
	case c.Type == Boolean:
		f.Direction = sign(share(c.Current, "true") - share(c.Baseline, "true"))
	default:
		f.Direction = DirectionChanged
	}
	return f
}

func share(s Sample, category string) float64 {
	return float64(s.Counts[category]) / float64(s.usable())
}

// second returns the rows of each side in the second of at most two categories by name, which is "true" of a boolean; false when there are more
// categories.
func (c *comparison) second() (baseline, current int64, ok bool) {
	if c.Type == Boolean {
		return c.Baseline.Counts["true"], c.Current.Counts["true"], true
	}
	table, err := c.table()
	if err != nil || len(table.Categories) > 2 {
		return 0, 0, false
	}
	if len(table.Categories) < 2 {
		return 0, 0, true
	}
	return table.Categories[1].Baseline, table.Categories[1].Current, true
}

const moreThanTwo = "there are more than two categories"

func measureFisher(c *comparison, _ TestSetting) Finding {
	a, b, ok := c.second()
	if !ok {
		return NotApplicable(moreThanTwo)
	}
	n, m := c.Baseline.usable(), c.Current.usable()
	f := c.rates(a, b)
	// Half a row keeps the ratio finite when a cell is empty (J. B. S. Haldane, 1956).
	f.Statistic = (float64(b) + 0.5) / (float64(m-b) + 0.5) * ((float64(n-a) + 0.5) / (float64(a) + 0.5))
	p, exact := contingency.Fisher(a, n-a, b, m-b)
	f.P, f.Method = p, PExact
	if !exact {
		f.Method = PAsymptotic
	}
	return f
}

func measureTwoProportions(c *comparison, t TestSetting) Finding {
	a, b, ok := c.second()
	if !ok {
		return NotApplicable(moreThanTwo)
	}
	change, err := contingency.Proportions(a, c.Baseline.usable(), b, c.Current.usable())
	if err != nil {
		return Failed(fmt.Errorf("compare proportions: %w", err))
	}
	f := c.rates(a, b)
	f.Statistic, f.P, f.Method = change.Z, change.P, PExact
	if t.Convention == "two-proportion/evidently" {
		f.P = tail.Normal(change.Z)
	} else if change.Exact {
		return f
	}
	f.Method, f.Threshold = PAsymptotic, finite(tail.CriticalNormal(c.settings.FDR))
	return f
}

// rates starts a finding about a change of the share of one category of two.
func (c *comparison) rates(baseline, current int64) Finding {
	difference := float64(current)/float64(c.Current.usable()) - float64(baseline)/float64(c.Baseline.usable())
	f := Finding{Effect: math.Abs(difference), Direction: sign(difference)}
	if c.Type != Boolean && difference != 0 {
		f.Direction = DirectionChanged
	}
	return f
}
