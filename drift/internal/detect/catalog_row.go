package detect

// The part of the columns' variance that the kept principal components explain, as NannyML has it.
const explainedVariance = 0.65

// rowTypes are the columns that tests of rows use, and VECTOR, whose rows are the vectors.
func rowTypes() []FeatureType { return []FeatureType{Numeric, Categorical, Boolean, Vector} }

// rowSpecs are the tests of whole rows.
//
// The smallest effects: 0.05 for MMD and energy is a shift of a tenth of a standard deviation in every column, or of one standard deviation in
// one column of a hundred. 0.1 for reconstruction and classifier is a current row that looks like drift in 55 of 100 pairs with a row of the
// baseline. 0.2 for a correlation is the least that plots show.
func rowSpecs() []Spec {
	table := []FeatureType{Numeric, Categorical, Boolean}
	vector := []FeatureType{Vector}
	return []Spec{
		{
			Test: TestMMD, Title: "Maximum mean discrepancy", Scope: ScopeRows, Kind: KindTest, Types: rowTypes(),
			Null:        "Rows of both sides come from one joint distribution.",
			Assumptions: []string{independentRows, "beyond 1,000 rows a side, or fewer of many columns, a random sample of them is compared, except with random features"},
			PValue:      "permutation; with random features asymptotic from about 3,900 rows a side on",
			Conventions: []Convention{
				{Name: "mmd/normal-scores", Types: table, Description: "Unbiased MMD² of a Gaussian kernel, σ² half the median squared distance; numbers as normal scores of both sides together, categories as columns of 0 and 1."},
				{Name: "mmd/standardised", Types: table, Description: "As mmd/normal-scores, but numbers standardised by the mean and deviation of both sides together, which one far value can blind."},
				{Name: "mmd/vectors", Types: vector, Description: "Unbiased MMD² of a Gaussian kernel on the vectors as they are, σ² half the median squared distance."},
				{Name: "mmd/random-features", Description: "As the default, with 64 random frequencies in place of the kernel: linear time, up to 100,000 rows a side."},
			},
			EffectName: "root_inhomogeneity", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.05,
			Source:  "A. Gretton et al., A Kernel Two-Sample Test, JMLR 13 (2012); A. Rahimi and B. Recht (2007)",
			measure: measureVectorMMD, measureRows: measureMMD,
		},
		{
			Test: TestEnergy, Title: "Energy test", Scope: ScopeRows, Kind: KindTest, Types: rowTypes(),
			Null:        "Rows of both sides come from one joint distribution.",
			Assumptions: []string{independentRows, "beyond 1,000 rows a side, or fewer of many columns, a random sample of them is compared"},
			PValue:      "permutation",
			Conventions: []Convention{
				{Name: "energy/normal-scores", Types: table, Description: "Unbiased energy distance; numbers as normal scores of both sides together, categories as columns of 0 and 1."},
				{Name: "energy/standardised", Types: table, Description: "As energy/normal-scores, but numbers standardised by the mean and deviation of both sides together."},
				{Name: "energy/vectors", Types: vector, Description: "Unbiased energy distance of the vectors as they are."},
			},
			EffectName: "root_inhomogeneity", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.05,
			Source:  "G. J. Székely and M. L. Rizzo, Testing for Equal Distributions in High Dimension (2004)",
			measure: measureVectorEnergy, measureRows: measureEnergy,
		},
		{
			Test: TestPCAReconstruction, Title: "PCA reconstruction", Scope: ScopeRows, Kind: KindTest, Types: rowTypes(),
			Null:        "Rows of both sides lie equally far from the space of the baseline's principal components.",
			Assumptions: []string{independentRows, "a shift inside that space is not seen", "does not apply when every component is kept"},
			PValue:      "asymptotic: rank-sum test of the reconstruction errors within folds",
			Conventions: []Convention{
				{Name: "pca/cross-fitted", Description: "Standardised columns, categories by their share of the baseline, components for more than 65 % of the variance; errors of the baseline by models of the other four fifths of it."},
				{Name: "pca/nannyml", Types: table, Description: "The mean reconstruction errors of NannyML 0.13: the baseline is judged by the model made of it, so that with few rows for each column equal samples seem to drift."},
			},
			EffectName: "cliffs_delta", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1,
			Source:  "NannyML DataReconstructionDriftCalculator; cross-fitting and test of our own",
			measure: measureVectorPCA, measureRows: measurePCA,
		},
		{
			Test: TestDomainClassifier, Title: "Domain classifier", Scope: ScopeRows, Kind: KindTest, Types: rowTypes(),
			Null:        "Nothing tells rows of the two sides apart.",
			Assumptions: []string{independentRows, "of many rows or columns a random sample of up to 5,000 rows a side is learned from"},
			PValue:      "asymptotic: rank-sum test of held-out scores within folds, its variance corrected for common training rows, which is conservative; or permutation",
			Conventions: []Convention{
				{Name: "domain-classifier/cross-validated", Description: "40 boosted trees of 8 leaves, five folds, one-sided test of the AUC; interval by DeLong, widened alike."},
				{Name: permutedClassifier, Description: "10 boosted trees of 4 leaves, learned anew for up to 199 permutations of up to 500 rows a side: an exact p-value, at least 0.005."},
			},
			EffectName: "gini", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1,
			Source:  "D. Lopez-Paz and M. Oquab (2017); C. Nadeau and Y. Bengio (2003); E. R. DeLong et al. (1988)",
			measure: measureVectorClassifier, measureRows: measureClassifier,
		},
		{
			Test: TestCovariance, Title: "Change of correlation", Scope: ScopeRows, Kind: KindTest, Types: rowTypes(),
			Null:        "Every pair of columns has the same correlation on both sides.",
			Assumptions: []string{independentRows, "needs two columns that vary", "of many rows a random sample of up to 20,000 a side is compared"},
			PValue:      "permutation while cheap, else Student's law with Šidák's correction for the number of pairs, which is conservative",
			Conventions: []Convention{
				{Name: "covariance/normal-scores", Description: "The largest studentised difference of a correlation of normal scores, each side scored by itself, so that a change of one column alone does not count."},
			},
			EffectName: "correlation_difference", EffectRange: "0 to 2", MaxEffect: 2, MinEffect: 0.2,
			Source:  "T. Cai, W. Liu and Y. Xia, JASA 108 (2013)",
			measure: measureVectorCovariance, measureRows: measureCovariance,
		},
	}
}
