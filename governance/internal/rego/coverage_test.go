package rego_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// covered compiles the modules, tries the inputs and the `test_` rules, and returns what they reached.
func covered(t *testing.T, modules []rego.Module, inputs ...map[string]any) []rego.ModuleCoverage {
	t.Helper()
	c, err := rego.Compile(rego.Source{Modules: modules})
	if err != nil {
		t.Fatal(describe(err))
	}
	e, cov := engine(t, rego.Config{Deadline: 10 * time.Second}), rego.NewCoverage(c, modules)
	for _, in := range inputs {
		q := trial(c, input(t, in))
		q.Coverage = cov
		if _, err := e.Try(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for _, rule := range c.RuleTests() {
		q := trial(c, rego.Input{})
		q.Coverage = cov
		if _, err := e.TryRule(t.Context(), q, rule); err != nil {
			t.Fatal(err)
		}
	}
	return cov.Report()
}

// In the sources, a line that ends in #+ is reached, one that ends in #- is not, and others do not count.
func TestCoverage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, source string
		inputs       []map[string]any
	}{
		{"nothing asked", "package p\n\ndefault allow := false #-\n\nallow if { #-\n\tinput.x == 1 #-\n}\n", nil},
		{"a rule that does not hold", "package p\n\ndefault allow := false #+\n\nallow if { #-\n\tinput.x == 1 #-\n\tinput.y #-\n}\n", []map[string]any{{"x": 2.0}}},
		{"as far as it holds", "package p\n\ndefault allow := false #+\n\nallow if { #-\n\tinput.x > 0 #+\n\tinput.x > 1 #+\n\tinput.x > 2 #-\n}\n", []map[string]any{{"x": 1.0}}},
		{"one line counts when all of it is reached", "package p\ndefault allow := false #-\nallow if input.x > 0 #-\nallow if input.x > -2 #+\n", []map[string]any{{"x": -1.0}}},
		{"constants", "package p\nallow if limit > 0 #+\nlimit := 3 #+\nother := 4 #-\n", []map[string]any{nil}},
		{"else", "package p\nallow := false if { #-\n\tinput.x > 1 #+\n} else := true if { #+\n\tinput.x > 0 #+\n} else := false #-\n", []map[string]any{{"x": 1.0}}},
		{"partial set", "package p\nallow := true #+\nviolations contains \"a\" if { #+\n\tinput.x #+\n}\nviolations contains \"b\" if { #-\n\tinput.y #-\n}\n", []map[string]any{{"x": true}}},
		{"functions", "package p\nallow if double(input.x) == 2 #+\ndouble(x) := y if { #+\n\ty := 2 * x #+\n}\ntriple(x) := 3 * x #-\n", []map[string]any{{"x": 1.0}}},
		{
			"comprehensions and every", "package p\nallow if { #+\n\tsome x in input.xs #+\n\tx > 1 #+\n\tevery y in input.ys { #+\n\t\ty > 0 #-\n\t}\n\tcount([z | #+\n\t\tsome z in input.xs #+\n\t\tz > 5 #+\n\t]) == 0\n}\n",
			[]map[string]any{{"xs": []any{1.0, 2.0}, "ys": []any{}}},
		},
		{"calls over several lines", "package p\nallow if { #-\n\tstartswith( #+\n\t\tconcat(\"\", [input.x, input.y]), #+\n\t\t\"z\",\n\t)\n}\n", []map[string]any{{"x": "a", "y": "b"}}},
		{"negation", "package p\nallow if { #+\n\tnot input.x #+\n\tnot startswith(concat(\"\", [\"a\"]), \"b\") #+\n}\n", []map[string]any{{}}},
		{"print and comments are no lines", "package p\n\n# allow says\nallow if { #+\n\tprint(\"here\")\n\tinput.x #+\n}\n", []map[string]any{{"x": true}}},
		{"with", "package p\nallow if { #+\n\thelper with input as {\"x\": [input.x]} #+\n}\nhelper if input.x[0] == 1 #+\n", []map[string]any{{"x": 1.0}}},
		// What the compiler adds to check values does not count, wherever it stands.
		{
			"values that are checked",
			"package p\nallow if { #+\n\tpair(input.x, [input.x, input.x]) == 1 #+\n\tall := [input.x, #+\n\t\tinput.x, #+\n\t]\n\tcount(all) == 2 #+\n}\npair(_, x) := x[0] #+\nobject[k] := { #+\n\t\"a\": k,\n} if some k in input.ks #+\nviolations contains {\"message\": m} if m := object[_].a #+\n",
			[]map[string]any{{"x": 1.0, "ks": []any{"k"}}},
		},
		{"tests do not count", "package p\nallow if input.x == 1 #+\ntest_allow if {\n\tallow with input as {\"x\": 1}\n}\n", nil},
		{"labelled rules", "package p\nallow if limits.eu[\"a\"] == 1 #+\nlimits.eu[x] := 1 if some x in [\"a\"] #+\nlimits.us[x] := 1 if some x in input.none #-\n", []map[string]any{{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			report := covered(t, []rego.Module{{Path: "p.rego", Source: tt.source}}, tt.inputs...)
			if diff := cmp.Diff(tt.source, marked(tt.source, report[0])); diff != "" {
				t.Errorf("reached (-want +got):\n%s\n%+v", diff, report[0])
			}
		})
	}
}

// marked returns the source with its marks as the report has them.
func marked(source string, m rego.ModuleCoverage) string {
	marks := make(map[int]string)
	mark := func(ranges []rego.RowRange, mark string) {
		for _, r := range ranges {
			for row := r.Start; row <= r.End; row++ {
				marks[row] += mark
			}
		}
	}
	mark(m.Covered, " #+")
	mark(m.NotCovered, " #-")
	lines := strings.Split(source, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(strings.TrimSuffix(line, " #+"), " #-") + marks[i+1]
	}
	return strings.Join(lines, "\n")
}

func TestCoveragePercent(t *testing.T) {
	t.Parallel()
	modules := []rego.Module{
		{Path: "p.rego", Source: "package p\nallow if data.lib.one == 1\nx := 1\n"},
		{Path: "lib.rego", Source: "package lib\none := 1\n"},
		{Path: "p_test.rego", Source: "package p_test\ntest_one if data.lib.one == 1\nlost := 1\n"},
	}
	report := covered(t, modules)
	want := []rego.ModuleCoverage{
		{Module: 0, NotCovered: []rego.RowRange{{Start: 2, End: 3}}, Lines: 2},
		{Module: 1, Covered: []rego.RowRange{{Start: 2, End: 2}}, CoveredLines: 1, Lines: 1},
	}
	if diff := cmp.Diff(want, report); diff != "" || rego.CoveragePercent(report) != 33 {
		t.Errorf("%d %% (-want +got):\n%s", rego.CoveragePercent(report), diff)
	}
	if got := rego.CoveragePercent(covered(t, modules, nil)); got != 66 {
		t.Errorf("%d %%, want 66", got)
	}
	if got := rego.CoveragePercent(nil); got != 100 {
		t.Errorf("nothing to reach: %d %%, want 100", got)
	}
}

// Half of the tests of the built-in policies reach the lines that OPA's own tool says they reach.
func TestCoverageAgreesWithOPA(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../library/templates/*/policy.rego")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d policies, %v", len(files), err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			modules := []rego.Module{
				read(t, file), read(t, "../library/templates/evidence.rego"), read(t, "../library/templates/evidence_test.rego"),
				{Path: "params.rego", Source: "package aumos.library.params\nnone := 1\n"},
			}
			agree(t, modules)
		})
	}
	t.Run("retrain", func(t *testing.T) {
		t.Parallel()
		agree(t, []rego.Module{read(t, "../../../examples/policies/retrain.rego"), {Path: "retrain_test.rego", Source: `package aumos.retrain_test
import data.aumos.retrain
test_nothing if not retrain.allow with input as {}
test_rows if count(retrain.violations) > 0 with input as {"detection": {"row_count": 5000, "status": "DRIFT"}}
test_owner if count(retrain.violations) > 0 with input as {"detection": {"row_count": 5000}, "model": {"owner": ""}}
`}})
	})
}

func read(t *testing.T, file string) rego.Module {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return rego.Module{Path: filepath.Base(file), Source: string(source)}
}

// agree requires that no line is reached for one side and not for the other. Lines that only one of them counts are those where a nested call or `some`
// begins, and the later lines of what begins earlier.
func agree(t *testing.T, modules []rego.Module) {
	t.Helper()
	reached, missed := opaCoverage(t, modules)
	lines := 0
	for _, m := range covered(t, modules) {
		lines += m.Lines
		for _, row := range rowsOf(m.NotCovered) {
			if theirs := reached[m.Module]; theirs[row] && !missed[m.Module][row] {
				t.Errorf("%s:%d is not reached, OPA says otherwise", modules[m.Module].Path, row)
			}
		}
		for _, row := range rowsOf(m.Covered) {
			if missed[m.Module][row] {
				t.Errorf("%s:%d is reached, OPA says otherwise", modules[m.Module].Path, row)
			}
		}
	}
	if lines < 5 {
		t.Errorf("%d lines count", lines)
	}
}

func rowsOf(ranges []rego.RowRange) (rows []int) {
	for _, r := range ranges {
		for row := r.Start; row <= r.End; row++ {
			rows = append(rows, row)
		}
	}
	return rows
}

// opaCoverage returns the rows that OPA's own tool says are reached, and those that it says are not, of the modules by their indexes.
func opaCoverage(t *testing.T, modules []rego.Module) (reached, missed map[int]map[int]bool) {
	t.Helper()
	parsed := make(map[string]*ast.Module)
	for i, m := range modules {
		var err error
		if parsed[itoa(i)], err = ast.ParseModuleWithOpts(itoa(i), m.Source, ast.ParserOptions{RegoVersion: ast.RegoV1}); err != nil {
			t.Fatal(err)
		}
	}
	store, coverage := inmem.New(), cover.New()
	txn, err := store.NewTransaction(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Abort(t.Context(), txn)
	results, err := tester.NewRunner().SetCompiler(ast.NewCompiler()).SetStore(store).SetModules(parsed).SetCoverageQueryTracer(coverage).RunTests(t.Context(), txn)
	if err != nil {
		t.Fatal(err)
	}
	for range results { // the runner works while somebody takes its results
	}
	reached, missed = make(map[int]map[int]bool), make(map[int]map[int]bool)
	rows := func(ranges []cover.Range) map[int]bool {
		set := make(map[int]bool)
		for _, r := range ranges {
			for row := r.Start.Row; row <= r.End.Row; row++ {
				set[row] = true
			}
		}
		return set
	}
	for file, report := range coverage.Report(parsed).Files {
		i, err := strconv.Atoi(file)
		if err != nil {
			t.Fatal(err)
		}
		reached[i], missed[i] = rows(report.Covered), rows(report.NotCovered)
	}
	return reached, missed
}
