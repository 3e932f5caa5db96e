package comparison

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// fakeEmbedder makes vectors of one number, the text's length, until it fails.
type fakeEmbedder struct {
	asked [][]string
	err   error
}

func (e *fakeEmbedder) Model() string { return "fake" }

func (e *fakeEmbedder) Embed(_ context.Context, texts []string, reserve func(int64) error) (detect.Matrix, error) {
	e.asked = append(e.asked, texts)
	if e.err != nil {
		return detect.Matrix{}, e.err
	}
	if err := reserve(int64(len(texts)) * 8); err != nil {
		return detect.Matrix{}, err
	}
	var values []float32
	for _, text := range texts {
		values = append(values, float32(len(text)))
	}
	return detect.NewMatrix(1, values), nil
}

// written is a side with TEXT columns of so many texts.
func written(n int, names ...string) sample.Set {
	s := sample.Set{Rows: int64(n)}
	for _, name := range names {
		s.Features = append(s.Features, sample.Feature{Name: name, Type: detect.Text})
		s.Samples = append(s.Samples, detect.Sample{Rows: int64(n), Texts: slices.Repeat([]string{name + " text"}, n)})
	}
	return s
}

func TestEmbed(t *testing.T) {
	t.Parallel()
	r := Request{Features: []Feature{
		{Name: "a", Type: detect.Text, Embed: true}, {Name: "b", Type: detect.Text}, {Name: "gone", Type: detect.Text, Embed: true}, {Name: "c", Type: detect.Text, Embed: true},
	}}
	baseline, current := written(5000, "a", "b", "gone", "c"), written(40, "c", "b", "a")
	var e fakeEmbedder
	reserved := int64(0)
	room := func(n int64) error { reserved += n; return nil }
	got, err := r.Embed(t.Context(), &e, room, baseline, current)
	if err != nil || len(got) != 2 || len(e.asked) != 2 || reserved != 2*8*(maxEmbeddedTexts+40) {
		t.Fatalf("got %d, %v; asked %d times, %d bytes", len(got), err, len(e.asked), reserved)
	}
	for _, name := range []string{"a", "c"} {
		if v := got[name]; v.Model != "fake" || v.Err != nil || v.Baseline.Rows != maxEmbeddedTexts || len(v.Baseline.Pieces[0]) != maxEmbeddedTexts || v.Current.Rows != 40 || len(v.Current.Pieces[0]) != 40 {
			t.Errorf("%s: got %d, %d, %v", name, v.Baseline.Rows, v.Current.Rows, v.Err)
		}
	}
	if place, ok := r.Embeds(); place != 0 || !ok {
		t.Errorf("got %d, %t", place, ok)
	}

	// Of another type on one side: the comparison reports that.
	current.Features[2].Type, current.Samples[2] = detect.Numeric, detect.Sample{}
	if got, err := r.Embed(t.Context(), &e, room, baseline, current); err != nil || len(got) != 1 || got["c"] == nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEmbedFails(t *testing.T) {
	t.Parallel()
	r := Request{Features: []Feature{{Name: "a", Type: detect.Text, Embed: true}, {Name: "b", Type: detect.Text, Embed: true}}}
	side := written(40, "a", "b")
	room := func(int64) error { return nil }
	e := fakeEmbedder{err: errors.New("it is down")}
	got, err := r.Embed(t.Context(), &e, room, side, side)
	if err != nil || len(e.asked) != 1 || !errors.Is(got["a"].Err, e.err) || !errors.Is(got["b"].Err, e.err) {
		t.Errorf("asked %d times; got %v, %v", len(e.asked), got, err)
	}
	result, err := r.Compare(t.Context(), side, side, got)
	if err != nil || result.Status != detect.StatusError || result.Features[0].Results[0].Status != detect.StatusOK {
		t.Errorf("got %+v, %v", result.Run, err)
	}
	full := errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "full")
	if _, err := r.Embed(t.Context(), &fakeEmbedder{}, func(int64) error { return full }, side, side); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Embed(ctx, &e, room, side, side); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
