package detect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/cputest"
	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// everyTest asks for every convention of every test that applies to a type.
func everyTest(kind detect.FeatureType) (tests []detect.TestSetting) {
	for _, spec := range detect.Catalog() {
		for _, c := range spec.Conventions {
			if _, ok := spec.Convention(c.Name, kind); ok && spec.Test.Applies(kind) {
				tests = append(tests, detect.TestSetting{Test: spec.Test, Convention: c.Name})
			}
		}
	}
	return tests
}

// everyRowTest asks for every convention of every test of whole rows.
func everyRowTest() (tests []detect.TestSetting) {
	for _, spec := range detect.Catalog() {
		for _, c := range spec.Conventions {
			if _, ok := spec.Convention(c.Name, detect.Numeric); ok && spec.Test.AppliesToRows() {
				tests = append(tests, detect.TestSetting{Test: spec.Test, Convention: c.Name})
			}
		}
	}
	return tests
}

// patience is how long all tests of a feature may take; it is generous, since it must hold under the race detector beside other tests.
const patience = 3 * time.Minute

// hold evaluates a pair and checks what must hold for any input: every result has a status, numbers where it says that there are some, none
// that cannot be stored, and a reason where there are none; a panic is never the reason.
func hold(t *testing.T, name string, in detect.Input, settings detect.Settings) detect.Run {
	t.Helper()
	if settings.Permutations == 0 {
		settings.Permutations = 99 // the fewest there can be: the input only has to have an answer
	}
	if settings.MinRows == 0 {
		settings.MinRows = 1
	}
	start := cputest.Now(t)
	run, err := detect.Evaluate(context.Background(), in, settings)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if took := cputest.Since(t, start); took > patience {
		t.Errorf("%s took %v", name, took)
	}
	if _, err := json.Marshal(run); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, f := range run.Features {
		if f.Status == "" || strings.Contains(f.Reason, "panic") {
			t.Errorf("%s: feature %s has status %q: %s", name, f.Name, f.Status, f.Reason)
		}
		holdResults(t, name, f.Results)
	}
	holdResults(t, name, run.Rows)
	return run
}

func holdResults(t *testing.T, name string, results []detect.Result) {
	t.Helper()
	for _, r := range results {
		switch r.Status {
		case detect.StatusOK, detect.StatusWarning, detect.StatusDrift:
			if r.Test == detect.TestTypeChange && r.PValue == nil {
				continue // between columns it is certain
			}
			if r.PValue == nil || !(*r.PValue >= 0 && *r.PValue <= 1) || r.Statistic == nil || r.Effect == nil || !(*r.Effect >= 0) {
				t.Errorf("%s: %s is %s with p %v, statistic %v, effect %v", name, r.Convention, r.Status, show(r.PValue), show(r.Statistic), show(r.Effect))
			}
		case detect.StatusError, detect.StatusInsufficientData, detect.StatusNotApplicable:
			if r.Reason == "" || strings.Contains(r.Reason, "panic") || strings.Contains(r.Reason, "no finite result") {
				t.Errorf("%s: %s is %s because %q", name, r.Convention, r.Status, r.Reason)
			}
		default:
			t.Errorf("%s: %s has status %q", name, r.Convention, r.Status)
		}
		for what, v := range map[string]*float64{"threshold": r.Threshold, "location": r.Location} {
			if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
				t.Errorf("%s: %s has the %s %g", name, r.Convention, what, *v)
			}
		}
	}
}

func show(v *float64) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(*v)
}

func numbersOf(values ...float64) detect.Sample {
	slices.Sort(values)
	return detect.Sample{Sorted: values, Rows: int64(len(values))}
}

// repeat makes n values by place.
func repeat(n int, value func(i int) float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = value(i)
	}
	return values
}

// nastyNumbers are samples that break what is written for nice ones.
func nastyNumbers() map[string]detect.Sample {
	tiny, huge := math.SmallestNonzeroFloat64, math.MaxFloat64
	zero := math.Copysign(0, -1)
	rng := rand.New(rand.NewPCG(1, 2))
	return map[string]detect.Sample{
		"none":             {},
		"all missing":      {Rows: 9, Missing: 9},
		"one":              numbersOf(1),
		"two":              numbersOf(1, 2),
		"two equal":        numbersOf(7, 7),
		"constant":         numbersOf(repeat(60, func(int) float64 { return 3 })...),
		"another constant": numbersOf(repeat(60, func(int) float64 { return -1e300 })...),
		"two values":       numbersOf(repeat(60, func(i int) float64 { return float64(i % 2) })...),
		"zeros":            {Sorted: slices.Concat(repeat(30, func(int) float64 { return zero }), repeat(30, func(int) float64 { return 0 })), Rows: 60},
		"subnormal":        numbersOf(repeat(60, func(i int) float64 { return float64(i) * tiny })...),
		"neighbours":       numbersOf(repeat(60, func(i int) float64 { return math.Float64frombits(math.Float64bits(1) + uint64(i)) })...),
		"huge":             numbersOf(repeat(60, func(i int) float64 { return []float64{-huge, huge}[i%2] })...),
		"all huge":         numbersOf(repeat(60, func(i int) float64 { return huge * (1 - float64(i)/1e3) })...),
		"every size":       numbersOf(repeat(120, func(i int) float64 { return math.Copysign(math.Pow(10, float64(i*5-300)), float64(i%2)-0.5) })...),
		"one far out":      numbersOf(append(repeat(99, func(int) float64 { return rng.NormFloat64() }), 1e300)...),
		"mostly one value": numbersOf(append(repeat(99, func(int) float64 { return 0 }), 1e-300)...),
		"normal":           numbersOf(repeat(100, func(int) float64 { return rng.NormFloat64() })...),
	}
}

func TestNastyNumbers(t *testing.T) {
	t.Parallel()
	low, high := -math.MaxFloat64, 1e-300
	samples := nastyNumbers()
	for first, baseline := range samples {
		for second, current := range samples {
			hold(t, first+" against "+second, detect.Input{Features: []detect.FeatureInput{{
				Name: "x", Type: detect.Numeric, Baseline: baseline, Current: current, Tests: everyTest(detect.Numeric),
				Constraint: &detect.Constraint{Min: &low, Max: &high},
			}}}, detect.Settings{})
		}
	}
}

// TestRefusedNumbers: what is no number is an error of its feature, and of no other.
func TestRefusedNumbers(t *testing.T) {
	t.Parallel()
	good := nastyNumbers()["normal"]
	for name, values := range map[string][]float64{
		"NaN": {math.NaN(), 1, 2}, "late NaN": {1, 2, math.NaN()}, "infinite": {1, 2, math.Inf(1)}, "minus infinity": {math.Inf(-1), 0, 1}, "not sorted": {2, 1, 3},
	} {
		bad := detect.Sample{Sorted: values, Rows: 3}
		for _, pair := range [][2]detect.Sample{{bad, good}, {good, bad}} {
			run := hold(t, name, detect.Input{Features: []detect.FeatureInput{
				{Name: "bad", Type: detect.Numeric, Baseline: pair[0], Current: pair[1], Tests: everyTest(detect.Numeric)},
				{Name: "good", Type: detect.Numeric, Baseline: good, Current: good, Tests: everyTest(detect.Numeric)},
			}}, detect.Settings{})
			if run.Features[0].Status != detect.StatusError || run.FailedFeatures != 1 {
				t.Errorf("%s: status %s, %d features failed", name, run.Features[0].Status, run.FailedFeatures)
			}
			for _, r := range run.Features[1].Results {
				if r.Status == detect.StatusDrift {
					t.Errorf("beside %s: %s calls a sample different from itself", name, r.Convention)
				}
			}
		}
	}
}

func counted(counts map[string]int64) detect.Sample {
	s := detect.Sample{Counts: counts}
	for _, n := range counts {
		s.Rows += n
	}
	return s
}

func manyCategories(n, first int) map[string]int64 {
	counts := make(map[string]int64, n)
	for i := range n {
		counts[fmt.Sprint("c", first+i)] = 1
	}
	return counts
}

func TestNastyCategories(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 1<<19) // 1 MiB
	samples := map[string]detect.Sample{
		"none":            {},
		"all missing":     {Rows: 9, Missing: 9},
		"one":             counted(map[string]int64{"a": 1}),
		"one category":    counted(map[string]int64{"a": 100}),
		"two":             counted(map[string]int64{"a": 60, "b": 40}),
		"counts of 0":     counted(map[string]int64{"a": 60, "b": 0, "c": 0}),
		"astronomical":    counted(map[string]int64{"a": 1 << 50, "b": 1 << 49, "c": 3}),
		"long names":      counted(map[string]int64{long: 40, long + "x": 40, "": 20}),
		"no text":         counted(map[string]int64{"\x00": 40, "\xff\xfe": 40, "🦜": 20}),
		"all their own":   counted(manyCategories(2000, 0)),
		"and other names": counted(manyCategories(2000, 5000)),
	}
	for first, baseline := range samples {
		for second, current := range samples {
			hold(t, first+" against "+second, detect.Input{Features: []detect.FeatureInput{{
				Name: "x", Type: detect.Categorical, Baseline: baseline, Current: current, Tests: everyTest(detect.Categorical),
				Constraint: &detect.Constraint{Allowed: []string{"a"}, Pattern: regexp.MustCompile(`(a|aa)+`)},
			}}}, detect.Settings{})
		}
	}
}

// TestTenMillion: a feature of as many values a side as a month of requests has an answer from every test, in bounded time.
func TestTenMillion(t *testing.T) {
	t.Parallel()
	ramp := func(step float64) detect.Sample {
		return detect.Sample{Sorted: repeat(10*million, func(i int) float64 { return step * float64(i) }), Rows: int64(10 * million)}
	}
	run := hold(t, "ten million", detect.Input{Features: []detect.FeatureInput{
		{Name: "x", Type: detect.Numeric, Baseline: ramp(1), Current: ramp(1.5), Tests: everyTest(detect.Numeric)},
	}}, detect.Settings{})
	if run.Status != detect.StatusDrift {
		t.Errorf("status %s: %s", run.Status, run.Reason)
	}
}

// TestMillionCategories: an identifier taken for a category is bounded in time and memory, and has an answer.
func TestMillionCategories(t *testing.T) {
	t.Parallel()
	n := million
	hold(t, "a million names", detect.Input{Features: []detect.FeatureInput{{
		Name: "id", Type: detect.Categorical, Baseline: counted(manyCategories(n, 0)), Current: counted(manyCategories(n, n/2)), Tests: everyTest(detect.Categorical),
	}}}, detect.Settings{})
}

func TestNastyTextsTimesAndVectors(t *testing.T) {
	t.Parallel()
	texts := map[string][]string{
		"none": nil, "one": {""}, "empty": make([]string, 60), "equal": slices.Repeat([]string{"the same words"}, 60), "no UTF-8": slices.Repeat([]string{"\xff\xfe", "ok"}, 30),
		"long": slices.Repeat([]string{strings.Repeat("word ", 13_000), "short"}, 5), "no words": slices.Repeat([]string{" \t\n", "!!!", "\u200b"}, 20),
		"JSON": slices.Repeat([]string{`{"a": 1}`, strings.Repeat("[", 60_000)}, 20),
	}
	for first, b := range texts {
		for second, c := range texts {
			hold(t, "texts "+first+" against "+second, one(detect.Text, detect.Sample{Texts: b, Rows: int64(len(b))}, detect.Sample{Texts: c, Rows: int64(len(c))}), detect.Settings{})
		}
	}
	year := int64(365 * 24 * time.Hour / time.Microsecond)
	times := map[string][]int64{
		"none": nil, "one": {0}, "equal": slices.Repeat([]int64{5}, 60), "extremes": slices.Concat(slices.Repeat([]int64{math.MinInt64}, 30), slices.Repeat([]int64{math.MaxInt64}, 30)),
		"hourly": stamps(400, year, 3_600_000_000), "a microsecond": stamps(60, 0, 1), "before 1970": stamps(100, -50*year, year/100),
	}
	for first, b := range times {
		for second, c := range times {
			hold(t, "times "+first+" against "+second, one(detect.Timestamp, detect.Sample{Times: b, Rows: int64(len(b))}, detect.Sample{Times: c, Rows: int64(len(c))}), detect.Settings{})
		}
	}
	vectors := map[string]detect.Matrix{
		"none": {}, "no columns": {Rows: 40}, "one": matrix(1, 3, func(int) float64 { return 1 }), "zeros": matrix(40, 3, func(int) float64 { return 0 }),
		"huge": matrix(40, 3, func(i int) float64 { return math.MaxFloat32 * float64(1-i%3) }), "tiny": matrix(40, 3, func(i int) float64 { return float64(i%7) * math.SmallestNonzeroFloat32 }),
		"normal": matrix(60, 3, func(i int) float64 { return math.Sin(float64(i * i)) }), "other width": matrix(40, 2, func(i int) float64 { return float64(i) }),
		"wider than long": matrix(30, 200, func(i int) float64 { return math.Sin(float64(i * i)) }),
	}
	for first, b := range vectors {
		for second, c := range vectors {
			hold(t, "vectors "+first+" against "+second, one(detect.Vector, detect.Sample{Vectors: b, Rows: int64(b.Rows)}, detect.Sample{Vectors: c, Rows: int64(c.Rows)}), detect.Settings{})
		}
	}
}

func one(kind detect.FeatureType, baseline, current detect.Sample) detect.Input {
	return detect.Input{Features: []detect.FeatureInput{{
		Name: "x", Type: kind, Baseline: baseline, Current: current, Tests: everyTest(kind), Constraint: &detect.Constraint{Format: "json", Pattern: regexp.MustCompile("o+")},
	}}}
}

func stamps(n int, start, step int64) []int64 {
	times := make([]int64, n)
	for i := range times {
		times[i] = start + int64(i)*step
	}
	return times
}

func matrix(rows, columns int, value func(i int) float64) detect.Matrix {
	var values []float32
	for _, v := range repeat(rows*columns, value) {
		values = append(values, float32(v))
	}
	return detect.NewMatrix(columns, values)
}

func TestNastyRows(t *testing.T) {
	t.Parallel()
	table := func(n int, x, y func(i int) float64, code func(i int) int32) detect.Table {
		codes := make([]int32, n)
		for i := range codes {
			codes[i] = code(i)
		}
		return detect.Table{Rows: n, Columns: []detect.TableColumn{
			{Name: "x", Type: detect.Numeric, Numbers: repeat(n, x)},
			{Name: "y", Type: detect.Numeric, Numbers: repeat(n, y)},
			{Name: "c", Type: detect.Categorical, Codes: codes, Names: []string{"a", "b", "unused"}},
		}}
	}
	constant := func(int) float64 { return 1 }
	wave := func(i int) float64 { return math.Sin(float64(i * i)) }
	tables := map[string]detect.Table{
		"none":        table(0, wave, wave, func(int) int32 { return 0 }),
		"one":         table(1, wave, wave, func(int) int32 { return 0 }),
		"two":         table(2, wave, wave, func(int) int32 { return 1 }),
		"constant":    table(40, constant, constant, func(int) int32 { return 0 }),
		"all missing": table(40, func(int) float64 { return math.NaN() }, wave, func(int) int32 { return -1 }),
		"huge":        table(40, func(i int) float64 { return math.MaxFloat64 * float64(1-i%3) }, wave, func(i int) int32 { return int32(i % 2) }),
		"tiny":        table(40, func(i int) float64 { return 5e-324 * float64(i%3) }, wave, func(i int) int32 { return int32(i % 2) }),
		"collinear":   table(40, wave, wave, func(i int) int32 { return int32(i % 2) }),
		"nice":        table(80, wave, func(i int) float64 { return math.Cos(float64(i * i * i)) }, func(i int) int32 { return int32(i % 2) }),
	}
	for first, b := range tables {
		for second, c := range tables {
			hold(t, "rows "+first+" against "+second, detect.Input{Rows: &detect.RowInput{Tests: everyRowTest(), Baseline: b, Current: c}}, detect.Settings{})
		}
	}
}
