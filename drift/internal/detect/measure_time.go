package detect

import (
	"errors"
	"fmt"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/detect/arrival"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

func measureGaps(c *comparison, t TestSetting) Finding {
	g, err := arrival.CompareGaps(c.Baseline.Times, c.Current.Times, c.draws(t))
	if err != nil {
		return timeless(err)
	}
	return Finding{
		Statistic: g.D, P: g.P, Method: PPermutation, Effect: g.D, Threshold: finite(g.Critical), Location: finite(g.Location),
		Direction: moved(g.Above, g.Below),
	}
}

// timeless is the finding on an error of package arrival.
func timeless(err error) Finding {
	switch {
	case errors.Is(err, arrival.ErrTooFew):
		return Undecided(err.Error())
	case errors.Is(err, arrival.ErrNoShared):
		return NotApplicable(err.Error())
	}
	return Failed(fmt.Errorf("compare arrivals: %w", err))
}

func measureDuplicateTimes(c *comparison, _ TestSetting) Finding {
	var baseline, current rate
	baseline.count, baseline.of = arrival.Duplicates(c.Baseline.Times)
	current.count, current.of = arrival.Duplicates(c.Current.Times)
	if baseline.of == 0 || current.of == 0 {
		return Undecided(arrival.ErrTooFew.Error())
	}
	return compareRates(baseline, current, c.settings)
}

func measureSeason(c *comparison, _ TestSetting) Finding {
	zone := c.Zone
	if zone == nil {
		zone = time.UTC
	}
	s, err := arrival.CompareSeasons(c.Baseline.Times, c.Current.Times, zone)
	if err != nil {
		return timeless(err)
	}
	if s.DF == 0 {
		return Undecided("too few rows came to tell hours apart")
	}
	return Finding{
		Statistic: s.Statistic, P: s.P, Method: PAsymptotic, DF: &s.DF, Effect: s.V, Direction: changed(s.V),
		Threshold: finite(tail.CriticalChiSquare(s.DF, c.settings.FDR)), Location: new(float64(s.Busier)),
	}
}
