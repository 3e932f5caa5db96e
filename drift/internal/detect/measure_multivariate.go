package detect

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/multivariate"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// discrepancy reports a test on pairs of rows.
func discrepancy(d multivariate.Discrepancy, s pairSample) Finding {
	return Finding{
		Statistic: d.Statistic, P: d.P, Method: PPermutation, Effect: d.Effect, Threshold: finite(d.Critical), Direction: changed(d.Effect),
		baselineN: int64(s.rows[0]), currentN: int64(s.rows[1]),
	}
}

func featureMMD(baseline, current multivariate.Rows, draws permutation.Draws) Finding {
	d, asymptotic, err := multivariate.FeatureMMD(baseline, current, draws)
	if err != nil {
		return refused(err)
	}
	f := discrepancy(d, pairSample{rows: [2]int{baseline.Count, current.Count}})
	if asymptotic {
		f.Method = PAsymptotic
	}
	return f
}

// reconstruction reports a PCA test. The statistic is the difference of the mean errors; the p-value is of their ranks, so that there is no
// threshold for it.
func reconstruction(baseline, current multivariate.Matrix, t TestSetting, ended ended) Finding {
	reconstruct := multivariate.Reconstruct
	if t.Convention == "pca/nannyml" {
		reconstruct = multivariate.ReconstructInSample
	}
	r, err := reconstruct(baseline, current, explainedVariance, ended.now)
	if err != nil {
		return refused(err)
	}
	return Finding{
		Statistic: r.CurrentError - r.BaselineError, P: r.P, Method: PAsymptotic, Effect: r.Effect, Direction: sign(float64(r.Direction)),
		Contributions: unnamed(r.Shares), baselineN: int64(baseline.Rows), currentN: int64(current.Rows),
	}
}

const permutedClassifier = "domain-classifier/permutation"

// classifierRows tells how many rows of how many columns a domain classifier learns from.
func classifierRows(t TestSetting) func(columns int) int {
	if t.Convention == permutedClassifier {
		return multivariate.RelearnedRows
	}
	return multivariate.ClassifiedRows
}

// classification reports a domain classifier. The statistic is the AUC.
func classification(baseline, current [][]float64, t TestSetting, draws permutation.Draws) Finding {
	method := PAsymptotic
	var c multivariate.Classification
	var err error
	if t.Convention == permutedClassifier {
		method = PPermutation
		c, err = multivariate.ClassifyAnew(baseline, current, draws)
	} else {
		c, err = multivariate.Classify(baseline, current, draws)
	}
	if err != nil {
		return refused(err)
	}
	return Finding{
		Statistic: c.AUC, P: c.P, Method: method, Effect: c.Effect, Threshold: finite(c.Critical), Direction: changed(c.Effect),
		Interval:      &Interval{Lower: max(0, 2*c.Lower-1), Upper: max(0, 2*c.Upper-1)},
		Contributions: unnamed(c.Shares), baselineN: int64(len(baseline[0])), currentN: int64(len(current[0])),
	}
}

// correlation reports a test of correlations. The effect is that of the pair of columns that changed most.
func correlation(baseline, current multivariate.Matrix, draws permutation.Draws) Finding {
	c, err := multivariate.Correlations(baseline, current, draws)
	if err != nil {
		return refused(err)
	}
	f := Finding{
		Statistic: c.Statistic, P: c.P, Method: PAsymptotic, Effect: c.Effect, Threshold: finite(c.Critical), Direction: changed(c.Effect),
		Contributions: unnamed(c.Shares), baselineN: int64(baseline.Rows), currentN: int64(current.Rows),
	}
	if c.Permuted {
		f.Method = PPermutation
	}
	if math.Abs(c.Current) != math.Abs(c.Baseline) && c.Effect > 0 {
		f.Direction = sign(math.Abs(c.Current) - math.Abs(c.Baseline)) // a closer or a looser relation
	}
	return f
}

// unnamed are the shares of columns in their order.
func unnamed(shares []float64) []Contribution {
	contributions := make([]Contribution, len(shares))
	for k, share := range shares {
		contributions[k].Share = share
	}
	return contributions
}
