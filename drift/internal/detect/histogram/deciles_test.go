package histogram

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeciles(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		baseline, current []float64
		want              []Bin
	}{
		"heavy value in the middle": {
			baseline: slices.Concat([]float64{1}, slices.Repeat([]float64{5}, 18), []float64{7}),
			current:  []float64{0, 5, 6, 8, 9},
			want: []Bin{
				{Lower: -inf, Upper: 5, Open: true, Baseline: 1, Current: 1},
				{Lower: 5, Upper: 5, Atom: true, Baseline: 18, Current: 1},
				{Lower: 5, Upper: inf, Baseline: 1, Current: 3},
			},
		},
		"heavy largest value": {
			baseline: slices.Concat([]float64{1, 2}, slices.Repeat([]float64{3}, 18)),
			current:  []float64{2, 3, 4},
			want: []Bin{
				{Lower: -inf, Upper: 2, Baseline: 2, Current: 1},
				{Lower: 2, Upper: 3, Open: true},
				{Lower: 3, Upper: 3, Atom: true, Baseline: 18, Current: 1},
				{Lower: 3, Upper: inf, Current: 1},
			},
		},
		"constant": {
			baseline: slices.Repeat([]float64{4}, 50),
			current:  slices.Repeat([]float64{4}, 60),
			want: []Bin{
				{Lower: -inf, Upper: 4, Open: true},
				{Lower: 4, Upper: 4, Atom: true, Baseline: 50, Current: 60},
				{Lower: 4, Upper: inf},
			},
		},
	} {
		got := Deciles(Pair{Baseline: c.baseline, Current: c.current}, nil)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
