package detect

// vectorSpecs are the tests of VECTOR features beside those of rows.
//
// The smallest effect of the centroid is that of MMD and energy: a shift of a tenth of a standard deviation in every direction.
func vectorSpecs() []Spec {
	return []Spec{{
		Test: TestCentroidShift, Title: "Shift of the centroid", Scope: ScopeFeature, Kind: KindTest, Types: []FeatureType{Vector},
		Null:        "Both sides come from one distribution; the test looks for a shift of its mean.",
		Assumptions: []string{independentRows, "beyond 1,000 vectors a side, or fewer of more than 500 numbers, a random sample of them is compared"},
		PValue:      "permutation",
		Conventions: []Convention{{Name: "centroid/permutation", Description: "Unbiased squared distance between the means of the vectors as they are."}},
		EffectName:  "root_inhomogeneity", EffectRange: "0 to 1", MaxEffect: 1, MinEffect: 0.05,
		Source:  "S. X. Chen and Y.-L. Qin, Annals of Statistics 38 (2010), with a permutation p-value",
		measure: measureCentroid,
	}}
}
