package detect

// basicSpecs are the tests that run unless others are asked for, and the stability index.
func basicSpecs() []Spec {
	return []Spec{
		{
			Test: TestKS, Title: "Kolmogorov–Smirnov, two-sample", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Numeric},
			Null:        "Both samples come from one continuous distribution.",
			Assumptions: []string{"rows are independent", "with ties the p-value is conservative"},
			PValue:      "exact up to 10,000 values a side, beyond from the distribution of the one-sample statistic, as SciPy does",
			Conventions: []Convention{{Name: "ks/two-sample", Description: "Two-sided, right-continuous distribution functions."}},
			EffectName:  "distance", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1,
			Source:  "J. L. Hodges (1958); T. Viehmann, arXiv:2102.08037; scipy.stats.ks_2samp",
			measure: measureKS,
		},
		{
			Test: TestPSI, Title: "Population stability index", Scope: ScopeFeature, Kind: KindDistance, Types: []FeatureType{Numeric, Categorical, Boolean},
			Null:        "Both samples come from one distribution.",
			Assumptions: []string{"rows are independent", "asymptotic from 100 rows a side, conservative below"},
			PValue:      "asymptotic: the index over 1/n + 1/m is chi-square with one degree of freedom less than bins; psi/evidently: permutation",
			Conventions: append([]Convention{
				{Name: "psi/decile-ref", Types: []FeatureType{Numeric}, Description: "Bins at the deciles of the baseline, heavy values apart, half a row in every bin."},
				{Name: "psi/category", Types: []FeatureType{Categorical, Boolean}, Description: "A bin for each category, the rare ones pooled, half a row in every bin."},
			}, psiConventions()...),
			EffectName: "psi", EffectRange: "0 upwards", MinEffect: 0.1,
			Source:  "B. Yurdakul, Statistical Properties of Population Stability Index (2018)",
			measure: measurePSI,
		},
		{
			Test: TestChiSquare, Title: "Chi-square test of homogeneity", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Categorical, Boolean},
			Null:        "The categories have the same probabilities on both sides.",
			Assumptions: []string{"rows are independent", "categories that expect fewer than 2 rows of the smaller side are pooled"},
			PValue: "asymptotic; Yates' correction with one degree of freedom only; with more, and rare categories pooled, small ones never below those by the statistic's " +
				"own mean, variance and skewness, where a side expects fewer than 50 rows of a category; beside a much larger side those of at most 0.001 still come about a third too often",
			Conventions: chiSquareConventions(),
			EffectName:  "cramers_v", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1,
			Source:  "K. Pearson (1900); scipy.stats.chi2_contingency",
			measure: measureChiSquare,
		},
		{
			Test: TestMissingRate, Title: "Missing rate", Scope: ScopeFeature, Kind: KindQuality, Types: AllTypes(), CountsRows: true,
			Null:        "A row has no value with the same probability on both sides.",
			Assumptions: []string{"rows are independent"},
			PValue:      ratesPValue,
			Conventions: []Convention{{Name: "missing-rate/two-proportion", Description: "Two-sided."}},
			EffectName:  "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.05,
			Source:  "R. A. Fisher (1935)",
			measure: measureMissingRate,
		},
	}
}
