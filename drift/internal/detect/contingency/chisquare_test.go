package contingency

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// namedCounts names counts so that names sort as the counts stand.
func namedCounts(counts []int64) map[string]int64 {
	named := map[string]int64{}
	for i, c := range counts {
		named[fmt.Sprintf("c%03d", i)] = c
	}
	return named
}

func newTable(t testing.TB, baseline, current []int64) Table {
	t.Helper()
	table, err := NewTable(namedCounts(baseline), namedCounts(current))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestChiSquareGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).ChiSquare {
		chi, err := ChiSquare(newTable(t, c.Baseline, c.Current))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(chi.Statistic-c.Statistic) > 1e-12*max(1, c.Statistic) {
			t.Errorf("%s: statistic %v, want %v", c.Name, chi.Statistic, c.Statistic)
		}
		if chi.DF != c.DF || !goldentest.Near(chi.P, c.P, 1e-9) && math.Abs(chi.P-c.P) > tiny {
			t.Errorf("%s: df %d, p %v, want %d, %v", c.Name, chi.DF, chi.P, c.DF, c.P)
		}
		if math.Abs(chi.CramersV-c.V) > 1e-12 {
			t.Errorf("%s: V %v, want %v", c.Name, chi.CramersV, c.V)
		}
	}
}

func TestChiSquareOracle(t *testing.T) {
	t.Parallel()
	chi, err := ChiSquare(newTable(t, []int64{100, 100, 300}, []int64{90, 120, 290}))
	if err != nil {
		t.Fatal(err)
	}
	if !goldentest.Near(chi.Statistic, 2.5139891330792308, 1e-12) || !goldentest.Near(chi.P, 0.28450781215751675, 1e-12) || chi.DF != 2 {
		t.Errorf("got %+v", chi)
	}
}

func TestTablePooled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		baseline, current []int64
		want              []cell
		rare              int
	}{
		"none rare":                {[]int64{50, 50}, []int64{40, 60}, []cell{{50, 40}, {50, 60}}, 0},
		"rare ones together":       {[]int64{90, 80, 1, 2, 0}, []int64{90, 80, 2, 0, 1}, []cell{{90, 90}, {80, 80}, {3, 3}}, 3},
		"rare rest joins smallest": {[]int64{90, 80, 1, 0}, []int64{90, 80, 0, 1}, []cell{{90, 90}, {81, 81}}, 2},
		"rare rest with one other": {[]int64{99, 1}, []int64{98, 2}, []cell{{99, 98}, {1, 2}}, 1},
		"all rare":                 {[]int64{1, 1, 1, 0, 0}, []int64{0, 0, 1, 1, 1}, []cell{{3, 3}}, 5},
		"one category":             {[]int64{30}, []int64{40}, []cell{{30, 40}}, 0},
	} {
		got, rare, err := newTable(t, c.baseline, c.current).pooled()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(cell{})); diff != "" || rare != c.rare {
			t.Errorf("%s: %d rare (-want +got):\n%s", name, rare, diff)
		}
	}
}

func TestChiSquareUnseenAndVanished(t *testing.T) {
	t.Parallel()
	table, err := NewTable(
		map[string]int64{"kept": 50, "gone": 50, "never": 0},
		map[string]int64{"kept": 50, "new": 50, "newer": 0},
	)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Category{{Name: "new", Current: 50}}, table.Unseen()); diff != "" {
		t.Errorf("unseen (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Category{{Name: "gone", Baseline: 50}}, table.Vanished()); diff != "" {
		t.Errorf("vanished (-want +got):\n%s", diff)
	}
	chi, err := ChiSquare(table)
	if err != nil {
		t.Fatal(err)
	}
	if !goldentest.Near(chi.CramersV, math.Sqrt(0.5), 1e-12) || chi.P > 1e-10 {
		t.Errorf("got %+v", chi)
	}
}

// The usual V of this change would be 0.03, for no reason but the sizes.
func TestCramersVIgnoresSizes(t *testing.T) {
	t.Parallel()
	chi, err := ChiSquare(newTable(t, []int64{500_000, 500_000}, []int64{1000, 0}))
	if err != nil {
		t.Fatal(err)
	}
	if want := math.Sqrt(1.0 / 3); !goldentest.Near(chi.CramersV, want, 1e-12) {
		t.Errorf("V = %v, want %v", chi.CramersV, want)
	}
}

func TestNewTableRefuses(t *testing.T) {
	t.Parallel()
	good := map[string]int64{"a": 1}
	for name, bad := range map[string]map[string]int64{
		"negative": {"a": -1},
		"overflow": {"a": math.MaxInt64, "b": math.MaxInt64},
	} {
		if _, err := NewTable(bad, good); !errors.Is(err, ErrBadCount) {
			t.Errorf("%s baseline: %v", name, err)
		}
		if _, err := NewTable(good, bad); !errors.Is(err, ErrBadCount) {
			t.Errorf("%s current: %v", name, err)
		}
	}
	for name, c := range map[string][2]map[string]int64{"baseline": {nil, good}, "current": {good, {"a": 0}}} {
		table, err := NewTable(c[0], c[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ChiSquare(table); !errors.Is(err, ErrEmpty) {
			t.Errorf("empty %s: %v", name, err)
		}
		if _, err := CategoryPSI(table); !errors.Is(err, ErrEmpty) {
			t.Errorf("empty %s, PSI: %v", name, err)
		}
	}
}
