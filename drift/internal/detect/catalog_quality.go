package detect

// independent is what every test of the quality of data assumes.
const independent = "rows are independent"

// qualitySpecs are the tests of defects, beside the missing rate.
func qualitySpecs() []Spec {
	return []Spec{
		{
			Test: TestTypeChange, Title: "Change of type", Scope: ScopeFeature, Kind: KindQuality, Types: AllTypes(),
			Null:        "A value is written in the commonest way (whole number, fraction, boolean, time, text or a word for no value) with the same probability on both sides.",
			Assumptions: []string{independent},
			PValue:      ratesPValue + "; columns of different types have drifted for certain, without a p-value",
			Conventions: []Convention{
				{Name: "type-change/lexical", Types: []FeatureType{Numeric, Categorical, Text}, Description: "Shares of the way of writing that most values of both sides together have."},
				{Name: typeChange, Description: "The types of the two columns; made by itself wherever they differ.", EffectName: "changed", MinEffect: 1},
			},
			// A writer that changed is rarely a matter of a few rows, but one in a hundred already breaks what reads them.
			EffectName: "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.01,
			Source:  "R. A. Fisher (1935)",
			measure: measureTypeChange,
		},
		{
			Test: TestOutOfRange, Title: "Values out of range", Scope: ScopeFeature, Kind: KindQuality, Types: []FeatureType{Numeric},
			Null:        "Both samples come from one distribution.",
			Assumptions: []string{independent, "values equal to an end of the range make it conservative"},
			PValue:      "exact: of exchangeable values the number outside the baseline's range is negative hypergeometric; with a constraint: " + ratesPValue,
			Conventions: []Convention{
				{Name: "out-of-range/baseline", Description: "Current values below the smallest of the baseline or above the largest."},
				{Name: "out-of-range/constraint", Description: "Values below the feature's min or above its max, on both sides.", EffectName: "rate_difference"},
			},
			// A model extrapolates on these rows. One in a hundred is worth a look, whatever the sample.
			EffectName: "share", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.01,
			Source:  "S. S. Wilks, Ann. Math. Stat. 12 (1941); scipy.stats.nhypergeom",
			measure: measureOutOfRange,
		},
		{
			Test: TestConstraintViolation, Title: "Violated constraint", Scope: ScopeFeature, Kind: KindQuality, Types: []FeatureType{Numeric, Categorical, Boolean, Text},
			Null:        "A value breaks the feature's constraint with the same probability on both sides.",
			Assumptions: []string{independent},
			PValue:      ratesPValue,
			Conventions: []Convention{{Name: "constraint/two-proportion", Description: "Values outside min and max, not among the allowed ones, or not matching the pattern; two-sided."}},
			EffectName:  "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.01, // as OUT_OF_RANGE
			Source:  "R. A. Fisher (1935)",
			measure: measureConstraint,
		},
		{
			Test: TestDuplicateValues, Title: "Repeated values", Scope: ScopeFeature, Kind: KindQuality,
			// Not of timestamps: instants repeat more often in a short window than in as many rows drawn from a long one. DUPLICATE_TIMESTAMPS looks at neighbours.
			Types:       []FeatureType{Numeric, Categorical, Text},
			Null:        "Both samples come from one distribution, so that values repeat as often in samples of one size.",
			Assumptions: []string{independent},
			PValue:      repeatsPValue,
			Conventions: []Convention{{Name: "duplicate-values/distinct", Description: "Share of rows that repeat an earlier one, of as many rows as the smaller side has; two-sided."}},
			// Rows sent twice are the commonest cause, and never a few only.
			EffectName: "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.05,
			Source:  "S. H. Hurlbert, Ecology 52 (1971), rarefaction",
			measure: measureDuplicateValues,
		},
		{
			Test: TestConstantColumn, Title: "Constant column", Scope: ScopeFeature, Kind: KindQuality, Types: []FeatureType{Numeric, Categorical, Boolean, Text},
			Null:        "Both samples come from one distribution; that the current one has a single value is chance.",
			Assumptions: []string{independent, "conservative: the p-value is 1 unless the current values are all one"},
			PValue:      "exact: the share of the divisions of the pooled rows that leave one value to the current side",
			Conventions: []Convention{{Name: "constant/exact", Description: "The effect is the share of the baseline's rows that have another value."}},
			// A column that was constant but for one row in a hundred told a model little before.
			EffectName: "lost_variety", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.01,
			Source:  "R. A. Fisher (1935)",
			measure: measureConstant,
		},
		{
			Test: TestUnseenCategories, Title: "Unseen categories", Scope: ScopeFeature, Kind: KindQuality, Types: []FeatureType{Categorical},
			Null:        "Both samples come from one distribution; rows of categories that the baseline lacks are as many as rare categories give.",
			Assumptions: []string{independent},
			PValue:      "one-sided, from re-labelled rows; where more than 10,000 rows of either side take part, from the normal limit",
			Conventions: []Convention{{Name: "unseen/rows", Description: "Current rows whose category no row of the baseline has; the effect is their share beyond what chance gives."}},
			// A model has learnt nothing about these rows: one in a hundred matters as for OUT_OF_RANGE.
			EffectName: "excess_share", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.01,
			Source:  "I. J. Good, Biometrika 40 (1953)",
			measure: measureUnseen,
		},
		{
			Test: TestDuplicateRows, Title: "Repeated rows", Scope: ScopeRows, Kind: KindQuality, Types: []FeatureType{Numeric, Categorical, Boolean},
			Null:        "The rows of both sides come from one distribution, so that they repeat as often in samples of one size.",
			Assumptions: []string{independent},
			PValue:      repeatsPValue,
			Conventions: []Convention{{Name: "duplicate-rows/distinct", Description: "Share of rows equal to an earlier one in every column, of as many rows as the smaller side has; two-sided."}},
			EffectName:  "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.05, // as DUPLICATE_VALUES
			Source:      "S. H. Hurlbert, Ecology 52 (1971), rarefaction",
			measureRows: measureDuplicateRows,
		},
	}
}

const repeatsPValue = "from re-labelled rows; where more than 10,000 repeated rows take part, from the normal limit"
