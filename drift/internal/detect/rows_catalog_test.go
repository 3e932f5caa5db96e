package detect

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rowTests are all tests of the joint distribution of rows, each in all its conventions for tables.
func rowTests() []TestSetting {
	var tests []TestSetting
	for _, spec := range Catalog() {
		for _, c := range spec.Conventions {
			if spec.Test.AppliesToRows() && spec.Kind != KindQuality && (len(c.Types) == 0 || slices.Contains(c.Types, Numeric)) {
				tests = append(tests, TestSetting{Test: spec.Test, Convention: c.Name})
			}
		}
	}
	return tests
}

// applicants has two numbers that go together by the relation, a third, a category and a boolean, with missing values.
func applicants(rng *rand.Rand, rows int, relation, shift float64) Table {
	income, debt, age := make([]float64, rows), make([]float64, rows), make([]float64, rows)
	region, owner := make([]int32, rows), make([]int32, rows)
	for i := range rows {
		income[i] = math.Exp(rng.NormFloat64() + shift)
		debt[i] = relation*math.Log(income[i]) + math.Sqrt(1-relation*relation)*rng.NormFloat64()
		age[i] = rng.NormFloat64()*10 + 40
		region[i], owner[i] = int32(rng.IntN(6))-1, int32(rng.IntN(2))
		if rng.IntN(20) == 0 {
			age[i] = math.NaN()
		}
	}
	return Table{Rows: rows, Columns: []TableColumn{
		{Name: "income", Type: Numeric, Numbers: income},
		{Name: "debt", Type: Numeric, Numbers: debt},
		{Name: "age", Type: Numeric, Numbers: age},
		{Name: "region", Type: Categorical, Codes: region, Names: []string{"n", "e", "s", "w", "m"}},
		{Name: "owner", Type: Boolean, Codes: owner, Names: []string{"false", "true"}},
	}}
}

func evaluateTables(t *testing.T, baseline, current Table, tests ...TestSetting) map[string]Result {
	t.Helper()
	run, err := Evaluate(context.Background(), Input{Rows: &RowInput{Tests: tests, Baseline: baseline, Current: current}}, Settings{Seed: 1, Permutations: 99})
	if err != nil {
		t.Fatal(err)
	}
	if run.PValuesTested > len(tests) || len(run.Rows) != len(tests) {
		t.Errorf("%d p-values, %d results of %d tests", run.PValuesTested, len(run.Rows), len(tests))
	}
	results := map[string]Result{}
	for _, r := range run.Rows {
		results[r.Convention] = r
	}
	return results
}

func TestRowsOfOneDistributionAreFine(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	for convention, r := range evaluateTables(t, applicants(rng, 600, 0.8, 0), applicants(rng, 500, 0.8, 0), rowTests()...) {
		if r.Status != StatusOK || r.PValue == nil || r.QValue == nil || r.BaselineN < 500 || r.BaselineN > 600 || r.CurrentN != 500 {
			t.Errorf("%s: %+v", convention, r)
		}
	}
}

// TestBrokenRelationIsFound: every column by itself is as before, so that no test of single features can find it.
func TestBrokenRelationIsFound(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 2))
	results := evaluateTables(t, applicants(rng, 800, 0.9, 0), applicants(rng, 800, 0, 0), rowTests()...)
	for convention, r := range results {
		if convention == "energy/standardised" && r.Status == StatusWarning {
			continue // the long tail of incomes weighs more than the relation
		}
		if r.Status != StatusDrift || r.Severity < 0.5 || r.Reason == "" {
			t.Errorf("%s: %s, p %v, effect %v", convention, r.Status, *r.PValue, *r.Effect)
		}
	}
	for _, convention := range []string{"covariance/normal-scores", "domain-classifier/cross-validated", "pca/cross-fitted"} {
		contributions := results[convention].Contributions
		if len(contributions) != 5 {
			t.Fatalf("%s: contributions %v", convention, contributions)
		}
		sum := 0.0
		for _, c := range contributions {
			sum += c.Share
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%s: contributions add up to %v", convention, sum)
		}
		if convention != "pca/cross-fitted" && !isPair(contributions, "income", "debt") {
			t.Errorf("%s: contributions %v, want income and debt first", convention, contributions)
		}
	}
	if r := results["covariance/normal-scores"]; r.Direction != DirectionDecrease {
		t.Errorf("correlation %s, want a decrease", r.Direction)
	}
	if r := results["domain-classifier/cross-validated"]; r.EffectInterval == nil || r.EffectInterval.Lower > *r.Effect || r.EffectInterval.Upper < *r.Effect {
		t.Errorf("effect %v in %v", *r.Effect, r.EffectInterval)
	}
}

func isPair(contributions []Contribution, a, b string) bool {
	first, second := contributions[0].Feature, contributions[1].Feature
	return first == a && second == b || first == b && second == a
}

// TestFarRowsHideNothing: a few crafted rows in the current data blow up every standard deviation, and all defaults still find the shift.
func TestFarRowsHideNothing(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	baseline, current := applicants(rng, 600, 0.8, 0), applicants(rng, 600, 0.8, 1)
	for k := range 3 {
		current.Columns[k].Numbers[0], current.Columns[k].Numbers[1] = 1e300, -1e300
	}
	for convention, r := range evaluateTables(t, baseline, current, TestSetting{Test: TestMMD}, TestSetting{Test: TestEnergy}, TestSetting{Test: TestDomainClassifier}) {
		if r.Status != StatusDrift {
			t.Errorf("%s: %s (%s), p %v, effect %v", convention, r.Status, r.Reason, *r.PValue, *r.Effect)
		}
	}
}

// TestRowsHaveDefinedAnswers for tables that have little to say; none panics or fails.
func TestRowsHaveDefinedAnswers(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	numbers := func(columns int, values ...float64) Table {
		table := Table{Rows: 40}
		for k := range columns {
			column := TableColumn{Name: string(rune('a' + k)), Type: Numeric, Numbers: make([]float64, 40)}
			for i := range column.Numbers {
				column.Numbers[i] = values[i%len(values)]
			}
			table.Columns = append(table.Columns, column)
		}
		return table
	}
	codes := func(code int32, names ...string) Table {
		column := TableColumn{Name: "c", Type: Categorical, Codes: make([]int32, 40), Names: names}
		for i := range column.Codes {
			column.Codes[i] = code
		}
		return Table{Rows: 40, Columns: []TableColumn{column}}
	}
	for name, c := range map[string]struct{ baseline, current Table }{
		"no columns":          {Table{Rows: 40}, Table{Rows: 40}},
		"no rows":             {Table{Columns: []TableColumn{{Name: "a", Type: Numeric}}}, numbers(1, 1)},
		"all missing":         {numbers(2, nan), numbers(2, nan)},
		"missing on one side": {numbers(2, 1, 2), numbers(2, nan)},
		"constant":            {numbers(3, 7), numbers(3, 7)},
		"another constant":    {numbers(3, 7), numbers(3, 8)},
		"extreme":             {numbers(3, math.MaxFloat64, -math.MaxFloat64, 0), numbers(3, math.SmallestNonzeroFloat64, 1)},
		"categories missing":  {codes(-1), codes(-1)},
		"other categories":    {codes(0, "x"), codes(1, "x", "y")},
	} {
		for convention, r := range evaluateTables(t, c.baseline, c.current, rowTests()...) {
			if r.Status == StatusError || r.Status == "" || r.Status != StatusOK && r.Reason == "" {
				t.Errorf("%s, %s: %s %q", name, convention, r.Status, r.Reason)
			}
			if name == "constant" && r.Status != StatusOK && r.Status != StatusNotApplicable {
				t.Errorf("%s of equal constants: %s", convention, r.Status)
			}
		}
	}
}

// TestRowResultsStandAlone: a test's numbers do not depend on the others, nor on how the sides number their categories.
func TestRowResultsStandAlone(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 4))
	baseline, current := applicants(rng, 300, 0.8, 0), applicants(rng, 200, 0.8, 0.1)
	together := evaluateTables(t, baseline, current, rowTests()...)
	region := &current.Columns[3]
	region.Names = []string{"m", "w", "s", "e", "n", "never seen"}
	for i, code := range region.Codes {
		if code >= 0 {
			region.Codes[i] = 4 - code
		}
	}
	tests := rowTests()
	slices.Reverse(tests)
	for _, setting := range tests {
		for convention, r := range evaluateTables(t, baseline, current, setting) {
			want := together[convention]
			want.QValue, want.Status, want.Reason, want.Severity = r.QValue, r.Status, r.Reason, r.Severity // of the family
			if diff := cmp.Diff(want, r); diff != "" {
				t.Errorf("%s by itself (-together +alone):\n%s", convention, diff)
			}
		}
	}
}

// TestManyCategoriesAreBounded: a column of names makes a bounded number of columns.
func TestManyCategoriesAreBounded(t *testing.T) {
	t.Parallel()
	column := TableColumn{Name: "id", Type: Categorical, Codes: make([]int32, 2000), Names: make([]string, 2000)}
	for i := range column.Codes {
		column.Codes[i], column.Names[i] = int32(i), string(rune(0x4e00+i))
	}
	table := Table{Rows: 2000, Columns: []TableColumn{column}}
	e := newRowEncoder(table, table, nil)
	if e.width() != maxLevels+1 {
		t.Errorf("%d columns", e.width())
	}
	rows := sampled(1, "x", 2000, 2000, 100)
	baseline, _ := e.encode(rows, func([]float64) {})
	if baseline.Columns > maxLevels {
		t.Errorf("%d columns", baseline.Columns)
	}
	for i := range baseline.Rows {
		sum := 0.0
		for _, v := range baseline.Row(i) {
			sum += v
		}
		if sum != 1 {
			t.Fatalf("row %d is %v times in a category", i, sum)
		}
	}
}

// TestPlacesDoNotDependOnCodes: the most frequent category comes first, and of equal ones the first by name.
func TestPlacesDoNotDependOnCodes(t *testing.T) {
	t.Parallel()
	one := TableColumn{Type: Categorical, Codes: []int32{0, 1, 2, 2, -1}, Names: []string{"b", "a", "c", "unused"}}
	other := TableColumn{Type: Categorical, Codes: []int32{1, 0, 2}, Names: []string{"b", "a", "d"}}
	p := placeCategories([2]TableColumn{one, other})
	if !slices.Equal(p.of[0], []int32{1, 0, 2, 4}) || !slices.Equal(p.of[1], []int32{1, 0, 3}) || p.levels != 4 {
		t.Errorf("places %v, %d levels", p.of, p.levels)
	}
	if !slices.Equal(p.shares, []float64{0.25, 0.25, 0.5, 0, 0}) {
		t.Errorf("shares of the baseline %v", p.shares)
	}
}

// TestOneColumnOfFifty: a shift of one deviation in a single column of many is found, which a fixed limit on MMD² of 0.05 never would.
func TestOneColumnOfFifty(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	table := func(shift float64) Table {
		out := Table{Rows: 300}
		for k := range 50 {
			column := TableColumn{Name: string(rune('A' + k)), Type: Numeric, Numbers: make([]float64, out.Rows)}
			for i := range column.Numbers {
				column.Numbers[i] = rng.NormFloat64()
			}
			out.Columns = append(out.Columns, column)
		}
		for i := range out.Columns[7].Numbers {
			out.Columns[7].Numbers[i] += shift
		}
		return out
	}
	for convention, r := range evaluateTables(t, table(0), table(1), TestSetting{Test: TestMMD}, TestSetting{Test: TestEnergy}, TestSetting{Test: TestDomainClassifier}) {
		if r.Status != StatusDrift {
			t.Errorf("%s: %s, p %v, effect %v", convention, r.Status, *r.PValue, *r.Effect)
		}
		if r.Test == TestDomainClassifier && r.Contributions[0].Feature != "H" {
			t.Errorf("contributions %v, want H first", r.Contributions[:3])
		}
	}
}
