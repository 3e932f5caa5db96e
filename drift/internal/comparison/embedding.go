package comparison

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// What is embedded at most: services take their time, and money, for every text. The tests of vectors draw no more than a thousand a side from as
// many, except for the domain classifier, which gains little from more.
const (
	maxEmbedded      = 8     // features of a comparison
	maxEmbeddedTexts = 2_000 // of a feature, on each side
)

// Embedder makes vectors of texts.
type Embedder interface {
	// Model names what makes them.
	Model() string
	// Embed returns a row for each text, in memory that it has reserved. An error of reserve is returned as it is.
	Embed(ctx context.Context, texts []string, reserve func(bytes int64) error) (detect.Matrix, error)
}

// Embeddings are vectors that stand for texts, by the feature's name.
type Embeddings map[string]*detect.Embedded

// Embeds returns the place of the first feature whose texts are to be embedded, and whether there is one.
func (r Request) Embeds() (place int, ok bool) {
	place = slices.IndexFunc(r.Features, func(f Feature) bool { return f.Embed })
	return place, place >= 0
}

// Embed makes vectors of the texts of all features that ask for it, of a sample of them by the request's seed. Once the embedder has failed it is not asked
// again, and the tests that need its vectors fail. Embed itself fails only when there is no memory for them, and with the error of ctx when that ends.
func (r Request) Embed(ctx context.Context, embedder Embedder, reserve func(bytes int64) error, baseline, current sample.Set) (Embeddings, error) {
	embeddings := make(Embeddings)
	inBefore, inAfter := places(baseline), places(current)
	var failed error
	for _, f := range r.Features {
		b, inBaseline := inBefore[f.Name]
		c, inCurrent := inAfter[f.Name]
		if !f.Embed || !inBaseline || !inCurrent || baseline.Features[b].Type != detect.Text || current.Features[c].Type != detect.Text {
			continue // not compared, or of another type, which the comparison reports
		}
		e := &detect.Embedded{Model: embedder.Model(), Err: failed}
		embeddings[f.Name] = e
		if failed != nil {
			continue
		}
		texts := detect.SampleTexts(baseline.Samples[b].Texts, maxEmbeddedTexts, r.Settings.Seed, "baseline", f.Name)
		n := len(texts)
		texts = append(texts, detect.SampleTexts(current.Samples[c].Texts, maxEmbeddedTexts, r.Settings.Seed, "current", f.Name)...)
		m, err := embedder.Embed(ctx, texts, reserve) // both sides at once: vectors of one model have one dimension
		_, refused := errors.AsType[*errs.Error](err)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case refused:
			return nil, err
		case err != nil:
			failed, e.Err = err, err
		default:
			e.Baseline, e.Current = m.Split(n)
		}
	}
	return embeddings, nil
}

// typeFor is the type of the values that a test of the feature looks at.
func (f Feature) typeFor(t detect.Test) detect.FeatureType {
	if f.Embed && f.Type == detect.Text && t.LooksAtVectors() {
		return detect.Vector
	}
	return f.Type
}

// validate returns why the feature cannot have a test.
func (f Feature) validate(t detect.TestSetting) error {
	err := t.Validate(f.typeFor(t.Test))
	if err != nil && f.Type == detect.Text && !f.Embed && t.Test.LooksAtVectors() {
		return fmt.Errorf("%w: it looks at vectors, which embed makes of texts", err)
	}
	return err
}

// checkEmbed refuses to embed what has no texts, or for no test's sake.
func (f Feature) checkEmbed(field string) error {
	looks := func(t detect.TestSetting) bool { return t.Test.LooksAtVectors() }
	switch {
	case !f.Embed:
		return nil
	case f.Type != detect.Text:
		return errs.InvalidField(field, "does not apply to %s features: only texts are embedded", f.Type)
	case len(f.Tests) > 0 && !slices.ContainsFunc(f.Tests, looks):
		return errs.InvalidField(field, "none of the feature's tests looks at vectors: add one, for example %s, or leave embed out", detect.TestMMD)
	}
	return nil
}
