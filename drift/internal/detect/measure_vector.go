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
	picked, row := multivariate.NewMatrix(len(rows), m.Columns), m.finder()
	for i, at := range rows {
		widen(row(at), picked.Row(i))
	}
	return picked
}

// one returns the chosen rows one by one, for tests that need not have them all in twice the precision.
func (m Matrix) one(rows []int) multivariate.Rows {
	wide, row := make([]float64, m.Columns), m.finder()
	return multivariate.Rows{Count: len(rows), Columns: m.Columns, Row: func(i int) []float64 {
		widen(row(rows[i]), wide)
		return wide
	}}
}

// project returns the images of the chosen rows, which take less memory than the rows.
func (m Matrix) project(rows []int, p multivariate.Projection) multivariate.Matrix {
	images, row := multivariate.NewMatrix(len(rows), multivariate.MaxProjected), m.finder()
	for i, at := range rows {
		p.Row(row(at), images.Row(i))
	}
	return images
}

func widen(row []float32, into []float64) {
	for k, v := range row {
		into[k] = float64(v)
	}
}

// sampled draws the vectors of each side that a test looks at.
func (c *comparison) sampled(name string, most int) [2][]int {
	return sampled(c.settings.Seed, c.Name+"\x00"+name, c.Baseline.Vectors.Rows, c.Current.Vectors.Rows, most)
}

// vectors samples the vectors of both sides.
func (c *comparison) vectors(name string, most int) (baseline, current multivariate.Matrix) {
	rows := c.sampled(name, most)
	return c.Baseline.Vectors.pick(rows[0]), c.Current.Vectors.pick(rows[1])
}

// projected samples the vectors of both sides, mapped to at most 128 numbers each. Those of different lengths are left as they are.
func (c *comparison) projected(name string, most func(columns int) int) (baseline, current multivariate.Matrix) {
	b, cur := c.Baseline.Vectors, c.Current.Vectors
	if b.Columns <= multivariate.MaxProjected || b.Columns != cur.Columns {
		return c.vectors(name, most(min(b.Columns, multivariate.MaxProjected)))
	}
	rows := c.sampled(name, most(multivariate.MaxProjected))
	p := multivariate.NewProjection(b.Columns, permutation.Rand(c.settings.Seed, c.Name, "project"))
	return b.project(rows[0], p), cur.project(rows[1], p)
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
		rows := c.sampled("features", multivariate.FeatureRows(c.Baseline.Vectors.Columns))
		return featureMMD(c.Baseline.Vectors.one(rows[0]), c.Current.Vectors.one(rows[1]), c.draws(t))
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
	multivariate.NormalScoreColumns(b, c.ended.now)
	multivariate.NormalScoreColumns(cur, c.ended.now)
	f := correlation(b, cur, c.draws(t))
	f.Contributions = nil
	return f
}
