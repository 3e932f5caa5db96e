package contingency

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
)

func deciles(baseline, current []float64) []histogram.Bin {
	return histogram.Deciles(histogram.Pair{Baseline: baseline, Current: current}, nil)
}

func decilePSI(baseline, current []float64) Stability { return BinPSI(deciles(baseline, current)) }

func TestPSIGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).PSI {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			bins := deciles(c.Baseline.Draw(), c.Current.Draw())
			psi := BinPSI(bins)
			var a, b []int64
			for _, bin := range bins {
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

func TestPSISparse(t *testing.T) {
	t.Parallel()
	mostly, rarely := make([]float64, 1000), make([]float64, 1000)
	for i := range 50 {
		mostly[950+i] = float64(i + 1)
	}
	for i := range 700 {
		rarely[300+i] = float64(i+1) / 14
	}
	psi := decilePSI(mostly, rarely)
	if psi.PSI < 0.2 || psi.P > 1e-10 {
		t.Errorf("95 %% zeros against 30 %%: PSI = %v, P = %v", psi.PSI, psi.P)
	}
}

func TestPSIConstant(t *testing.T) {
	t.Parallel()
	fours, fives := slices.Repeat([]float64{4}, 100), slices.Repeat([]float64{5}, 100)
	same := decilePSI(fours, fours)
	if same.PSI != 0 || same.P != 1 || same.DF != 0 {
		t.Errorf("equal constants: %+v", same)
	}
	other := decilePSI(fours, fives)
	if other.PSI < 1 || other.P > 1e-10 || other.DF != 1 {
		t.Errorf("different constants: %+v", other)
	}
}
