package detect

import (
	"errors"
	"fmt"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/distance"
	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
)

// distanceWay is what a convention of a distance fixes.
type distanceWay struct {
	measure distance.Measure
	cut     func(c *comparison) (cutting, error)
}

// cutting is a feature's rows in bins.
type cutting struct {
	bins distance.Bins

	// rule made the bins from the baseline; nil when they do not depend on which rows are the baseline's.
	rule *distance.Rule

	// lawful bins are fit for the large-sample law of a distance as soon as each side expects lawfulRows rows in each. Bins of equal width are
	// not: however many rows there are, the outer ones hold few.
	lawful bool
}

// lawfulRows keeps the false alarms of the chi-square laws within half a percent of 5 %; with 10 rows in a bin Hellinger's would raise 8 %.
const lawfulRows = 50

//nolint:gochecknoglobals // a constant table
var distanceWays = map[string]distanceWay{
	"psi/evidently":     {distance.FilledPSI(), sturgesOrValues(false)},
	"psi/evidently-int": {distance.FilledPSI(), sturgesOrValues(true)},

	"js/decile-ref":       {distance.JensenShannon(2), decileCut},
	"js/category":         {distance.JensenShannon(2), pooledCut},
	"js/base2-doane":      {distance.JensenShannon(2), doaneCut},
	"js/base2-category":   {distance.JensenShannon(2), categoryCut},
	"js/nats-sturges":     {distance.JensenShannon(math.E), sturgesOrValues(false)},
	"js/nats-sturges-int": {distance.JensenShannon(math.E), sturgesOrValues(true)},
	"js/nats-category":    {distance.JensenShannon(math.E), categoryCut},

	"hellinger/decile-ref":     {distance.Hellinger(), decileCut},
	"hellinger/category":       {distance.Hellinger(), pooledCut},
	"hellinger/doane":          {distance.Hellinger(), doaneCut},
	"hellinger/sturges":        {distance.Hellinger(), sturgesOfDistinct(false)},
	"hellinger/sturges-int":    {distance.Hellinger(), sturgesOfDistinct(true)},
	"hellinger/every-category": {distance.Hellinger(), categoryCut},

	"kl/decile-ref":    {distance.KullbackLeibler(), decileCut},
	"kl/category":      {distance.KullbackLeibler(), pooledCut},
	"kl/evidently":     {distance.FilledKullbackLeibler(), sturgesOrValues(false)},
	"kl/evidently-int": {distance.FilledKullbackLeibler(), sturgesOrValues(true)},

	"l-infinity/decile-ref":     {distance.LInfinity(), decileCut},
	"l-infinity/category":       {distance.LInfinity(), pooledCut},
	"l-infinity/every-category": {distance.LInfinity(), categoryCut},

	"total-variation/decile-ref":     {distance.TotalVariation(), decileCut},
	"total-variation/category":       {distance.TotalVariation(), pooledCut},
	"total-variation/every-category": {distance.TotalVariation(), categoryCut},
}

// errTooRare and errTooMany are findings rather than failures.
var (
	errTooRare = errors.New(tooRare)
	errTooMany = fmt.Errorf("more than %d categories or values, which this convention does not pool", maxCategoryBins)
)

// measureDistance makes the test of any distance by its convention.
func measureDistance(c *comparison, t TestSetting) Finding {
	way, ok := distanceWays[t.Convention]
	if !ok {
		return Failed(fmt.Errorf("no convention %q", t.Convention))
	}
	cut, err := way.cut(c)
	switch {
	case errors.Is(err, errTooRare):
		return Undecided(err.Error())
	case errors.Is(err, errTooMany):
		return NotApplicable(err.Error())
	case err != nil:
		return Failed(fmt.Errorf("compare bins: %w", err))
	}
	outcome, method, err := way.test(c, t, cut)
	if err != nil {
		return Failed(fmt.Errorf("compare bins: %w", err))
	}
	f := Finding{
		Statistic: outcome.Distance, P: outcome.P, Method: method, Effect: outcome.Distance, Threshold: finite(outcome.Threshold),
		Direction: changed(outcome.Distance),
	}
	if method == PAsymptotic {
		f.DF = &outcome.DF
	}
	return f
}

// test takes the p-value from the large-sample law where it holds, and else from permutations.
func (w distanceWay) test(c *comparison, t TestSetting, cut cutting) (distance.Outcome, PMethod, error) {
	full := cut.lawful && cut.bins.LeastExpected() >= lawfulRows
	if full {
		if outcome, ok := w.measure.Asymptotic(cut.bins, c.settings.FDR); ok {
			return outcome, PAsymptotic, nil
		}
	}
	if cut.rule == nil || full { // with full bins it no longer matters that the baseline made them
		return w.measure.Permute(cut.bins, c.draws(t)), PPermutation, nil
	}
	outcome, err := w.measure.PermuteRule(c.pair(), cut.rule, c.draws(t))
	return outcome, PPermutation, err
}

func (c *comparison) pair() histogram.Pair {
	return histogram.Pair{Baseline: c.Baseline.Sorted, Current: c.Current.Sorted}
}
