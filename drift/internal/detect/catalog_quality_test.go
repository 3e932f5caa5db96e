package detect

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// number is a sample of n values.
func number(n int, value func(i int) float64) Sample {
	s := Sample{Rows: int64(n)}
	for i := range n {
		s.Sorted = append(s.Sorted, value(i))
	}
	slices.Sort(s.Sorted)
	return s
}

func texts(n int, value func(i int) string) Sample {
	s := Sample{Rows: int64(n)}
	for i := range n {
		s.Texts = append(s.Texts, value(i))
	}
	return s
}

// only returns the result of a feature's single test.
func only(t *testing.T, f FeatureInput, test Test, convention string) Result {
	t.Helper()
	f.Name = "x"
	f.Tests = []TestSetting{{Test: test, Convention: convention}}
	got := Compare(f, Settings{})
	if len(got.Results) != 2 {
		t.Fatalf("%s: got %+v", test, got)
	}
	return got.Results[0]
}

// TestQualityFindings makes every defect, and compares the sound data with themselves.
func TestQualityFindings(t *testing.T) {
	t.Parallel()
	whole := number(400, func(i int) float64 { return float64(i * 7 % 400) })
	names := categories(map[string]int64{"a": 200, "b": 150, "c": 50})
	words := texts(400, func(i int) string { return "word " + strconv.Itoa(i) })
	least, most := new(-1.0), new(1000.0)
	for _, c := range []struct {
		name             string
		kind             FeatureType
		baseline, broken Sample
		test             Test
		convention       string
		constraint       *Constraint
		direction        Direction
	}{
		{"fractions", Numeric, whole, number(400, func(i int) float64 { return float64(i) + 0.25 }), TestTypeChange, "", nil, DirectionChanged},
		{"words for numbers", Categorical, categories(map[string]int64{"1": 200, "2": 200}), categories(map[string]int64{"1": 300, "n/a": 100}), TestTypeChange, "", nil, DirectionChanged},
		{"numbers for words", Text, words, texts(400, strconv.Itoa), TestTypeChange, "", nil, DirectionChanged},
		{"above the range", Numeric, whole, number(400, func(i int) float64 { return float64(i) * 1.2 }), TestOutOfRange, "", nil, DirectionIncrease},
		{"below the range", Numeric, whole, number(400, func(i int) float64 { return float64(i) - 90 }), TestOutOfRange, "", nil, DirectionDecrease},
		{"below the minimum", Numeric, whole, number(400, func(i int) float64 { return float64(i) - 90 }), TestOutOfRange, "out-of-range/constraint", &Constraint{Min: least}, DirectionIncrease},
		{"above the maximum", Numeric, whole, number(400, func(i int) float64 { return float64(i) * 10 }), TestConstraintViolation, "", &Constraint{Min: least, Max: most}, DirectionIncrease},
		{"not allowed", Categorical, names, categories(map[string]int64{"a": 200, "B": 200}), TestConstraintViolation, "", &Constraint{Allowed: []string{"a", "b", "c"}}, DirectionIncrease},
		{"not matching", Text, words, texts(400, strconv.Itoa), TestConstraintViolation, "", &Constraint{Pattern: regexp.MustCompile(`\A(?:word .*)\z`)}, DirectionIncrease},
		{"numbers twice", Numeric, whole, number(400, func(i int) float64 { return float64(i / 2) }), TestDuplicateValues, "", nil, DirectionIncrease},
		{"texts twice", Text, words, texts(400, func(i int) string { return strconv.Itoa(i / 2) }), TestDuplicateValues, "", nil, DirectionIncrease},
		{"stuck", Numeric, whole, number(400, func(int) float64 { return 7 }), TestConstantColumn, "", nil, DirectionChanged},
		{"one category", Categorical, names, categories(map[string]int64{"a": 400}), TestConstantColumn, "", nil, DirectionChanged},
		{"new category", Categorical, names, categories(map[string]int64{"a": 350, "z": 50}), TestUnseenCategories, "", nil, DirectionIncrease},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := FeatureInput{Type: c.kind, Baseline: c.baseline, Current: c.baseline, Constraint: c.constraint}
			if got := only(t, f, c.test, c.convention); got.Status != StatusOK || *got.Effect != 0 || got.Direction != DirectionNone {
				t.Errorf("with itself: got %+v", got)
			}
			f.Current = c.broken
			got := only(t, f, c.test, c.convention)
			if got.Status != StatusDrift || got.Direction != c.direction || *got.PValue > 0.001 {
				t.Errorf("got %+v, p %v", got, *got.PValue)
			}
			if got.Threshold != nil && math.Abs(*got.Statistic) < *got.Threshold {
				t.Errorf("statistic %v is under the threshold %v", *got.Statistic, *got.Threshold)
			}
		})
	}
}

func TestQualityNotApplicable(t *testing.T) {
	t.Parallel()
	numbers := number(50, func(i int) float64 { return float64(i) })
	letters := categories(map[string]int64{"a": 50})
	for _, c := range []struct {
		f          FeatureInput
		test       Test
		convention string
	}{
		{FeatureInput{Type: Numeric, Baseline: numbers, Current: numbers}, TestOutOfRange, "out-of-range/constraint"},
		{FeatureInput{Type: Numeric, Baseline: numbers, Current: numbers}, TestConstraintViolation, ""},
		{FeatureInput{Type: Numeric, Baseline: numbers, Current: numbers, Constraint: &Constraint{Unique: true}}, TestConstraintViolation, ""},
		{FeatureInput{Type: Categorical, Baseline: letters, Current: letters, Constraint: &Constraint{Unique: true}}, TestConstraintViolation, ""},
	} {
		if got := only(t, c.f, c.test, c.convention); got.Status != StatusNotApplicable || got.Reason == "" {
			t.Errorf("%s: got %+v", c.test, got)
		}
	}
	// A constraint that nothing can meet is met by nothing, on both sides.
	impossible := FeatureInput{Type: Numeric, Baseline: numbers, Current: numbers, Constraint: &Constraint{Min: new(9.0), Max: new(1.0)}}
	if got := only(t, impossible, TestConstraintViolation, ""); got.Status != StatusOK {
		t.Errorf("got %+v", got)
	}
}

// TestRepeatedRows numbers the categories of the sides differently.
func TestRepeatedRows(t *testing.T) {
	t.Parallel()
	const n = 200
	table := func(names []string, of func(i int) int) Table {
		number, name := TableColumn{Name: "n", Type: Numeric}, TableColumn{Name: "c", Type: Categorical, Names: names}
		for i := range n {
			i = of(i)
			number.Numbers = append(number.Numbers, []float64{math.NaN(), 0, math.Copysign(0, -1), float64(i)}[min(i, 3)])
			name.Codes = append(name.Codes, int32(slices.Index(names, []string{"", "x", "y"}[i%3])))
		}
		return Table{Rows: n, Columns: []TableColumn{number, name}}
	}
	baseline := table([]string{"x", "y"}, func(i int) int { return i })
	run := func(current Table) Result {
		got, err := Evaluate(context.Background(), Input{Rows: &RowInput{Tests: []TestSetting{{Test: TestDuplicateRows}}, Baseline: baseline, Current: current}}, Settings{})
		if err != nil || len(got.Rows) != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		return got.Rows[0]
	}
	if got := run(table([]string{"y", "x"}, func(i int) int { return i })); got.Status != StatusOK || *got.PValue != 1 {
		t.Errorf("the same rows: got %+v", got)
	}
	if got := run(table([]string{"y", "x"}, func(i int) int { return i / 2 })); got.Status != StatusDrift || got.Direction != DirectionIncrease || *got.Effect < 0.49 {
		t.Errorf("every row twice: got %+v", got)
	}
	same := table([]string{"y", "x"}, func(i int) int { return i }).digests(0, 1, nil)
	for i, d := range baseline.digests(0, 1, nil) {
		if j := slices.Index(same, d); j != i {
			t.Errorf("row %d equals row %d", i, j)
		}
	}
	var parts []digest
	for part := range 4 {
		parts = baseline.digests(part, 4, parts)
	}
	slices.SortFunc(parts, digest.compare)
	slices.SortFunc(same, digest.compare)
	if !slices.Equal(parts, same) {
		t.Error("the rows of all parts are not the table's")
	}
}

// TestQualityNasty asks a defined status of every test of quality, text and time, whatever the data.
func TestQualityNasty(t *testing.T) {
	t.Parallel()
	negative := math.Copysign(0, -1)
	samples := map[FeatureType][]Sample{
		Numeric: {
			{},
			number(1, func(int) float64 { return 5e-324 }), number(40, func(int) float64 { return 0 }),
			number(40, func(i int) float64 { return float64(i%2) * negative }), number(40, func(i int) float64 { return float64(i%3-1) * math.MaxFloat64 }),
		},
		Categorical: {{}, categories(map[string]int64{"": 40}), categories(map[string]int64{strings.Repeat("é", 1<<19): 20, "a": 20}), categories(map[string]int64{"a": 1 << 51, "b": 1})},
		Boolean:     {{}, categories(map[string]int64{"true": 40}), categories(map[string]int64{"true": 20, "false": 20})},
		Text: {
			{},
			texts(40, func(int) string { return "" }), texts(40, func(i int) string { return strings.Repeat("a ", i) }), texts(40, func(int) string { return "\xff\x00\u202e" }),
			texts(40, func(i int) string { return strings.Repeat(string(rune('a'+i%26)), 65_536) }),
		},
		Timestamp: {{}, {Times: make([]int64, 40), Rows: 40}, {Times: []int64{math.MinInt64, -1, 0, 1, math.MaxInt64}, Rows: 5}},
	}
	for kind, list := range samples {
		for _, spec := range slices.Concat(qualitySpecs(), textSpecs(), timeSpecs()) {
			for _, convention := range spec.Conventions {
				setting := TestSetting{Test: spec.Test, Convention: convention.Name}
				if setting.Validate(kind) != nil {
					continue
				}
				for i, baseline := range list {
					for j, current := range list {
						got := Compare(FeatureInput{
							Name: "x", Type: kind, Tests: []TestSetting{setting.WithDefaults(kind)}, Baseline: baseline, Current: current,
							Constraint: &Constraint{Min: new(math.Inf(-1)), Max: new(0.0), Allowed: []string{"a"}, Format: "json"},
						}, Settings{MinRows: 1, Permutations: 99})
						for _, r := range got.Results {
							known := []Status{StatusOK, StatusDrift, StatusWarning, StatusInsufficientData, StatusNotApplicable}
							if !slices.Contains(known, r.Status) || r.Status != StatusOK && r.Reason == "" {
								t.Errorf("%s of %s %d, %d: got %+v", setting.Convention, kind, i, j, r)
							}
						}
					}
				}
			}
		}
	}
}

// TestUniqueNamesAreNoDrift has a column of which nearly every row has a name of its own: on the current side hardly one is known, which is what chance gives.
func TestUniqueNamesAreNoDrift(t *testing.T) {
	t.Parallel()
	named := func(first, rows int) Sample {
		counts := make(map[string]int64, rows)
		for i := range rows {
			counts["name "+strconv.Itoa(first+i)] = 1
		}
		return categories(counts)
	}
	got := Compare(FeatureInput{Type: Categorical, Baseline: named(0, 3000), Current: named(3000, 3000), Tests: []TestSetting{{Test: TestUnseenCategories}}}, Settings{})
	if r := got.Results[0]; r.Status != StatusOK || *r.Statistic != 3000 || *r.Effect > 0.01 {
		t.Errorf("status %s, %v rows, effect %v, p %v", r.Status, *r.Statistic, *r.Effect, *r.PValue)
	}
}
