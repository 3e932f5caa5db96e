package multivariate

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	good, nan, wide := normalMatrix(rng, 20, 2, 0, 1), normalMatrix(rng, 20, 2, 0, 1), normalMatrix(rng, 20, 3, 0, 1)
	nan.Values[7] = math.Inf(1)
	short := Matrix{Rows: 20, Columns: 2, Values: good.Values[:30]}
	for name, test := range tests {
		for kind, c := range map[string]struct {
			baseline, current Matrix
			want              error
		}{
			"no rows":    {Matrix{Columns: 2}, good, ErrFew},
			"one row":    {good, good.Each().head(1), ErrFew},
			"no columns": {Matrix{Rows: 20}, Matrix{Rows: 20}, ErrShape},
			"columns":    {good, wide, ErrShape},
			"values":     {short, good, ErrShape},
			"infinite":   {good, nan, ErrNotFinite},
		} {
			if strings.HasPrefix(name, "classifier") {
				continue // they take columns; their own tests are below
			}
			if name == "random features" && kind == "values" {
				continue // they take rows, each of which is whole
			}
			if _, _, err := test(c.baseline, c.current, rng); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v, want %v", name, kind, err, c.want)
			}
		}
	}
	for kind, c := range map[string]struct {
		baseline, current [][]float64
		want              error
	}{
		"no columns": {nil, nil, ErrShape},
		"columns":    {good.ByColumn(), wide.ByColumn(), ErrShape},
		"few rows":   {good.ByColumn(), good.Each().head(9).ByColumn(), ErrFew},
	} {
		if _, err := Classify(c.baseline, c.current, permutation.Draws{Rand: rng, Alpha: alpha}); !errors.Is(err, c.want) {
			t.Errorf("classifier, %s: %v, want %v", kind, err, c.want)
		}
	}
	if _, err := Classify(good.ByColumn(), nan.ByColumn(), permutation.Draws{Rand: rng, Alpha: alpha}); err == nil {
		t.Error("classifier takes an infinity")
	}
	if _, err := Correlations(good.Pick([]int{0, 1, 2, 3}), good.Each().head(3), permutation.Draws{Count: draws, Rand: rng, Alpha: alpha}); !errors.Is(err, ErrFew) {
		t.Errorf("correlations of three rows: %v", err)
	}
}

// TestDegenerateSamples: equal, constant and extreme values have an answer with a p-value in (0,1] and an effect in range.
func TestDegenerateSamples(t *testing.T) {
	t.Parallel()
	fill := func(rows int, values ...float64) Matrix {
		m := NewMatrix(rows, 2)
		for i := range m.Values {
			m.Values[i] = values[i%len(values)]
		}
		return m
	}
	tiny, huge := math.SmallestNonzeroFloat64, math.MaxFloat64
	for name, c := range map[string]struct {
		baseline, current Matrix
		different         bool
	}{
		"constant, equal":     {fill(20, 3), fill(30, 3), false},
		"constant, different": {fill(20, 3), fill(30, 4), true},
		"zeros of both signs": {fill(20, 0), fill(20, math.Copysign(0, -1)), false},
		"subnormal":           {fill(20, 0, tiny), fill(30, tiny, 0), true},
		"huge":                {fill(20, huge, -huge), fill(30, -huge, huge), true},
		"two values":          {fill(20, 0, 1, 1, 0), fill(30, 1, 0, 0, 1), false},
		"mixed sizes":         {fill(20, 1, 2, 1e300), fill(30, 2, 1e-300, 1), true},
	} {
		for which, test := range tests {
			rng := rand.New(rand.NewPCG(1, 1))
			p, effect, err := test(c.baseline, c.current, rng)
			if which == "reconstruction" && errors.Is(err, ErrAllKept) {
				continue
			}
			if err != nil {
				t.Errorf("%s, %s: %v", which, name, err)
			}
			if !(p > 0 && p <= 1) || !(effect >= 0 && effect <= 2) {
				t.Errorf("%s, %s: p %v, effect %v", which, name, p, effect)
			}
			if !c.different && p <= alpha {
				t.Errorf("%s finds a difference of %s: p %v", which, name, p)
			}
			if c.different && (which == "MMD" || which == "energy") && p > alpha {
				t.Errorf("%s finds no difference of %s: p %v", which, name, p)
			}
		}
	}
}

// TestDeterminism: the same samples and seed give the same result.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	x, y := heavy(rng, 60, 4), heavy(rng, 50, 4)
	for name, test := range tests {
		p1, e1, err1 := test(x, y, rand.New(rand.NewPCG(1, 2)))
		p2, e2, err2 := test(x, y, rand.New(rand.NewPCG(1, 2)))
		if p1 != p2 || e1 != e2 || err1 != nil || err2 != nil {
			t.Errorf("%s: %v %v %v, then %v %v %v", name, p1, e1, err1, p2, e2, err2)
		}
	}
}

// TestPermutationIsOfLabels: every division of a small sample is as likely, so that the p-values are multiples of 1/(draws+1) spread evenly,
// and the statistic of a division is the same from either side.
func TestPermutationIsOfLabels(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 8))
	x, y := normalMatrix(rng, 12, 2, 0, 1), normalMatrix(rng, 7, 2, 1, 1)
	there, err := NewPairs(x, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := NewPairs(y, x, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, b := there.Energy(permutation.Draws{Count: draws, Rand: rng, Alpha: alpha}), back.Energy(permutation.Draws{Count: draws, Rand: rng, Alpha: alpha})
	check(t, "statistic of the sides exchanged", a.Statistic, b.Statistic, 1e-12)
	check(t, "effect of the sides exchanged", a.Effect, b.Effect, 1e-12)
}

func TestPermute(t *testing.T) {
	t.Parallel()
	next := 0.0
	count := func() float64 { next++; return next }
	for _, c := range []struct{ observed, p, critical float64 }{{100, 0.01, 96}, {96, 0.05, 96}, {95, 0.06, 96}, {0, 1, 96}} {
		next = 0
		if p, critical := permute(c.observed, permutation.Draws{Count: 99, Alpha: 0.05}, 1, count); p != c.p || critical != c.critical {
			t.Errorf("observed %v: p %v, critical %v, want %v, %v", c.observed, p, critical, c.p, c.critical)
		}
	}
	// Equal but for rounding counts as equal.
	if p, _ := permute(1+1e-15, permutation.Draws{Count: 9, Alpha: 0.05}, 1, func() float64 { return 1 }); p != 1 {
		t.Errorf("p %v of equal draws", p)
	}
}

func TestNth(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 2))
	for n := 1; n < 60; n++ {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(rng.IntN(1 + n/2))
		}
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		for k := range n {
			if got := nth(slices.Clone(values), k); got != sorted[k] {
				t.Fatalf("place %d of %v: %v, want %v", k, values, got, sorted[k])
			}
		}
	}
}

// TestReconstructionWithoutResidue: with every component kept nothing can be lost, however far the rows are.
func TestReconstructionWithoutResidue(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 4))
	if _, err := Reconstruct(normalMatrix(rng, 100, 1, 0, 1), normalMatrix(rng, 100, 1, 50, 1), 0.65, nil); !errors.Is(err, ErrAllKept) {
		t.Errorf("one column: %v, want %v", err, ErrAllKept)
	}
	// Three columns, all of them 50 standard deviations away: the replaced engine kept all components and saw nothing.
	r, err := Reconstruct(normalMatrix(rng, 100, 3, 0, 1), normalMatrix(rng, 100, 3, 50, 1), 0.65, nil)
	if err != nil || r.P > 1e-9 || r.Effect < 0.99 || r.Direction != 1 {
		t.Errorf("three columns far away: %+v, %v", r, err)
	}
}

// TestProjectionKeepsDistances on average.
func TestProjectionKeepsDistances(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 6))
	const rows, columns = 40, 1000
	p := NewProjection(columns, rng)
	draw := func() (wide, image []float64) {
		row := make([]float32, columns)
		wide, image = make([]float64, columns), make([]float64, MaxProjected)
		for k := range row {
			row[k] = float32(rng.NormFloat64())
			wide[k] = float64(row[k])
		}
		p.Row(row, image)
		return wide, image
	}
	ratio := 0.0
	for range rows {
		x, px := draw()
		y, py := draw()
		ratio += squaredDistance(px, py, 1) / squaredDistance(x, y, 1) / rows
	}
	if math.Abs(ratio-1) > 0.15 {
		t.Errorf("squared distances are %v of what they were", ratio)
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	seen := make([]int, 5)
	for range 3000 {
		rows := Sample(rng, 5, 3)
		if len(rows) != 3 || rows[0] == rows[1] || rows[0] == rows[2] || rows[1] == rows[2] {
			t.Fatal(rows)
		}
		for _, row := range rows {
			seen[row]++
		}
	}
	for _, n := range seen {
		if n < 1650 || n > 1950 { // 1,800 expected, standard deviation 27
			t.Errorf("rows are drawn %v times", seen)
		}
	}
	if rows := Sample(rng, 3, 9); len(rows) != 3 {
		t.Errorf("%v of 3 rows", rows)
	}
}

// TestDrawsAreUniform: every row is as often in the smaller side.
func TestDrawsAreUniform(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 9))
	p, err := NewPairs(normalMatrix(rng, 6, 2, 0, 1), normalMatrix(rng, 4, 2, 0, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := newLabelling(p, p.squared, 1)
	seen := make([]int, p.rows())
	for range 5000 {
		l.draw(rng)
		for _, row := range l.side {
			seen[row]++
		}
	}
	for _, n := range seen {
		if n < 1860 || n > 2140 { // 2,000 expected, standard deviation 35
			t.Fatalf("rows are drawn %v times", seen)
		}
	}
}
