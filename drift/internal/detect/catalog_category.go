package detect

// chiSquareConventions are the ways to make the chi-square test.
func chiSquareConventions() []Convention {
	return []Convention{
		{Name: "chi-square/homogeneity", Description: "Pearson's statistic of the 2×k table, rare categories pooled; the effect weighs both sides equally."},
		{
			Name: "chi-square/contingency", EffectName: "cramers_v_of_table",
			Description: "As scipy.stats.chi2_contingency, NannyML and alibi-detect: nothing pooled; the effect is √(χ²/N), which shrinks when the sides' sizes differ.",
		},
		{
			Name: "chi-square/bias-corrected", EffectName: "bias_corrected_cramers_v",
			Description: "As chi-square/homogeneity, with the effect of W. Bergsma (2013), which is 0 on average when nothing changed, however many categories there are.",
		},
		{
			Name: "chi-square/evidently",
			Description: "As Evidently: goodness of fit to the baseline's shares as if they were exact. Raises false alarms: 36 % at a level of 5 % with equal sides. " +
				"A new category makes the p-value 0.",
		},
	}
}

// categorySpecs are the tests of categories beside the chi-square test and the distances.
func categorySpecs() []Spec {
	return []Spec{
		{
			Test: TestG, Title: "G test of homogeneity", Scope: ScopeFeature, Kind: KindTest, Types: categoriesOnly(),
			Null:        "The categories have the same probabilities on both sides.",
			Assumptions: []string{"rows are independent", "categories that expect fewer than 2 rows of the smaller side are pooled"},
			PValue:      "asymptotic, with Yates' correction for one degree of freedom only; permutation when there are more and a cell expects fewer than 50 rows of a side",
			Conventions: []Convention{
				{Name: "g/homogeneity", Description: "The likelihood ratio 2ΣO·ln(O/E) of the 2×k table, rare categories pooled; the effect weighs both sides equally."},
				{
					Name: "g/contingency", EffectName: "cramers_v_of_table",
					Description: "As scipy.stats.chi2_contingency: nothing pooled, always asymptotic, which raises false alarms when cells expect few rows; the effect is √(χ²/N).",
				},
			},
			EffectName: "cramers_v", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1, // as for the chi-square test
			Source:  `S. S. Wilks (1938); scipy.stats.chi2_contingency(lambda_="log-likelihood")`,
			measure: measureG,
		},
		{
			Test: TestFisherExact, Title: "Fisher's exact test", Scope: ScopeFeature, Kind: KindTest, Types: categoriesOnly(),
			Null:        "The second category has the same probability on both sides.",
			Assumptions: []string{"rows are independent", "at most two categories", "conservative, as every exact test of counts"},
			PValue:      "exact; from a standard deviation of 20,000 rows in a cell on asymptotic",
			Conventions: []Convention{{Name: "fisher/two-sided", Description: "The tables with the same margins that are not more likely; the statistic is the odds ratio with half a row in every cell."}},
			EffectName:  "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.05, // as for the missing rate
			Source:  "R. A. Fisher (1935); scipy.stats.fisher_exact",
			measure: measureFisher,
		},
		{
			Test: TestTwoProportionZ, Title: "Two-proportion z test", Scope: ScopeFeature, Kind: KindTest, Types: categoriesOnly(),
			Null:        "The second category has the same probability on both sides.",
			Assumptions: []string{"rows are independent", "at most two categories"},
			PValue:      "asymptotic; exact (Fisher) when a cell of the table expects fewer than 5 rows",
			Conventions: []Convention{
				{Name: "two-proportion/pooled", Description: "Two-sided, with the variance of the pooled rate; Fisher's p-value for tables that are small, or skewed by few rows beside many."},
				{Name: "two-proportion/evidently", Description: "As Evidently: the normal p-value for small tables too, where it raises false alarms."},
			},
			EffectName: "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.05, // as for the missing rate
			Source:  "K. Pearson (1900)",
			measure: measureTwoProportions,
		},
	}
}
