package detect

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestExplainNumbers(t *testing.T) {
	t.Parallel()
	baseline, current := make([]float64, 100), make([]float64, 100)
	for i := range baseline {
		baseline[i] = float64(i)
		current[i] = float64(i)
	}
	// The lowest tenth moves beyond the highest.
	current = append(current[10:], 200, 201, 202, 203, 204, 205, 206, 207, 208, 209)
	got := explain(FeatureInput{
		Type:     Numeric,
		Baseline: Sample{Sorted: baseline, Rows: 100},
		Current:  Sample{Sorted: current, Rows: 100},
	})
	nine, eightyNine := 9.0, 89.0
	want := &Explanation{Bins: []BinChange{
		{Upper: &nine, BaselineShare: 0.1, Change: -0.1},
		{Lower: &eightyNine, BaselineShare: 0.1, CurrentShare: 0.2, Change: 0.1},
	}}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExplainCategories(t *testing.T) {
	t.Parallel()
	got := explain(FeatureInput{
		Type:     Categorical,
		Baseline: categories(map[string]int64{"same": 50, "gone": 25, "less": 25}),
		Current:  categories(map[string]int64{"same": 10, "new": 4, "newer": 4, "less": 2}),
	})
	gone := CategoryChange{Category: "gone", BaselineShare: 0.25, Change: -0.25}
	fresh := CategoryChange{Category: "new", CurrentShare: 0.2, Change: 0.2}
	newer := CategoryChange{Category: "newer", CurrentShare: 0.2, Change: 0.2}
	less := CategoryChange{Category: "less", BaselineShare: 0.25, CurrentShare: 0.1, Change: -0.15}
	want := &Explanation{
		Categories:    []CategoryChange{gone, fresh, newer, less},
		Unseen:        []CategoryChange{fresh, newer},
		Vanished:      []CategoryChange{gone},
		UnseenTotal:   2,
		VanishedTotal: 1,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExplainNothing(t *testing.T) {
	t.Parallel()
	if got := explain(FeatureInput{Type: Numeric, Baseline: numbers(1, 50, 0, 0)}); got != nil {
		t.Errorf("without current values: %+v", got)
	}
}
