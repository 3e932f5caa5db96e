package recommend

import (
	"fmt"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// numeric keeps one test among the first two that a few crafted values cannot blind: KS looks at ranks, the index at the baseline's deciles.
func (l *list) numeric(t Traits) {
	n := min(t.Baseline, t.Current)
	switch {
	case t.Distinct > 0 && t.Distinct <= 2:
		l.add(detect.TestPSI, "with at most two distinct values only their shares can change; sent as BOOLEAN or CATEGORICAL, an exact test can be made")
	case t.ties():
		reason := fmt.Sprintf("%d distinct values in %d and %d rows are mostly ties", t.Distinct, t.Baseline, t.Current)
		l.add(detect.TestPSI, reason+": heavy values have bins of their own")
		l.add(detect.TestAndersonDarling, reason+", which its midranks take into account; KS would be conservative")
	case n > largeSample:
		reason := fmt.Sprintf("with %d rows nearly any difference is significant", n)
		l.add(detect.TestWasserstein, reason+": the distance says how far the values moved, in standard deviations, and grows with no sample size")
		l.add(detect.TestKS, reason+": the largest difference of the distribution functions does not grow either, and outliers cannot hide it")
	default:
		reason := "finds any change of the distribution"
		if n > 0 {
			reason += ", with an exact p-value at this size"
		}
		l.add(detect.TestKS, reason)
		l.add(detect.TestAndersonDarling, "sees changes of the tails that Kolmogorov–Smirnov misses")
	}
}

// ties reports whether most of the numbers are one of few values, or one of many that each stand there many times.
func (t Traits) ties() bool {
	n := min(t.Baseline, t.Current)
	return t.Distinct > 0 && (t.Distinct <= min(fewValues, n/rowsPerFew) || t.Distinct <= n/rowsPerValue)
}

func (l *list) categorical(t Traits) {
	n := min(t.Baseline, t.Current)
	switch {
	case t.Distinct > 0 && t.Distinct <= 2:
		l.proportions(t)
	case t.Distinct > manyCategories || n > 0 && t.Distinct*rowsPerCategory > n:
		reason := fmt.Sprintf("%d categories leave most of them rare", t.Distinct)
		if n > 0 {
			reason = fmt.Sprintf("%d categories in %d rows leave most of them rare", t.Distinct, n)
		}
		l.add(detect.TestPSI, reason+": the rare ones are pooled")
		l.add(detect.TestLInfinity, reason+": the largest change of a single share does not thin out")
		l.add(detect.TestUnseenCategories, "names that never came before show most changes of a column with so many")
	case n > largeSample:
		reason := fmt.Sprintf("with %d rows nearly any difference is significant", n)
		l.add(detect.TestJensenShannon, reason+": the distance says how large it is, and is bounded")
		l.add(detect.TestChiSquare, reason+": its effect, Cramér's V, does not grow with their number")
	default:
		l.add(detect.TestChiSquare, "compares the shares of all categories, the rare ones pooled")
	}
}

// proportions chooses for two values.
func (l *list) proportions(t Traits) {
	switch {
	case t.Baseline == 0:
		l.add(detect.TestFisherExact, "two values are one proportion, and the test is exact unless there are very many rows")
	case t.Baseline <= largeSample && t.Current <= largeSample:
		l.add(detect.TestFisherExact, "two values are one proportion, and at this size the test is exact")
	default:
		l.add(detect.TestTwoProportionZ, fmt.Sprintf("two values are one proportion, and with %d and %d rows the normal limit holds", t.Baseline, t.Current))
	}
	if len(l.tests) == 0 {
		l.add(detect.TestChiSquare, "two values are one proportion")
	}
}
