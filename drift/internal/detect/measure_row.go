package detect

import (
	"cmp"
	"errors"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/multivariate"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/pkg/headroom"
)

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
		r.cache.encoder = newRowEncoder(r.Baseline, r.Current, r.ended)
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

// paired tells whether a test of rows may need the distances between them.
func (t TestSetting) paired() bool { return t.Test == TestMMD || t.Test == TestEnergy }

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
	s.pairs, s.err = multivariate.NewPairs(baseline, current, r.ended.now)
	if r.cache.pairs == nil {
		r.cache.pairs = map[string]pairSample{}
	}
	r.cache.pairs[name] = s
	return s
}

// release gives the distances' memory back: next to a few columns it is much.
func (r *rowComparison) release() {
	bytes := int64(0)
	for _, s := range r.cache.pairs {
		bytes += s.pairs.Bytes()
	}
	r.cache.pairs = nil
	headroom.Collect(bytes)
}

// draws are as comparison.draws of a feature's.
func (r *rowComparison) draws(t TestSetting) permutation.Draws {
	d := r.settings.draws("rows", t)
	d.Ended = r.ended.now
	return d
}

func measureMMD(r *rowComparison, t TestSetting) Finding {
	if t.Convention == "mmd/random-features" {
		rows := r.sampled("features", multivariate.FeatureRows(r.encoded().width()))
		baseline, current := r.encoded().encode(rows, multivariate.NormalScores)
		return featureMMD(baseline.Each(), current.Each(), r.draws(t))
	}
	s := r.paired(t.Convention == "mmd/standardised")
	if s.err != nil {
		return refused(s.err)
	}
	return discrepancy(s.pairs.MMD(r.draws(t)), s)
}

func measureEnergy(r *rowComparison, t TestSetting) Finding {
	s := r.paired(t.Convention == "energy/standardised")
	if s.err != nil {
		return refused(s.err)
	}
	return discrepancy(s.pairs.Energy(r.draws(t)), s)
}

func measurePCA(r *rowComparison, t TestSetting) Finding {
	rows := r.sampled("components", multivariate.ReconstructedRows(len(r.Baseline.Columns)))
	f := reconstruction(r.encoded().components(0, rows[0]), r.encoded().components(1, rows[1]), t, r.ended)
	f.Contributions = r.contributions(f.Contributions)
	return f
}

func measureClassifier(r *rowComparison, t TestSetting) Finding {
	rows := r.sampled("classifier", classifierRows(t)(len(r.Baseline.Columns)))
	f := classification(r.encoded().columns(0, rows[0]), r.encoded().columns(1, rows[1]), t, r.draws(t))
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
			if r.ended.now() {
				break
			}
			multivariate.NormalScores(values)
			for i, v := range values {
				sides[side].Row(i)[k] = v
			}
		}
	}
	f := correlation(sides[0], sides[1], r.draws(t))
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
