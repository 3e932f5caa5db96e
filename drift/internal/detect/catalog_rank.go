package detect

import (
	"errors"
	"fmt"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/rank"
)

const (
	oneDistribution = "Both samples come from one distribution."
	independentRows = "rows are independent"
	permuted        = "permutation of the pooled order, neighbours pooled beyond 2,048 different values; beyond the reach of draws Bousquet's inequality"
)

// The smallest effects of the rank tests are those of a normal feature that moves by a quarter of a standard deviation: a KS distance of 0.1.
func rankSpecs() []Spec {
	numeric := []FeatureType{Numeric}
	return []Spec{
		{
			Test: TestCVM, Title: "Cramér–von Mises, two-sample", Scope: ScopeFeature, Kind: KindTest, Types: numeric,
			Null: oneDistribution, Assumptions: []string{independentRows},
			PValue: "exact up to 20 values a side, else asymptotic; with many ties by " + permuted,
			Conventions: []Convention{{
				Name:        "cramer-von-mises/two-sample",
				Description: "Right-continuous distribution functions over the pooled values; SciPy's statistic where no values are equal.",
			}},
			EffectName: "rms_distance", EffectRange: "0 to 1", MinEffect: 0.075,
			Source:  "T. W. Anderson (1962); scipy.stats.cramervonmises_2samp",
			measure: measureCVM,
		},
		{
			Test: TestAndersonDarling, Title: "Anderson–Darling, two-sample", Scope: ScopeFeature, Kind: KindTest, Types: numeric,
			Null: oneDistribution, Assumptions: []string{independentRows},
			PValue: "asymptotic, from the limiting distribution itself and not from a table; with many ties by " + permuted,
			Conventions: []Convention{
				{Name: "anderson-darling/midrank", Description: "Distribution functions midway through equal values, standardized; scipy.stats.anderson_ksamp, midrank."},
				{Name: "anderson-darling/right", Description: "Right-continuous distribution functions, standardized; scipy.stats.anderson_ksamp, right."},
			},
			EffectName: "weighted_rms_distance", EffectRange: "0 to about 1.3", MinEffect: 0.17,
			Source:  "F. W. Scholz and M. A. Stephens (1987); scipy.stats.anderson_ksamp",
			measure: measureAnderson,
		},
		{
			Test: TestMannWhitney, Title: "Mann–Whitney U", Scope: ScopeFeature, Kind: KindTest, Types: numeric,
			Null:        "Both samples come from one distribution; power only against one side tending to larger values.",
			Assumptions: []string{independentRows},
			PValue:      "exact up to 40 values a side without ties, else normal with corrections for ties and continuity; where ties skew the ranks of few rows by " + permuted,
			Conventions: []Convention{{Name: "mann-whitney/two-sided", Description: "U of the baseline: the pairs of which the baseline value is the larger, half of those equal."}},
			// J. Romano and others (2006) call a delta below 0.147 negligible.
			EffectName: "cliffs_delta", EffectRange: "0 to 1", MinEffect: 0.147,
			Source:  "H. B. Mann and D. R. Whitney (1947); scipy.stats.mannwhitneyu",
			measure: measureMannWhitney,
		},
		{
			Test: TestWelchT, Title: "Welch's t test of the means", Scope: ScopeFeature, Kind: KindTest, Types: numeric,
			Null: "Both samples have the same mean.", Assumptions: []string{independentRows, "for few rows beside many and skewed values: the variances are equal too"},
			PValue:      "Student's t with Welch and Satterthwaite's degrees of freedom; where skewed values make it wrong by " + permuted,
			Conventions: []Convention{{Name: "welch-t/two-sided", Description: "Current minus baseline; the effect is in the root of the mean variance."}},
			// J. Cohen (1988) calls 0.2 small.
			EffectName: "cohens_d", EffectRange: "0 upwards", MinEffect: 0.2,
			Source:  "B. L. Welch (1947); scipy.stats.ttest_ind(equal_var=False)",
			measure: measureWelch,
		},
		{
			Test: TestLevene, Title: "Levene's test of the spreads", Scope: ScopeFeature, Kind: KindTest, Types: numeric,
			Null: "Values are as far from their median on both sides.", Assumptions: []string{independentRows},
			PValue:      "F with 1 and N−2 degrees of freedom; where skewed distances make it wrong by " + permuted,
			Conventions: []Convention{{Name: "levene/median", Description: "Distances from the median, as Brown and Forsythe; the effect is one minus the ratio of the mean distances."}},
			// A fifth less or a quarter more of spread; the variance changes by 1.56.
			EffectName: "spread_change", EffectRange: "0 to 1", MinEffect: 0.2,
			Source:  "M. B. Brown and A. B. Forsythe (1974); scipy.stats.levene(center=\"median\")",
			measure: measureLevene,
		},
		{
			Test: TestWasserstein, Title: "Wasserstein-1 (earth mover's) distance", Scope: ScopeFeature, Kind: KindDistance, Types: numeric,
			Null: oneDistribution, Assumptions: []string{independentRows}, PValue: permuted,
			Conventions: []Convention{
				{Name: "wasserstein/std", Description: "In standard deviations of the baseline, divisor n−1; of the pooled values when the baseline is constant."},
				{Name: "wasserstein/raw", Description: "In the feature's unit, as scipy.stats.wasserstein_distance; the effect is that of wasserstein/std.", EffectName: "distance_in_std"},
				// A normal feature's range is 1.35 standard deviations.
				{Name: "wasserstein/iqr", Description: "In interquartile ranges of the baseline, by linear interpolation.", MinEffect: 0.075},
				{Name: "wasserstein/evidently", Description: "Over the standard deviation of the baseline, divisor n, but at least 0.001: Evidently's normed distance."},
			},
			EffectName: "distance", EffectRange: "0 upwards", MinEffect: 0.1,
			Source:  "scipy.stats.wasserstein_distance; evidently 0.7 wasserstein_distance_norm",
			measure: measureWasserstein,
		},
		{
			Test: TestEnergyDistance, Title: "Energy distance", Scope: ScopeFeature, Kind: KindDistance, Types: numeric,
			Null: oneDistribution, Assumptions: []string{independentRows}, PValue: permuted,
			Conventions: []Convention{{
				Name:        "energy-distance/root",
				Description: "The root of twice the integral of (F−G)², as scipy.stats.energy_distance; the effect is the root of its share of twice the mean distance between the sides.",
			}},
			EffectName: "inhomogeneity", EffectRange: "0 to 1", MinEffect: 0.125,
			Source:  "G. J. Székely and M. L. Rizzo (2013); scipy.stats.energy_distance",
			measure: measureEnergyDistance,
		},
	}
}

// merged is the one pass over both samples that all tests of ranks share.
type merged struct {
	pooled *rank.Pooled
	cut    *rank.Cut // for draws
	err    error
}

func (c *comparison) ranks() (*rank.Pooled, error) {
	if c.merged.pooled == nil && c.merged.err == nil {
		pooled, err := rank.Measure(c.Baseline.Sorted, c.Current.Sorted)
		if err != nil {
			c.merged.err = fmt.Errorf("merge samples: %w", err)
			return nil, c.merged.err
		}
		c.merged.pooled = &pooled
	}
	return c.merged.pooled, c.merged.err
}

// permute draws a statistic from its permutation distribution.
func (c *comparison) permute(pooled *rank.Pooled, statistic rank.Statistic, t TestSetting) rank.Permutation {
	if c.merged.cut == nil {
		cut := pooled.Cut()
		c.merged.cut = &cut
	}
	return c.draw(*c.merged.cut, statistic, t)
}

func (c *comparison) draw(cut rank.Cut, statistic rank.Statistic, t TestSetting) rank.Permutation {
	return cut.Permute(statistic, c.settings.Permutations, c.settings.FDR, permutation.Rand(c.settings.Seed, c.Name, string(t.Test), t.Convention))
}

// trend is the direction of a change of the distribution function: what moves it mainly to one side is a shift.
func trend(pooled *rank.Pooled) Direction {
	switch {
	case pooled.Above == 0 && pooled.Below == 0:
		return DirectionNone
	case 2*min(pooled.Above, pooled.Below) > max(pooled.Above, pooled.Below):
		return DirectionChanged
	default:
		return sign(pooled.Above - pooled.Below)
	}
}

func measureCVM(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	f := Finding{Statistic: pooled.CramerVonMises(), Method: PAsymptotic, Effect: pooled.CramerEffect(), Direction: trend(pooled)}
	if pooled.Tied() {
		drawn := c.permute(pooled, rank.Cramer, t)
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(f.Statistic*drawn.Threshold)
		return f
	}
	value, exact := pooled.CramerP()
	if f.P = value; exact {
		f.Method = PExact
	}
	f.Threshold = finite(pooled.CriticalCramer(c.settings.FDR))
	return f
}

func measureAnderson(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	statistic, kind := pooled.Anderson(), rank.Anderson
	if t.Convention == "anderson-darling/right" {
		statistic, kind = pooled.AndersonRight(), rank.AndersonRight
	}
	f := Finding{Statistic: statistic, Method: PAsymptotic, Effect: pooled.AndersonEffect(), Direction: trend(pooled)}
	if pooled.Tied() {
		drawn := c.permute(pooled, kind, t)
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(pooled.ScaleAnderson(statistic, drawn.Threshold))
		return f
	}
	f.P, f.Threshold = rank.AndersonP(statistic), finite(rank.CriticalAnderson(c.settings.FDR))
	return f
}

func measureMannWhitney(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	w := pooled.MannWhitney()
	f := Finding{Statistic: w.U, P: w.P, Method: PAsymptotic, Effect: math.Abs(w.Delta), Direction: sign(w.Delta)}
	if pooled.SkewedRanks() {
		drawn := c.permute(pooled, rank.Ranks, t)
		middle := pooled.N * pooled.M / 2
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(middle+(w.U-middle)*math.Sqrt(drawn.Threshold))
		return f
	}
	f.Threshold = finite(pooled.CriticalMannWhitney(c.settings.FDR))
	if w.Exact {
		f.Method = PExact
	}
	if f.Threshold != nil && w.Delta > 0 { // on the side of the statistic
		*f.Threshold = pooled.N*pooled.M - *f.Threshold
	}
	return f
}

func measureWelch(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	l, err := pooled.WelchT()
	if err != nil {
		return withoutSpread(err)
	}
	f := Finding{Statistic: l.T, P: l.P, Method: PAsymptotic, Effect: math.Abs(l.CohenD), Direction: sign(l.CohenD)}
	if pooled.Skewed() {
		drawn := c.permute(pooled, rank.Means, t)
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(l.T*math.Sqrt(drawn.Threshold))
		return f
	}
	f.Threshold = finite(math.Copysign(rank.CriticalT(l.DF, c.settings.FDR), l.T))
	return f
}

func measureLevene(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	s, err := pooled.Levene()
	if err != nil {
		return withoutSpread(err)
	}
	f := Finding{Statistic: s.W, P: s.P, Method: PAsymptotic, Effect: math.Abs(s.Change), Direction: sign(s.Change)}
	if pooled.SkewedSpread() {
		distances, err := pooled.Distances()
		if err != nil {
			return Failed(fmt.Errorf("merge distances from the medians: %w", err))
		}
		drawn := c.draw(distances.Cut(), rank.Means, t)
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(s.W*drawn.Threshold)
		return f
	}
	critical := rank.CriticalT(s.DF, c.settings.FDR)
	f.Threshold = finite(critical * critical)
	return f
}

// withoutSpread says why there is no test of means or spreads.
func withoutSpread(err error) Finding {
	switch {
	case errors.Is(err, rank.ErrTooFew):
		return Undecided(err.Error())
	case errors.Is(err, rank.ErrNoSpread):
		return NotApplicable(err.Error() + "; KS and WASSERSTEIN see such a change")
	}
	return Failed(err)
}

func measureWasserstein(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	f := Finding{Method: PPermutation, Direction: shift(pooled)}
	switch t.Convention {
	case "wasserstein/raw":
		f.Statistic, f.Effect = pooled.Wasserstein(), pooled.WassersteinStd()
	case "wasserstein/iqr":
		f.Statistic = pooled.WassersteinIQR()
		f.Effect = f.Statistic
	case "wasserstein/evidently":
		f.Statistic = pooled.WassersteinEvidently()
		f.Effect = f.Statistic
	default:
		f.Statistic = pooled.WassersteinStd()
		f.Effect = f.Statistic
	}
	if math.IsInf(f.Statistic, 0) {
		return NotApplicable("half of the baseline is one value, or the distance overflows: " + t.Convention + " has no unit; wasserstein/std has")
	}
	drawn := c.permute(pooled, rank.Wasserstein, t)
	f.P, f.Threshold = drawn.P, finite(f.Statistic*drawn.Threshold)
	return f
}

// shift is the direction of a distance: one that is mostly a difference of the means.
func shift(pooled *rank.Pooled) Direction {
	share := pooled.Shift()
	switch {
	case pooled.Above == 0 && pooled.Below == 0:
		return DirectionNone
	case math.Abs(share) < 0.5:
		return DirectionChanged
	default:
		return sign(share)
	}
}

func measureEnergyDistance(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	drawn := c.permute(pooled, rank.Energy, t)
	f := Finding{Statistic: pooled.Energy(), P: drawn.P, Method: PPermutation, Effect: pooled.EnergyEffect(), Direction: shift(pooled)}
	f.Threshold = finite(f.Statistic * math.Sqrt(drawn.Threshold))
	return f
}
