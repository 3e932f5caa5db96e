package detect

// Parts of the descriptions of distances.
const (
	nullOneDistribution = "Both samples come from one distribution."
	decileBinsSay       = "Bins at the deciles of the baseline, heavy values apart; no single row can blind them."
	pooledBinsSay       = "A bin for each category, the rare ones pooled, at most 100,000."
	everyBinSays        = "A bin for each category, none pooled; not applicable to more than 100,000."
	sturgesSays         = "Sturges' equal bins over the range of both sides, or a bin for each value when the baseline has up to 20; one far value blinds them."
	wholeSays           = " For a column that pandas holds as integers: with NumPy 2 no bin is narrower than 1."
	lawOrPermutation    = "asymptotic, scaled chi-square by both sample sizes, when each side expects 50 rows in each bin; else permutation. " +
		"Conventions of other tools: always permutation. Bins of the baseline are cut again for each permutation."
	permutationOnly = "permutation; bins of the baseline are cut again for each while a bin expects fewer than 50 rows of a side"
)

// maxNats is the root of ln 2: the largest Jensen–Shannon distance in nats.
const maxNats = 0.8325546111576977

func numericOnly() []FeatureType    { return []FeatureType{Numeric} }
func categoriesOnly() []FeatureType { return []FeatureType{Categorical, Boolean} }
func distanceTypes() []FeatureType  { return []FeatureType{Numeric, Categorical, Boolean} }

// psiConventions are those beside the stability index's own two.
func psiConventions() []Convention {
	return []Convention{
		{
			Name:        "psi/evidently",
			Description: sturgesSays + " A share of 0 counts as 0.0001, or a millionth of the smallest other one. As Evidently.",
		},
		{Name: "psi/evidently-int", Types: numericOnly(), Description: "psi/evidently." + wholeSays},
	}
}

// distanceSpecs are the distances between two samples in the same bins. The smallest effects that matter are those of a shift by about a
// quarter of a standard deviation, as for KS: of normal values it makes a total variation of 0.1, a Jensen–Shannon and a Hellinger distance of
// 0.1 and 0.09, a divergence of 0.03 to 0.05, and moves a twentieth of the rows into the outermost decile.
func distanceSpecs() []Spec {
	assumptions := []string{"rows are independent"}
	return []Spec{
		{
			Test: TestJensenShannon, Title: "Jensen–Shannon distance", Scope: ScopeFeature, Kind: KindDistance, Types: distanceTypes(),
			Null: nullOneDistribution, Assumptions: assumptions, PValue: lawOrPermutation,
			Conventions: []Convention{
				{Name: "js/decile-ref", Types: numericOnly(), Description: "Base 2. " + decileBinsSay},
				{Name: "js/category", Types: categoriesOnly(), Description: "Base 2. " + pooledBinsSay},
				{Name: "js/base2-doane", Types: numericOnly(), Description: "Base 2; Doane's equal bins over the range of the baseline, rows outside of it in one bin more. As NannyML."},
				{Name: "js/nats-sturges", Types: numericOnly(), MaxEffect: maxNats, Description: "Natural logarithm. " + sturgesSays + " As Evidently."},
				{Name: "js/nats-sturges-int", Types: numericOnly(), MaxEffect: maxNats, Description: "js/nats-sturges." + wholeSays},
				{Name: "js/base2-category", Types: categoriesOnly(), Description: "Base 2. " + everyBinSays + " As NannyML."},
				{Name: "js/nats-category", Types: categoriesOnly(), MaxEffect: maxNats, Description: "Natural logarithm. " + everyBinSays + " As Evidently."},
			},
			EffectName: "jensen_shannon_distance", EffectRange: "0 to 1, in nats to 0.83", MaxEffect: 1, MinEffect: 0.1,
			Source:  "D. M. Endres and J. E. Schindelin (2003); scipy.spatial.distance.jensenshannon",
			measure: measureDistance,
		},
		{
			Test: TestHellinger, Title: "Hellinger distance", Scope: ScopeFeature, Kind: KindDistance, Types: distanceTypes(),
			Null: nullOneDistribution, Assumptions: assumptions, PValue: lawOrPermutation,
			Conventions: []Convention{
				{Name: "hellinger/decile-ref", Types: numericOnly(), Description: decileBinsSay},
				{Name: "hellinger/category", Types: categoriesOnly(), Description: pooledBinsSay},
				{Name: "hellinger/doane", Types: numericOnly(), Description: "Doane's equal bins over the range of the baseline, rows outside of it in one bin more. As NannyML."},
				{Name: "hellinger/sturges", Types: numericOnly(), Description: "Sturges' equal bins over the range of both sides, for the number of distinct values; one far value blinds them. As Evidently."},
				{Name: "hellinger/sturges-int", Types: numericOnly(), Description: "hellinger/sturges." + wholeSays},
				{Name: "hellinger/every-category", Types: categoriesOnly(), Description: everyBinSays + " As Evidently and NannyML."},
			},
			EffectName: "hellinger_distance", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1,
			Source:  "E. Hellinger (1909)",
			measure: measureDistance,
		},
		{
			Test: TestKullbackLeibler, Title: "Kullback–Leibler divergence", Scope: ScopeFeature, Kind: KindDistance, Types: distanceTypes(),
			Null: nullOneDistribution, Assumptions: assumptions, PValue: lawOrPermutation,
			Conventions: []Convention{
				{Name: "kl/decile-ref", Types: numericOnly(), Description: "Of the baseline from the current sample, in nats, with half a row in every bin. " + decileBinsSay},
				{Name: "kl/category", Types: categoriesOnly(), Description: "Of the baseline from the current sample, in nats, with half a row in every bin. " + pooledBinsSay},
				{Name: "kl/evidently", Description: sturgesSays + " A share of 0 counts as 0.0001, or a millionth of the smallest other one. As Evidently.", MinEffect: 0.1},
				{Name: "kl/evidently-int", Types: numericOnly(), Description: "kl/evidently." + wholeSays, MinEffect: 0.1},
			},
			EffectName: "divergence", EffectRange: "0 upwards", MinEffect: 0.05, // half of the stability index's 0.1, which is a divergence in both directions
			Source:  "S. Kullback and R. A. Leibler (1951); scipy.stats.entropy",
			measure: measureDistance,
		},
		{
			Test: TestLInfinity, Title: "Largest change of a share", Scope: ScopeFeature, Kind: KindDistance, Types: distanceTypes(),
			Null: nullOneDistribution, Assumptions: assumptions, PValue: permutationOnly,
			Conventions: []Convention{
				{Name: "l-infinity/decile-ref", Types: numericOnly(), Description: decileBinsSay, MinEffect: 0.05},
				{Name: "l-infinity/category", Types: categoriesOnly(), Description: pooledBinsSay},
				{Name: "l-infinity/every-category", Types: categoriesOnly(), Description: everyBinSays + " As NannyML."},
			},
			EffectName: "largest_share_change", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1,
			Source:  "the maximum norm",
			measure: measureDistance,
		},
		{
			Test: TestTotalVariation, Title: "Total variation distance", Scope: ScopeFeature, Kind: KindDistance, Types: distanceTypes(),
			Null: nullOneDistribution, Assumptions: assumptions, PValue: permutationOnly,
			Conventions: []Convention{
				{Name: "total-variation/decile-ref", Types: numericOnly(), Description: decileBinsSay},
				{Name: "total-variation/category", Types: categoriesOnly(), Description: pooledBinsSay},
				{Name: "total-variation/every-category", Types: categoriesOnly(), Description: everyBinSays + " As Evidently."},
			},
			EffectName: "total_variation", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.1,
			Source:  "half the sum of absolute differences; the share of rows that would have to move",
			measure: measureDistance,
		},
	}
}
