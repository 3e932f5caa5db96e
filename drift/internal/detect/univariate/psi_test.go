package univariate

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func TestPSIGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).PSI {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			psi, err := PSI(c.Baseline.Draw(), c.Current.Draw())
			if err != nil {
				t.Fatal(err)
			}
			var a, b []int64
			for _, bin := range psi.Bins {
				a, b = append(a, bin.Baseline), append(b, bin.Current)
			}
			if diff := cmp.Diff(c.BaselineCounts, a); diff != "" {
				t.Errorf("baseline counts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.CurrentCounts, b); diff != "" {
				t.Errorf("current counts (-want +got):\n%s", diff)
			}
			if !goldentest.Near(psi.PSI, c.PSI, 1e-12) {
				t.Errorf("PSI = %v, want %v", psi.PSI, c.PSI)
			}
			if psi.DF != c.DF || (!goldentest.Near(psi.P, c.P, 1e-9) && math.Abs(psi.P-c.P) > tiny) {
				t.Errorf("DF = %d, P = %v, want %d, %v", psi.DF, psi.P, c.DF, c.P)
			}
		})
	}
}

// The published value for the shares .1 .2 .3 .4 against four quarters; the
// half rows do not show in large counts.
func TestCategoryPSIOracle(t *testing.T) {
	t.Parallel()
	const n = int64(1e12)
	table, err := NewTable(
		map[string]int64{"a": n, "b": 2 * n, "c": 3 * n, "d": 4 * n},
		map[string]int64{"a": 5 * n, "b": 5 * n, "c": 5 * n, "d": 5 * n},
	)
	if err != nil {
		t.Fatal(err)
	}
	psi, err := CategoryPSI(table)
	if err != nil {
		t.Fatal(err)
	}
	if !goldentest.Near(psi.PSI, 0.22821740957339182, 1e-9) || psi.DF != 3 {
		t.Errorf("PSI = %v, DF = %d", psi.PSI, psi.DF)
	}
}

func TestDecileBins(t *testing.T) {
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
		got, err := DecileBins(c.baseline, c.current)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPSISparse(t *testing.T) {
	t.Parallel()
	mostly, rarely := make([]float64, 1000), make([]float64, 1000)
	for i := range 50 {
		mostly[950+i] = float64(i + 1)
	}
	for i := range 700 {
		rarely[300+i] = float64(i+1) / 14
	}
	psi, err := PSI(mostly, rarely)
	if err != nil {
		t.Fatal(err)
	}
	if psi.PSI < 0.2 || psi.P > 1e-10 {
		t.Errorf("95 %% zeros against 30 %%: PSI = %v, P = %v", psi.PSI, psi.P)
	}
}

func TestPSIConstant(t *testing.T) {
	t.Parallel()
	fours, fives := slices.Repeat([]float64{4}, 100), slices.Repeat([]float64{5}, 100)
	same, err := PSI(fours, fours)
	if err != nil {
		t.Fatal(err)
	}
	if same.PSI != 0 || same.P != 1 || same.DF != 0 {
		t.Errorf("equal constants: %+v", same)
	}
	other, err := PSI(fours, fives)
	if err != nil {
		t.Fatal(err)
	}
	if other.PSI < 1 || other.P > 1e-10 || other.DF != 1 {
		t.Errorf("different constants: %+v", other)
	}
}
