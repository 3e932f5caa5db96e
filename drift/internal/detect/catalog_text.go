package detect

// textSpecs are the tests of free texts, among them those that models write.
func textSpecs() []Spec {
	independentTexts := []string{"texts are independent; the words of one text need not be", "of more than 20,000 texts a side, as many evenly spaced ones are read"}
	return []Spec{
		{
			Test: TestTextLength, Title: "Length of texts", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Text},
			Null:        "The lengths of both sides' texts come from one distribution.",
			Assumptions: []string{"texts are independent", "equal lengths make it conservative"},
			PValue:      "as KS: exact up to 10,000 texts a side, beyond asymptotic",
			Conventions: []Convention{{Name: "text-length/characters", Description: "Kolmogorov–Smirnov on the number of Unicode code points."}},
			EffectName:  "distance", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1, // as KS
			Source:  "J. L. Hodges (1958); scipy.stats.ks_2samp",
			measure: measureTextLength,
		},
		{
			Test: TestTokenFrequency, Title: "Frequency of words", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Text},
			Null:        "Both sides' texts come from one source, so that words are as frequent on both.",
			Assumptions: independentTexts,
			PValue:      "from re-labelled texts, or blocks of neighbouring texts above 2,000 on the smaller side",
			Conventions: []Convention{{
				Name:        "words/top-50",
				Description: "Unicode words in lower case; the 50 most frequent of both sides together, and the rest as one; each side weighs the same.",
			}},
			// As CHI_SQUARE, whose effect it is.
			EffectName: "cramers_v", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1,
			Source:  "K. Pearson (1900); B. Phipson and G. K. Smyth (2010) for the p-value",
			measure: measureFrequencies,
		},
		{
			Test: TestOutOfVocabulary, Title: "Words that the baseline lacks", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Text},
			Null:        "Both sides' texts come from one source; that some words occur on the current side only is chance.",
			Assumptions: independentTexts,
			PValue:      "one-sided, from re-labelled texts, whose own unknown words tell how many a baseline of this size leaves",
			Conventions: []Convention{{Name: "words/unknown", Description: "Share of the current words that no text of the baseline has; of more than 65,536 different words a fixed part takes part."}},
			// Beyond what re-labelled texts have. Two words in a hundred are a topic or a template that is new.
			EffectName: "excess_share", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.02,
			Source:  "I. J. Good, Biometrika 40 (1953)",
			measure: measureUnknown,
		},
		{
			Test: TestVocabulary, Title: "Richness of the vocabulary", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Text},
			Null:        "Both sides' texts come from one source, so that as many texts have as many different words.",
			Assumptions: independentTexts,
			PValue:      "from re-labelled texts",
			Conventions: []Convention{{Name: "words/guiraud", Description: "Different words over the root of all words, of as many texts of either side; the logarithm of the ratio."}},
			// A tenth fewer different words, as when a model begins to repeat itself.
			EffectName: "log_ratio", EffectRange: "0 upwards", MinEffect: 0.1,
			Source:  "P. Guiraud (1954)",
			measure: measureRichness,
		},
		{
			Test: TestRefusalRate, Title: "Rate of refusals", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Text},
			Null:        "A text refuses with the same probability on both sides.",
			Assumptions: []string{"texts are independent", "texts are English"},
			PValue:      ratesPValue,
			Conventions: []Convention{{Name: "refusal/en-v1", Description: "One of a fixed list of English phrases stands in the first 300 bytes."}},
			// One more or fewer of fifty answers refused is what users notice.
			EffectName: "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.02,
			Source:  "R. A. Fisher (1935)",
			measure: measureRefusals,
		},
		{
			Test: TestFormatValidity, Title: "Texts that break their format", Scope: ScopeFeature, Kind: KindQuality, Types: []FeatureType{Text},
			Null:        "A text is valid with the same probability on both sides.",
			Assumptions: []string{"texts are independent"},
			PValue:      ratesPValue,
			Conventions: []Convention{{Name: "format/json", Description: "Texts that are not one JSON value; the feature's constraint must say the format json."}},
			// Programs read these texts: one in a hundred that cannot be read is an outage for someone.
			EffectName: "rate_difference", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.01,
			Source:  "RFC 8259",
			measure: measureFormat,
		},
	}
}
