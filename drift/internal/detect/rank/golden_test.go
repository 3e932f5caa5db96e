package rank

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// The values in golden.json come from testdata/golden.py, which says what comes from where.
type golden struct {
	Pairs []struct {
		Name              string
		Baseline, Current goldentest.Sample
		CVM               float64
		CVMP              *float64 `json:"cvm_p"` // nil with ties
		AD                float64
		ADP               float64 `json:"ad_p"` // interpolated, clipped to [0.001, 0.25]
		ADRight           float64 `json:"ad_right"`
		U                 float64
		UP                float64 `json:"u_p"`
		T                 float64
		TDF               float64 `json:"t_df"`
		TP                float64 `json:"t_p"`
		CohenD            float64 `json:"cohen_d"`
		Levene            float64
		LeveneP           float64 `json:"levene_p"`
		Spread            float64
		Wasserstein       float64
		Std               float64  `json:"wasserstein_std"`
		IQR               *float64 `json:"wasserstein_iqr"` // nil when the range is 0
		Evidently         float64  `json:"wasserstein_evidently"`
		Energy            float64
		Inhomogeneity     float64
	}
	Laws []struct {
		Law  string
		X, P float64
	}
	Student   []struct{ DF, T, P float64 }
	Evidently []struct {
		Name  string
		Score float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	return goldentest.Read[golden](t, "testdata/golden.json")
}

func measure(t testing.TB, baseline, current []float64) *Pooled {
	t.Helper()
	p, err := Measure(baseline, current)
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// check compares with a relative tolerance, and near zero with an absolute one.
func check(t *testing.T, name string, got, want, relative, absolute float64) {
	t.Helper()
	if !(math.Abs(got-want) <= max(absolute, relative*math.Abs(want))) {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

func TestGoldenPairs(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Pairs {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			p := measure(t, c.Baseline.Draw(), c.Current.Draw())
			check(t, "T", p.CramerVonMises(), c.CVM, 1e-12, 0)
			if c.CVMP != nil {
				value, exact := p.CramerP()
				// SciPy's series stops at 1e-7, and its p-value is one minus a distribution function.
				absolute := 5e-7
				if exact {
					absolute = 1e-14
				}
				check(t, "p of T", value, *c.CVMP, 1e-9, absolute)
			}
			check(t, "A²", p.Anderson(), c.AD, 1e-12, 1e-12)
			check(t, "A², right", p.AndersonRight(), c.ADRight, 1e-12, 1e-12)
			if c.ADP > 0.001 && c.ADP < 0.25 && !p.Tied() {
				check(t, "p of A²", AndersonP(p.Anderson()), c.ADP, 0.05, 0)
			}
			w := p.MannWhitney()
			check(t, "U", w.U, c.U, 0, 0)
			check(t, "p of U", w.P, c.UP, 1e-9, 1e-300)
			l, err := p.WelchT()
			if err != nil {
				t.Fatal(err)
			}
			check(t, "t", l.T, c.T, 1e-12, 1e-12)
			check(t, "df", l.DF, c.TDF, 1e-12, 0)
			check(t, "p of t", l.P, c.TP, 1e-9, 1e-300)
			check(t, "d", l.CohenD, c.CohenD, 1e-12, 1e-12)
			s, err := p.Levene()
			if err != nil {
				t.Fatal(err)
			}
			check(t, "W", s.W, c.Levene, 1e-12, 1e-12)
			check(t, "p of W", s.P, c.LeveneP, 1e-9, 1e-300)
			check(t, "spread", s.Change, c.Spread, 1e-12, 1e-12)
			check(t, "Wasserstein", p.Wasserstein(), c.Wasserstein, 1e-12, 0)
			check(t, "Wasserstein/std", p.WassersteinStd(), c.Std, 1e-12, 0)
			check(t, "Wasserstein, Evidently", p.WassersteinEvidently(), c.Evidently, 1e-12, 0)
			if c.IQR != nil {
				check(t, "Wasserstein/IQR", p.WassersteinIQR(), *c.IQR, 1e-12, 0)
			} else if !math.IsInf(p.WassersteinIQR(), 1) {
				t.Errorf("Wasserstein/IQR is %v without a range", p.WassersteinIQR())
			}
			check(t, "energy", p.Energy(), c.Energy, 1e-12, 0)
			check(t, "inhomogeneity", p.EnergyEffect(), c.Inhomogeneity, 1e-12, 0)
		})
	}
}

func TestGoldenLaws(t *testing.T) {
	t.Parallel()
	laws := map[string]law{"cramer": cramer, "anderson": anderson}
	for _, c := range readGolden(t).Laws {
		check(t, c.Law, laws[c.Law].sf(c.X), c.P, 0, 2e-11) // what Imhof's integral is good for
		if got := laws[c.Law].quantile(c.P); math.Abs(got-c.X) > 1e-4*c.X {
			t.Errorf("%s: quantile of %v is %v, want %v", c.Law, c.P, got, c.X)
		}
	}
}

// In the tail a law falls by e^{−μ₁/2} for each unit, more and more exactly.
func TestLawTails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		law   law
		first float64
		far   float64
	}{"cramer": {cramer, math.Pi * math.Pi, 130}, "anderson": {anderson, 2, 600}} {
		for x := c.far / 4; x <= c.far; x += c.far / 8 {
			ratio := c.law.sf(x+1) / c.law.sf(x) / math.Exp(-c.first/2)
			want := math.Sqrt(x / (x + 1)) // of a chi-square variable
			check(t, name, ratio, want, 1e-2/x, 0)
		}
		previous := 1.0
		for x := 0.0; x < c.far; x += c.far / 997 {
			v := c.law.sf(x)
			if !(v >= 0 && v <= previous) {
				t.Fatalf("%s rises at %v from %v to %v", name, x, previous, v)
			}
			previous = v
		}
	}
}

func TestGoldenStudent(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Student {
		check(t, "p", tail.Student(c.T*c.T, c.DF), c.P, 1e-9, 1e-300)
		if c.P > 1e-12 {
			check(t, "critical t", CriticalT(c.DF, c.P), c.T, 1e-7, 0)
		}
	}
}

func TestGoldenEvidently(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	for _, c := range g.Evidently {
		for _, pair := range g.Pairs {
			if pair.Name == c.Name {
				p := measure(t, pair.Baseline.Draw(), pair.Current.Draw())
				check(t, c.Name, p.WassersteinEvidently(), c.Score, 1e-10, 0)
			}
		}
	}
}
