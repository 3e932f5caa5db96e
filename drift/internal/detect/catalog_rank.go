package detect

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
			EffectName: "rms_distance", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.075,
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
			EffectName: "weighted_rms_distance", EffectRange: "0 to about 1.3", MaxEffect: 1.3, MinEffect: 0.17,
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
			EffectName: "cliffs_delta", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.147,
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
			EffectName: "spread_change", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.2,
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
			EffectName: "inhomogeneity", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.125,
			Source:  "G. J. Székely and M. L. Rizzo (2013); scipy.stats.energy_distance",
			measure: measureEnergyDistance,
		},
	}
}
