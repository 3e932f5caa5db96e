package detect

import (
	"fmt"

	"github.com/aumos-enterprise/platform/drift/internal/detect/contingency"
	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
	"github.com/aumos-enterprise/platform/drift/internal/detect/ks"
)

func measureKS(c *comparison, _ TestSetting) Finding {
	f, err := c.compareSorted(c.Baseline.Sorted, c.Current.Sorted)
	if err != nil {
		return Failed(fmt.Errorf("compare distributions: %w", err))
	}
	return f
}

// compareSorted is the finding on the distributions of two sorted samples, a value for each usable row.
func (c *comparison) compareSorted(baseline, current []float64) (Finding, error) {
	d, err := ks.Test(baseline, current)
	if err != nil {
		return Finding{}, err
	}
	f := Finding{
		Statistic: d.D, P: d.P, Method: PAsymptotic, Effect: d.D, Direction: moved(d.Above, d.Below), Location: finite(d.Location),
		Threshold: finite(ks.Critical(c.Baseline.usable(), c.Current.usable(), c.settings.FDR)),
	}
	if d.Exact {
		f.Method = PExact
	}
	return f, nil
}

func measurePSI(c *comparison, t TestSetting) Finding {
	if _, ok := distanceWays[t.Convention]; ok {
		return measureDistance(c, t)
	}
	if c.Type == Numeric {
		return c.stability(contingency.BinPSI(histogram.Deciles(c.pair(), nil)))
	}
	table, err := c.table()
	if err != nil {
		return Failed(err)
	}
	psi, err := contingency.CategoryPSI(table)
	if err != nil {
		return Failed(fmt.Errorf("compare categories: %w", err))
	}
	if psi.DF == 0 && len(table.Categories) > 1 {
		return Undecided(tooRare)
	}
	return c.stability(psi)
}

func (c *comparison) stability(psi contingency.Stability) Finding {
	return Finding{
		Statistic: psi.PSI, P: psi.P, Method: PAsymptotic, DF: &psi.DF, Effect: psi.PSI, Direction: changed(psi.PSI),
		Threshold: finite(contingency.CriticalPSI(c.Baseline.usable(), c.Current.usable(), psi.DF, c.settings.FDR)),
	}
}

func measureMissingRate(c *comparison, _ TestSetting) Finding {
	return compareRates(rate{c.Baseline.Missing, c.Baseline.Rows}, rate{c.Current.Missing, c.Current.Rows}, c.settings)
}
