package detect

import (
	"fmt"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/univariate"
)

// measure runs one test. Its result has a p-value and waits for its verdict,
// or it has the status ERROR or INSUFFICIENT_DATA and no p-value.
func measure(f FeatureInput, t TestSetting, s Settings) Result {
	r := Result{Test: t.Test, MinEffect: t.MinEffect, Direction: DirectionNone}
	if err := t.Validate(f.Type); err != nil {
		r.MinEffect = DefaultMinEffect(t.Test)
		return r.fail(err)
	}
	r.BaselineN, r.CurrentN = f.Baseline.usable(), f.Current.usable()
	if t.Test == TestMissingRate {
		r.BaselineN, r.CurrentN = f.Baseline.Rows, f.Current.Rows
	}
	r.name(f.Type)
	switch {
	case r.BaselineN < s.MinRows:
		return r.undecided(fmt.Sprintf("baseline has %d usable rows, %d are needed", r.BaselineN, s.MinRows))
	case r.CurrentN < s.MinRows:
		return r.undecided(fmt.Sprintf("current has %d usable rows, %d are needed", r.CurrentN, s.MinRows))
	}
	switch t.Test {
	case TestKS:
		return r.kolmogorovSmirnov(f, s.FDR)
	case TestPSI:
		if f.Type == Numeric {
			return r.numericPSI(f, s.FDR)
		}
		return r.categoryPSI(f, s.FDR)
	case TestChiSquare:
		return r.chiSquare(f, s.FDR)
	case TestMissingRate:
		return r.missingRate(f, s.FDR)
	default:
		return r.fail(fmt.Errorf("unknown test %q", t.Test))
	}
}

// name sets what the numbers of the test are called. A convention is never
// redefined: a changed definition gets a new name.
func (r *Result) name(feature FeatureType) {
	switch r.Test {
	case TestKS:
		r.Convention, r.EffectName = "ks/two-sample", "distance"
	case TestPSI:
		r.Convention, r.EffectName = "psi/decile-ref", "psi"
		if feature != Numeric {
			r.Convention = "psi/category"
		}
	case TestChiSquare:
		r.Convention, r.EffectName = "chi-square/homogeneity", "cramers_v"
	case TestMissingRate:
		r.Convention, r.EffectName = "missing-rate/two-proportion", "rate_difference"
	}
}

func (r Result) fail(err error) Result {
	r.Status, r.Reason = StatusError, err.Error()
	return r
}

func (r Result) undecided(reason string) Result {
	r.Status, r.Reason = StatusInsufficientData, reason
	return r
}

// found sets the numbers of a test that was made.
func (r Result) found(statistic, p float64, exact bool, effect, threshold float64) Result {
	r.Statistic, r.PValue, r.Effect, r.Threshold = finite(statistic), finite(p), finite(effect), finite(threshold)
	r.PMethod = PAsymptotic
	if exact {
		r.PMethod = PExact
	}
	if r.Statistic == nil || r.PValue == nil || r.Effect == nil {
		return r.fail(fmt.Errorf("test %s has no finite result", r.Test))
	}
	return r
}

func (r Result) kolmogorovSmirnov(f FeatureInput, fdr float64) Result {
	ks, err := univariate.KolmogorovSmirnov(f.Baseline.Sorted, f.Current.Sorted)
	if err != nil {
		return r.fail(fmt.Errorf("compare distributions: %w", err))
	}
	r = r.found(ks.D, ks.P, ks.Exact, ks.D, univariate.CriticalKS(r.BaselineN, r.CurrentN, fdr))
	r.Location = finite(ks.Location)
	r.Direction = ksDirection(ks)
	return r
}

// ksDirection calls a shift what moves the distribution function mainly to one
// side. A change of spread or shape moves it both ways.
func ksDirection(ks univariate.KS) Direction {
	switch {
	case ks.D == 0:
		return DirectionNone
	case 2*min(ks.Above, ks.Below) > ks.D:
		return DirectionChanged
	case ks.Above > ks.Below:
		return DirectionIncrease
	default:
		return DirectionDecrease
	}
}

func (r Result) numericPSI(f FeatureInput, fdr float64) Result {
	psi, err := univariate.PSI(f.Baseline.Sorted, f.Current.Sorted)
	if err != nil {
		return r.fail(fmt.Errorf("compare bins: %w", err))
	}
	return r.stability(psi, fdr)
}

func (r Result) categoryPSI(f FeatureInput, fdr float64) Result {
	table, err := univariate.NewTable(f.Baseline.Counts, f.Current.Counts)
	if err != nil {
		return r.fail(err)
	}
	psi, err := univariate.CategoryPSI(table)
	if err != nil {
		return r.fail(fmt.Errorf("compare categories: %w", err))
	}
	if psi.DF == 0 && len(table.Categories) > 1 {
		return r.undecided(tooRare)
	}
	return r.stability(psi, fdr)
}

func (r Result) stability(psi univariate.Stability, fdr float64) Result {
	r = r.found(psi.PSI, psi.P, false, psi.PSI, univariate.CriticalPSI(r.BaselineN, r.CurrentN, psi.DF, fdr))
	r.DF = &psi.DF
	if psi.PSI > 0 {
		r.Direction = DirectionChanged
	}
	return r
}

const tooRare = "no category is frequent enough on both sides to be tested"

func (r Result) chiSquare(f FeatureInput, fdr float64) Result {
	table, err := univariate.NewTable(f.Baseline.Counts, f.Current.Counts)
	if err != nil {
		return r.fail(err)
	}
	chi, err := univariate.ChiSquare(table)
	if err != nil {
		return r.fail(fmt.Errorf("compare categories: %w", err))
	}
	if chi.DF == 0 && len(table.Categories) > 1 {
		return r.undecided(tooRare)
	}
	r = r.found(chi.Statistic, chi.P, false, chi.CramersV, univariate.CriticalChiSquare(chi.DF, fdr))
	r.DF = &chi.DF
	switch {
	case chi.CramersV == 0:
	case f.Type == Boolean:
		r.Direction = sign(share(f.Current, "true") - share(f.Baseline, "true"))
	default:
		r.Direction = DirectionChanged
	}
	return r
}

func share(s Sample, category string) float64 {
	return float64(s.Counts[category]) / float64(s.usable())
}

func (r Result) missingRate(f FeatureInput, fdr float64) Result {
	change, err := univariate.MissingRate(f.Baseline.Missing, f.Baseline.Rows, f.Current.Missing, f.Current.Rows)
	if err != nil {
		return r.fail(fmt.Errorf("compare missing rates: %w", err))
	}
	threshold := math.NaN()
	if !change.Exact {
		threshold = univariate.CriticalZ(fdr)
	}
	r = r.found(change.Z, change.P, change.Exact, math.Abs(change.Difference), threshold)
	r.Direction = sign(change.Difference)
	return r
}

func sign(difference float64) Direction {
	switch {
	case difference > 0:
		return DirectionIncrease
	case difference < 0:
		return DirectionDecrease
	default:
		return DirectionNone
	}
}
