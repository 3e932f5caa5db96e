package detect

// timeSpecs are the tests of when rows come.
func timeSpecs() []Spec {
	return []Spec{
		{
			Test: TestArrivalGaps, Title: "Gaps between rows", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Timestamp},
			Null:        "The gaps between neighbouring rows come from one process on both sides.",
			Assumptions: []string{"gaps farther apart than a block of the root of their number are independent", "both sides cover the same hours, or rows come at one rate at all hours"},
			PValue:      "from re-labelled blocks of neighbouring gaps",
			Conventions: []Convention{{Name: "gaps/ks-blocks", Description: "Kolmogorov–Smirnov distance at the pooled percentiles; blocks of ⌈√g⌉ for g gaps of the smaller side."}},
			EffectName:  "distance", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1, // as KS
			Source:  "H. R. Künsch, Ann. Stat. 17 (1989), for blocks",
			measure: measureGaps,
		},
		{
			Test: TestDuplicateTimestamps, Title: "Repeated instants", Scope: ScopeFeature, Kind: KindQuality, Types: []FeatureType{Timestamp},
			Null:        "A row comes at the same instant as the one before with the same probability on both sides.",
			Assumptions: []string{"whether a row comes with the one before does not depend on the others"},
			PValue:      ratesPValue,
			Conventions: []Convention{{Name: "duplicate-timestamps/two-proportion", Description: "Share of rows whose instant equals that of the row before, to the microsecond; two-sided."}},
			EffectName:  "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.05, // as DUPLICATE_VALUES
			Source:  "R. A. Fisher (1935)",
			measure: measureDuplicateTimes,
		},
		{
			Test: TestArrivalSeasonality, Title: "Hours of the week", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Timestamp},
			Null: "The rates at which rows come in the hours of the week have one ratio between the sides.",
			Assumptions: []string{
				"rows come independently, or in bursts that windows of several weeks show",
				"hours that only one window covers are not compared",
			},
			PValue: "asymptotic: chi-square, over the dispersion from week to week",
			Conventions: []Convention{{
				Name:        "arrival/hour-of-week",
				Description: "Hours of the week in the feature's zone that both windows cover, each by the time for which it is covered; neighbours pooled to two expected rows a side.",
			}},
			EffectName: "cramers_v", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1, // as CHI_SQUARE
			Source:  "P. McCullagh and J. A. Nelder, Generalized Linear Models (1989)",
			measure: measureSeason,
		},
	}
}
