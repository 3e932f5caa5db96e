package detect

import (
	"fmt"

	"github.com/aumos-enterprise/platform/drift/internal/detect/multivariate"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// vectorCache keeps what several tests of a VECTOR feature need.
type vectorCache struct{ pairs *pairSample }

// pick returns the chosen rows in the precision in which tests compute.
func (m Matrix) pick(rows []int) multivariate.Matrix {
	picked := multivariate.NewMatrix(len(rows), m.Columns)
	for i, row := range rows {
		into := picked.Row(i)
		for k, v := range m.Row(row) {
			into[k] = float64(v)
		}
	}
	return picked
}

// vectors samples the vectors of both sides.
func (c *comparison) vectors(name string, most int) (baseline, current multivariate.Matrix) {
	b, cur := c.Baseline.Vectors, c.Current.Vectors
	rows := sampled(c.settings.Seed, c.Name+"\x00"+name, b.Rows, cur.Rows, most)
	return b.pick(rows[0]), cur.pick(rows[1])
}

// projected are the vectors of both sides with at most 128 numbers each.
func (c *comparison) projected(name string, most func(columns int) int) (baseline, current multivariate.Matrix) {
	columns := min(c.Baseline.Vectors.Columns, multivariate.MaxProjected)
	b, cur := c.vectors(name, most(columns))
	return multivariate.Project(b, cur, permutation.Rand(c.settings.Seed, c.Name, "project"))
}

// paired returns the distances between vectors, which three tests share.
func (c *comparison) paired() pairSample {
	if c.vectorCache.pairs == nil {
		b, cur := c.vectors("pairs", multivariate.PairedRows(c.Baseline.Vectors.Columns))
		s := pairSample{rows: [2]int{b.Rows, cur.Rows}}
		s.pairs, s.err = multivariate.NewPairs(b, cur, c.ended.now)
		c.vectorCache.pairs = &s
	}
	return *c.vectorCache.pairs
}

func measureVectorMMD(c *comparison, t TestSetting) Finding {
	if t.Convention == "mmd/random-features" {
		b, cur := c.vectors("features", multivariate.FeatureRows(c.Baseline.Vectors.Columns))
		return featureMMD(b, cur, c.draws(t))
	}
	s := c.paired()
	if s.err != nil {
		return refused(s.err)
	}
	return discrepancy(s.pairs.MMD(c.draws(t)), s)
}

func measureVectorEnergy(c *comparison, t TestSetting) Finding {
	s := c.paired()
	if s.err != nil {
		return refused(s.err)
	}
	return discrepancy(s.pairs.Energy(c.draws(t)), s)
}

func measureCentroid(c *comparison, t TestSetting) Finding {
	s := c.paired()
	if s.err != nil {
		return refused(s.err)
	}
	return discrepancy(s.pairs.Centroid(c.draws(t)), s)
}

func measureVectorPCA(c *comparison, t TestSetting) Finding {
	b, cur := c.projected("components", multivariate.ReconstructedRows)
	f := reconstruction(b, cur, t, c.ended)
	f.Contributions = nil // the columns have no names
	return f
}

func measureVectorClassifier(c *comparison, t TestSetting) Finding {
	b, cur := c.projected("classifier", classifierRows(t))
	if b.Columns != cur.Columns {
		return refused(fmt.Errorf("%w: vectors of %d and %d numbers", multivariate.ErrShape, b.Columns, cur.Columns))
	}
	f := classification(b.ByColumn(), cur.ByColumn(), t, c.draws(t))
	f.Contributions = nil
	return f
}

func measureVectorCovariance(c *comparison, t TestSetting) Finding {
	b, cur := c.projected("covariance", multivariate.CorrelatedRows)
	if b.Columns == 1 && cur.Columns == 1 {
		return NotApplicable("a single number has no correlation with another")
	}
	f := correlation(multivariate.NormalScoreColumns(b, c.ended.now), multivariate.NormalScoreColumns(cur, c.ended.now), c.draws(t))
	f.Contributions = nil
	return f
}
