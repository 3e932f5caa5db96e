package detect_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// cloud draws vectors around a centre.
func cloud(rng *rand.Rand, rows, columns int, centre float64) detect.Matrix {
	values := make([]float32, rows*columns)
	for i := range values {
		values[i] = float32(centre + rng.NormFloat64())
	}
	return detect.NewMatrix(columns, values)
}

// embeddedText is a feature whose texts stay as they are, and whose embeddings lie apart by a shift.
func embeddedText(shift float64) detect.FeatureInput {
	rng := rand.New(rand.NewPCG(1, 2))
	texts := make([]string, 100)
	for i := range texts {
		texts[i] = fmt.Sprint("text ", i%7)
	}
	side := detect.Sample{Texts: texts, Rows: 100}
	return detect.FeatureInput{
		Name: "note", Type: detect.Text, Baseline: side, Current: side,
		Tests: []detect.TestSetting{
			{Test: detect.TestTextLength}, {Test: detect.TestMMD}, {Test: detect.TestCentroidShift}, {Test: detect.TestDomainClassifier},
		},
		Embedded: &detect.Embedded{Model: "m", Baseline: cloud(rng, 80, 4, 0), Current: cloud(rng, 90, 4, shift)},
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	for shift, want := range map[float64]detect.Status{0: detect.StatusOK, 1: detect.StatusDrift} {
		f := embeddedText(shift)
		got := detect.Compare(f, detect.Settings{})
		if got.Status != want || len(got.Results) != 5 || got.Results[0].Status != detect.StatusOK || got.Results[0].BaselineN != 100 {
			t.Errorf("shift %v: got %+v", shift, got)
		}
		for _, r := range got.Results[1:4] {
			if r.Status != want || r.BaselineN != 80 || r.CurrentN != 90 || r.PValue == nil {
				t.Errorf("shift %v: got %+v", shift, r)
			}
		}
		if diff := cmp.Diff(&detect.EmbeddingSummary{Model: "m", BaselineN: 80, CurrentN: 90, Dimension: 4}, got.Embedding); diff != "" {
			t.Error(diff)
		}
		// The numbers are those of a VECTOR feature of that name.
		vectors := detect.FeatureInput{
			Name: "note", Type: detect.Vector, Tests: f.Tests[1:], Baseline: detect.Sample{Vectors: f.Embedded.Baseline, Rows: 80}, Current: detect.Sample{Vectors: f.Embedded.Current, Rows: 90},
		}
		for i, r := range detect.Compare(vectors, detect.Settings{}).Results[:3] {
			if *r.PValue != *got.Results[i+1].PValue || *r.Statistic != *got.Results[i+1].Statistic || r.Convention != got.Results[i+1].Convention {
				t.Errorf("got %+v, want %+v", got.Results[i+1], r)
			}
		}
	}
}

// TestNotEmbedded wants errors of tests that have no vectors to look at, and of those alone.
func TestNotEmbedded(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *detect.FeatureInput){
		"failed":     func(f *detect.FeatureInput) { f.Embedded = &detect.Embedded{Err: errors.New("it is down")} },
		"no matrix":  func(f *detect.FeatureInput) { f.Embedded.Current.Rows++ },
		"not asked":  func(f *detect.FeatureInput) { f.Embedded = nil },
		"two widths": func(f *detect.FeatureInput) { f.Embedded.Current = cloud(rand.New(rand.NewPCG(1, 1)), 50, 3, 0) },
	} {
		f := embeddedText(0)
		change(&f)
		got := detect.Compare(f, detect.Settings{})
		if got.Status != detect.StatusError || got.Results[0].Status != detect.StatusOK {
			t.Errorf("%s: got %+v", name, got)
		}
		for _, r := range got.Results[1:4] {
			if r.Status != detect.StatusError || r.Reason == "" || r.PValue != nil || name == "failed" && !strings.Contains(r.Reason, "could not be embedded: it is down") {
				t.Errorf("%s: got %+v", name, r)
			}
		}
		if got.Embedding != nil && name != "two widths" {
			t.Errorf("%s: got %+v", name, got.Embedding)
		}
	}
	f := embeddedText(0)
	f.Embedded = &detect.Embedded{Model: "m"}
	for _, r := range detect.Compare(f, detect.Settings{}).Results[1:4] {
		if r.Status != detect.StatusInsufficientData {
			t.Errorf("got %+v", r)
		}
	}
}

func TestSampleTexts(t *testing.T) {
	t.Parallel()
	texts := []string{"a", "", "b", " \n", "c", "d"}
	if got := detect.SampleTexts(texts, 10, 1, "baseline", "x"); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("got %q", got)
	}
	if got := detect.SampleTexts(nil, 10, 1, "baseline", "x"); len(got) != 0 {
		t.Errorf("got %q", got)
	}
	drawn := make(map[string]bool)
	for seed := range uint64(100) {
		got := detect.SampleTexts(texts, 2, seed, "baseline", "x")
		if len(got) != 2 || !slices.IsSorted(got) || !slices.Equal(got, detect.SampleTexts(texts, 2, seed, "baseline", "x")) {
			t.Fatalf("got %q", got)
		}
		drawn[strings.Join(got, "")] = true
	}
	if len(drawn) != 6 {
		t.Errorf("got %v", drawn)
	}
}
