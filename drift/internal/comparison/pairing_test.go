package comparison

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// TestDistinct counts as a set does, as far as it counts at all.
func TestDistinct(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var f detect.FeatureInput
		set := map[float64]bool{}
		draw := func() []float64 {
			values := make([]float64, random.IntN(300))
			for i := range values {
				values[i] = float64(random.IntN(1 + random.IntN(80)))
				set[values[i]] = true
			}
			slices.Sort(values)
			return values
		}
		f.Baseline.Sorted, f.Current.Sorted = draw(), draw()
		if got := distinct(f); got != int64(len(set)) {
			t.Fatalf("got %d, want %d of %v and %v", got, len(set), f.Baseline.Sorted, f.Current.Sorted)
		}
	}
	f := detect.FeatureInput{Baseline: detect.Sample{Counts: map[string]int64{"a": 1, "b": 2}}, Current: detect.Sample{Counts: map[string]int64{"b": 1, "c": 1}}}
	if got := distinct(f); got != 3 {
		t.Errorf("got %d categories, want 3", got)
	}
	// Of a million different values it looks at few.
	many := make([]float64, 1_000_000)
	for i := range many {
		many[i] = float64(i)
	}
	if got := distinct(detect.FeatureInput{Baseline: detect.Sample{Sorted: many}, Current: detect.Sample{Sorted: many}}); got <= 50_000 || got > 200_000 {
		t.Errorf("got %d", got)
	}
}

func TestPattern(t *testing.T) {
	t.Parallel()
	p, err := new(Patterns).Parse("f", "a|bb")
	if err != nil || !p.MatchString("a") || !p.MatchString("bb") || p.MatchString("ab") || p.MatchString("abb") || p.MatchString("a\n") {
		t.Errorf("got %v, %v", p, err)
	}
	if p, err := new(Patterns).Parse("f", ""); p != nil || err != nil {
		t.Errorf("got %v, %v", p, err)
	}
	for _, bad := range []string{"(", "a)(b", `\C`} {
		_, err := new(Patterns).Parse("f", bad)
		var refused *errs.Error
		if !errors.As(err, &refused) || refused.Violations[0].Field != "f" {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

// TestIncomparable wants every verdict worsened that says nothing was found, and no other.
func TestIncomparable(t *testing.T) {
	t.Parallel()
	values := detect.Sample{Sorted: make([]float64, 100), Rows: 100}
	far := detect.Sample{Sorted: slices.Repeat([]float64{9}, 100), Rows: 100}
	set := func(names ...string) sample.Set {
		s := sample.Set{Rows: 100}
		for _, name := range names {
			s.Features, s.Samples = append(s.Features, sample.Feature{Name: name, Type: detect.Numeric}), append(s.Samples, values)
		}
		return s
	}
	moved := set("a")
	moved.Samples[0] = far
	named := Request{Features: []Feature{{Name: "a", Type: detect.Numeric}, {Name: "b", Type: detect.Numeric}}}
	for name, c := range map[string]struct {
		request           Request
		baseline, current sample.Set
		want              detect.Status
	}{
		"same columns":      {Request{}, set("a", "b"), set("b", "a"), detect.StatusOK},
		"removed":           {Request{}, set("a", "b"), set("a"), detect.StatusWarning},
		"removed and drift": {Request{}, set("a", "b"), moved, detect.StatusDrift},
		"new":               {Request{}, set("a"), set("a", "b"), detect.StatusOK},
		"new but named":     {named, set("a"), set("a", "b"), detect.StatusWarning},
		"not named":         {named, set("a", "b", "c"), set("a", "b", "d"), detect.StatusOK},
		"nothing in common": {Request{}, set("a"), set("b"), detect.StatusInsufficientData},
	} {
		got, err := c.request.Compare(t.Context(), c.baseline, c.current, nil)
		if err != nil || got.Status != c.want {
			t.Errorf("%s: got %s (%s), %v, want %s", name, got.Status, got.Summary, err, c.want)
		}
	}
}
