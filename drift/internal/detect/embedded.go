package detect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aumos-enterprise/platform/drift/internal/detect/multivariate"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// Embedded are vectors that stand for a sample of a feature's texts.
type Embedded struct {
	Model             string
	Baseline, Current Matrix
	Err               error // why there are none: the tests that need them have status ERROR
}

// EmbeddingSummary says what the vectors are that tests of VECTOR features looked at in a TEXT feature.
type EmbeddingSummary struct {
	Model     string `json:"model"`
	BaselineN int64  `json:"baseline_n"` // texts that were embedded
	CurrentN  int64  `json:"current_n"`
	Dimension int    `json:"dimension"`
}

// LooksAtVectors tells whether a test on a TEXT feature looks at vectors that stand for the texts, and not at the texts themselves.
func (t Test) LooksAtVectors() bool { return t.Applies(Vector) && !t.Applies(Text) }

// SampleTexts draws at most so many texts to be embedded, in their order. Those without a visible character have no meaning to embed, and services
// refuse them: they are left out. Side and name tell the draws of one seed apart.
func SampleTexts(texts []string, most int, seed uint64, side, name string) []string {
	var places []int
	for i, text := range texts {
		if strings.TrimSpace(text) != "" {
			places = append(places, i)
		}
	}
	chosen := multivariate.Sample(permutation.Rand(seed, name, "embed", side), len(places), most)
	slices.Sort(chosen)
	sample := make([]string, len(chosen))
	for i, k := range chosen {
		sample[i] = texts[places[k]]
	}
	return sample
}

// typeFor is the type of the values that a test looks at.
func (f FeatureInput) typeFor(t Test) FeatureType {
	if f.Type == Text && f.Embedded != nil && t.LooksAtVectors() {
		return Vector
	}
	return f.Type
}

// measureEmbedded makes a test on the vectors that stand for the texts.
func (c *comparison) measureEmbedded(t TestSetting) Result {
	if c.embedded != nil {
		return c.embedded.measure(t)
	}
	err := c.Embedded.check()
	if err == nil {
		side := func(m Matrix) Sample { return Sample{Vectors: m, Rows: int64(m.Rows)} }
		vectors := FeatureInput{Name: c.Name, Type: Vector, Baseline: side(c.Embedded.Baseline), Current: side(c.Embedded.Current)}
		c.embedded = &comparison{FeatureInput: vectors, settings: c.settings, ended: c.ended}
		return c.embedded.measure(t)
	}
	r := Result{Test: t.Test, Convention: t.Convention, MinEffect: t.MinEffect, Direction: DirectionNone}
	if spec, ok := Lookup(t.Test); ok {
		convention, _ := spec.Convention(t.Convention, Vector)
		r.EffectName = convention.EffectName
	}
	return r.without(Failed(err))
}

// check returns why there is nothing to test.
func (e *Embedded) check() error {
	if e.Err != nil {
		return fmt.Errorf("the texts could not be embedded: %w", e.Err)
	}
	for _, m := range []Matrix{e.Baseline, e.Current} {
		if err := m.check(); err != nil {
			return fmt.Errorf("check embeddings: %w", err)
		}
	}
	return nil
}

// summary is nil where nothing was embedded.
func (e *Embedded) summary() *EmbeddingSummary {
	if e == nil || e.check() != nil {
		return nil
	}
	return &EmbeddingSummary{
		Model: e.Model, BaselineN: int64(e.Baseline.Rows), CurrentN: int64(e.Current.Rows), Dimension: max(e.Baseline.Columns, e.Current.Columns),
	}
}
