package trend

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

type goldenCase struct {
	Seed      uint64     `json:"seed"`
	N         int        `json:"n"`
	Slope     float64    `json:"slope"`
	Step      float64    `json:"step"`
	Levels    float64    `json:"levels"`
	Memory    float64    `json:"memory"`
	Irregular bool       `json:"irregular"`
	Sum       float64    `json:"sum"`
	TheilSen  [4]float64 `json:"theilsen"`
	Tau       float64    `json:"tau"`
	ExactP    *float64   `json:"exact_p"`
	S         int64      `json:"s"`
	NormalP   float64    `json:"normal_p"`
	Inflation float64    `json:"inflation"`
	Penalty   float64    `json:"penalty"`
	Starts    []int      `json:"starts"`
	UnitSlope float64    `json:"unit_slope"`
	Weekly    float64    `json:"weekly_strength"`
}

// make repeats the golden script's make.
func (c goldenCase) make() (days, values []float64) {
	u, w := goldentest.Uniform(c.Seed, c.N), goldentest.Uniform(c.Seed+1, c.N)
	days, values = make([]float64, c.N), make([]float64, c.N)
	total, memory := 0.0, 0.0
	for i := range days {
		days[i] = total
		if c.Irregular {
			total += math.Floor(1+1000*w[i]) / 1000
		} else {
			total++
		}
		memory = float64(c.Memory*memory) + u[i]
		values[i] = float64(memory + float64(c.Slope*days[i]))
		if 2*i >= c.N {
			values[i] += c.Step
		}
		if c.Levels > 0 {
			values[i] = math.Floor(values[i] * c.Levels)
		}
	}
	return days, values
}

func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance*max(math.Abs(a), math.Abs(b)) || math.Abs(a-b) < 1e-14
}

func TestGolden(t *testing.T) {
	t.Parallel()
	golden := goldentest.Read[struct{ Cases []goldenCase }](t, "testdata/golden.json")
	if len(golden.Cases) < 10 {
		t.Fatalf("%d cases", len(golden.Cases))
	}
	for _, c := range golden.Cases {
		t.Run(strconv.FormatUint(c.Seed, 10), func(t *testing.T) {
			t.Parallel()
			checkGolden(t, c)
		})
	}
}

func checkGolden(t *testing.T, c goldenCase) {
	t.Helper()
	days, values := c.make()
	check := func(name string, got, want, tolerance float64) {
		t.Helper()
		if !near(got, want, tolerance) {
			t.Errorf("%s is %.17g, want %.17g", name, got, want)
		}
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	check("sum of the values", sum, c.Sum, 1e-12)

	line := TheilSen(days, values)
	for i, got := range []float64{line.PerDay, line.Intercept, line.Lower, line.Upper} {
		check("slope, intercept or interval", got, c.TheilSen[i], 1e-12)
	}
	steps := make([]float64, c.N)
	for i := range steps {
		steps[i] = float64(i + 1)
	}
	k := MannKendall(steps, values, c.UnitSlope)
	if k.S != c.S {
		t.Errorf("S is %d, want %d", k.S, c.S)
	}
	check("tau", k.Tau, c.Tau, 1e-12)
	variance, _ := varianceS(values)
	check("normal p", normalP(k.S, variance), c.NormalP, 1e-9)
	check("inflation", k.Inflation, c.Inflation, 1e-9) // the script divides two variances
	if k.Exact != (c.ExactP != nil) {
		t.Errorf("exact is %v", k.Exact)
	}
	if c.ExactP != nil {
		check("exact p", k.P, *c.ExactP, 1e-9)
	} else {
		check("p", k.P, c.NormalP, 1e-9)
	}
	if k.PCorrected < k.P {
		t.Errorf("corrected p %g is below %g", k.PCorrected, k.P)
	}
	if starts, _ := Segments(values, c.Penalty); !slices.Equal(starts, c.Starts) {
		t.Errorf("segments start at %v, want %v", starts, c.Starts)
	}
	check("strength of a week", strength(days, values, 7), c.Weekly, 1e-9) // two least-squares fits in the script
}

// strength is that of one period, from the search over a table of one.
func strength(days, values []float64, period float64) float64 {
	basis := newLine(days)
	rest := basis.remove(values)
	c, s := make([]float64, len(days)), make([]float64, len(days))
	for i, d := range days {
		s[i], c[i] = math.Sincos(2 * math.Pi * d / period)
	}
	share, _, _, _ := wave(basis, rest, c, s)
	return share / dot(rest, rest)
}
