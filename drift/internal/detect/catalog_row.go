package detect

import (
	"cmp"
	"errors"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/multivariate"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

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
			EffectName: "root_inhomogeneity", EffectRange: "0 to 1", MinEffect: 0.05,
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
			EffectName: "root_inhomogeneity", EffectRange: "0 to 1", MinEffect: 0.05,
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
			EffectName: "cliffs_delta", EffectRange: "0 to 1", MinEffect: 0.1,
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
			EffectName: "gini", EffectRange: "0 to 1", MinEffect: 0.1,
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
			EffectName: "correlation_difference", EffectRange: "0 to 2", MinEffect: 0.2,
			Source:  "T. Cai, W. Liu and Y. Xia, JASA 108 (2013)",
			measure: measureVectorCovariance, measureRows: measureCovariance,
		},
	}
}

// rowCache keeps what several tests of rows need.
type rowCache struct {
	encoder *rowEncoder
	pairs   map[string]pairSample
}

// pairSample holds the distances between sampled rows.
type pairSample struct {
	pairs *multivariate.Pairs
	rows  [2]int
	err   error
}

func (r *rowComparison) encoded() *rowEncoder {
	if r.cache.encoder == nil {
		r.cache.encoder = newRowEncoder(r.Baseline, r.Current)
	}
	return r.cache.encoder
}

func (r *rowComparison) sampled(name string, most int) [2][]int {
	return sampled(r.settings.Seed, name, r.Baseline.Rows, r.Current.Rows, most)
}

func scoring(standardised bool) func(values []float64) {
	if standardised {
		return multivariate.Standardize
	}
	return multivariate.NormalScores
}

// paired returns the distances between rows, which MMD and energy share.
func (r *rowComparison) paired(standardised bool) pairSample {
	name := "normal-scores"
	if standardised {
		name = "standardised"
	}
	if s, ok := r.cache.pairs[name]; ok {
		return s
	}
	rows := r.sampled("pairs", multivariate.PairedRows(r.encoded().width()))
	baseline, current := r.encoded().encode(rows, scoring(standardised))
	s := pairSample{rows: [2]int{baseline.Rows, current.Rows}}
	s.pairs, s.err = multivariate.NewPairs(baseline, current)
	if r.cache.pairs == nil {
		r.cache.pairs = map[string]pairSample{}
	}
	r.cache.pairs[name] = s
	return s
}

func measureMMD(r *rowComparison, t TestSetting) Finding {
	rng := permutation.Rand(r.settings.Seed, "rows", string(t.Test), t.Convention)
	if t.Convention == "mmd/random-features" {
		rows := r.sampled("features", multivariate.FeatureRows(r.encoded().width()))
		baseline, current := r.encoded().encode(rows, multivariate.NormalScores)
		return featureMMD(baseline, current, rng, r.settings)
	}
	s := r.paired(t.Convention == "mmd/standardised")
	if s.err != nil {
		return refused(s.err)
	}
	return discrepancy(s.pairs.MMD(rng, r.settings.Permutations, r.settings.FDR), s)
}

func measureEnergy(r *rowComparison, t TestSetting) Finding {
	s := r.paired(t.Convention == "energy/standardised")
	if s.err != nil {
		return refused(s.err)
	}
	rng := permutation.Rand(r.settings.Seed, "rows", string(t.Test), t.Convention)
	return discrepancy(s.pairs.Energy(rng, r.settings.Permutations, r.settings.FDR), s)
}

func measurePCA(r *rowComparison, t TestSetting) Finding {
	rows := r.sampled("components", multivariate.ReconstructedRows(len(r.Baseline.Columns)))
	f := reconstruction(r.encoded().components(0, rows[0]), r.encoded().components(1, rows[1]), t)
	f.Contributions = r.contributions(f.Contributions)
	return f
}

func measureClassifier(r *rowComparison, t TestSetting) Finding {
	rows := r.sampled("classifier", classifierRows(t)(len(r.Baseline.Columns)))
	rng := permutation.Rand(r.settings.Seed, "rows", string(t.Test), t.Convention)
	f := classification(r.encoded().columns(0, rows[0]), r.encoded().columns(1, rows[1]), t, rng, r.settings)
	f.Contributions = r.contributions(f.Contributions)
	return f
}

func measureCovariance(r *rowComparison, t TestSetting) Finding {
	columns := len(r.Baseline.Columns)
	if columns < 2 {
		return NotApplicable("a single column has no correlation with another")
	}
	rows := r.sampled("covariance", multivariate.CorrelatedRows(columns))
	var sides [2]multivariate.Matrix
	for side := range sides {
		sides[side] = multivariate.NewMatrix(len(rows[side]), columns)
		for k, values := range r.encoded().columns(side, rows[side]) {
			multivariate.NormalScores(values)
			for i, v := range values {
				sides[side].Row(i)[k] = v
			}
		}
	}
	f := correlation(sides[0], sides[1], permutation.Rand(r.settings.Seed, "rows", string(t.Test), t.Convention), r.settings)
	f.Contributions = r.contributions(f.Contributions)
	return f
}

// contributions names the columns, which come in the order of the tables, and sorts them.
func (r *rowComparison) contributions(shares []Contribution) []Contribution {
	for k := range shares {
		shares[k].Feature = r.Baseline.Columns[k].Name
	}
	slices.SortStableFunc(shares, func(a, b Contribution) int { return cmp.Compare(b.Share, a.Share) })
	return shares
}

// refused is the finding of a test whose mathematics returned an error.
func refused(err error) Finding {
	switch {
	case errors.Is(err, multivariate.ErrFew):
		return Undecided(err.Error())
	case errors.Is(err, multivariate.ErrAllKept):
		return NotApplicable(err.Error())
	default:
		return Failed(err)
	}
}
