package policydir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// write makes a directory of the files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func object(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"policy.yaml": "name: loans\ndescription: |\n  first\n  second\nlabels: {team: risk}\ndecision_points: [loan.grant]\n" +
			"regulation_references: [EU-AI-ACT:ART-14]\nmin_coverage_percent: 90\ndata: data.json\ninput_schema: schema.yaml\ncases: cases\n",
		"main.rego":        "package loans\n",
		"lib/dates.rego":   "package lib\n",
		"a_test.rego":      "package a_test\n",
		".git/x.rego":      "package x\n",
		"data.json":        `{"limits": {"amount": 10, "on": "2026-01-01"}, "list": [1.5, null, true, -2]}`,
		"schema.yaml":      "type: object\n",
		"cases/a.yaml":     "- {name: one, input: {n: 1}, expect: ALLOW}\n",
		"cases/b.yml":      "- name: two\n  tags: [x, y]\n  input: {day: 2026-01-01, yes: no}\n  data: {}\n  now: 2026-01-01T00:00:00Z\n  expect: DENY\n  violations: [A]\n  any_obligations: true\n",
		"cases/readme.txt": "not a case",
	})
	got, err := policydir.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantManifest := policydir.Manifest{
		Name: "loans", Description: "first\nsecond\n", Labels: map[string]string{"team": "risk"}, DecisionPoints: []string{"loan.grant"},
		RegulationReferences: []string{"EU-AI-ACT:ART-14"}, MinCoveragePercent: 90, Data: "data.json", InputSchema: "schema.yaml", Cases: "cases",
	}
	if diff := cmp.Diff(wantManifest, got.Manifest); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	var paths []string
	for _, m := range got.Modules {
		paths = append(paths, m.GetPath())
	}
	if diff := cmp.Diff([]string{"main.rego", "a_test.rego", "lib/dates.rego"}, paths); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	wantData := object(t, map[string]any{"limits": map[string]any{"amount": 10, "on": "2026-01-01"}, "list": []any{1.5, nil, true, -2}})
	if diff := cmp.Diff(wantData, got.Data, protocmp.Transform()); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(object(t, map[string]any{"type": "object"}), got.InputSchema, protocmp.Transform()); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	wantCases := []*governancev1.PolicyTestSpec{
		{Name: "one", Input: object(t, map[string]any{"n": 1}), ExpectedOutcome: governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW},
		{
			Name: "two", Tags: []string{"x", "y"}, Input: object(t, map[string]any{"day": "2026-01-01", "yes": "no"}), Data: &structpb.Struct{},
			Now: &timestamppb.Timestamp{Seconds: 1767225600}, ExpectedOutcome: governancev1.DecisionOutcome_DECISION_OUTCOME_DENY,
			ExpectedViolations: []string{"A"}, AnyObligations: true,
		},
	}
	if diff := cmp.Diff(wantCases, got.Cases, protocmp.Transform()); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	outside := write(t, map[string]string{"secret.rego": "package secret\n"})
	for what, c := range map[string]struct {
		files map[string]string
		says  string
	}{
		"no manifest":        {nil, "has no policy.yaml: aumosctl policy init makes one"},
		"misspelt key":       {map[string]string{"policy.yaml": "name: x\ndesc: y\n"}, "line 2: field desc not found"},
		"no name":            {map[string]string{"policy.yaml": "description: x\n"}, "name is missing"},
		"no modules":         {map[string]string{"policy.yaml": "name: x\n"}, "has no main.rego"},
		"missing module":     {map[string]string{"policy.yaml": "name: x\nmodules: [a.rego]\n"}, "a.rego: "},
		"module outside":     {map[string]string{"policy.yaml": "name: x\nmodules: [../a.rego]\n"}, "a.rego: "},
		"module by root":     {map[string]string{"policy.yaml": "name: x\nmodules: [" + filepath.Join(outside, "secret.rego") + "]\n"}, "secret.rego: "},
		"empty module":       {map[string]string{"policy.yaml": "name: x\n", "main.rego": ""}, "main.rego is empty"},
		"module not UTF-8":   {map[string]string{"policy.yaml": "name: x\n", "main.rego": "\xff"}, "main.rego is not UTF-8"},
		"long module":        {map[string]string{"policy.yaml": "name: x\n", "main.rego": strings.Repeat("#", 256<<10+1)}, "main.rego is longer than 256 KiB"},
		"data no object":     {map[string]string{"policy.yaml": "name: x\ndata: d.json\n", "main.rego": "x", "d.json": "\n[1]"}, "d.json:2: must be an object"},
		"empty data":         {map[string]string{"policy.yaml": "name: x\ndata: d.json\n", "main.rego": "x", "d.json": ""}, "d.json:1: is not JSON"},
		"key no text":        {map[string]string{"policy.yaml": "name: x\ndata: d.yaml\n", "main.rego": "x", "d.yaml": "a: {1: 2}\n"}, `d.yaml:1: the key "1" must be a text`},
		"key twice":          {map[string]string{"policy.yaml": "name: x\ndata: d.yaml\n", "main.rego": "x", "d.yaml": "a: 1\na: 2\n"}, `d.yaml:2: the key "a" is there twice`},
		"large integer":      {map[string]string{"policy.yaml": "name: x\ndata: d.yaml\n", "main.rego": "x", "d.yaml": "a: 9007199254740993\n"}, "cannot be held exactly"},
		"infinity":           {map[string]string{"policy.yaml": "name: x\ndata: d.yaml\n", "main.rego": "x", "d.yaml": "a: .inf\n"}, "no number of JSON"},
		"binary":             {map[string]string{"policy.yaml": "name: x\ndata: d.yaml\n", "main.rego": "x", "d.yaml": "a: !!binary aGk=\n"}, "no type of JSON"},
		"alias":              {map[string]string{"policy.yaml": "name: x\ndata: d.yaml\n", "main.rego": "x", "d.yaml": "a: &a [1]\nb: *a\n"}, "d.yaml:2: anchors and aliases"},
		"nested too deep":    {map[string]string{"policy.yaml": "name: x\ndata: d.json\n", "main.rego": "x", "d.json": strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)}, "levels deep"},
		"no cases":           {map[string]string{"policy.yaml": "name: x\ncases: cases\n", "main.rego": "x"}, "cases: "},
		"cases no list":      {caseFile("a: 1\n"), "a.yaml: yaml:"},
		"case misspelt":      {caseFile("\n- {name: a, input: {}, expect: ALLOW, violation: [x]}\n"), "a.yaml:2: in this case: "},
		"case without name":  {caseFile("- {input: {}, expect: ALLOW}\n"), "a.yaml:1: the case has no name"},
		"case expects what":  {caseFile("- {name: a, input: {}, expect: allowed}\n"), `must expect ALLOW, DENY or ERROR, not "allowed"`},
		"case without input": {caseFile("- {name: a, expect: ALLOW}\n"), `the case "a" has no input`},
		"case with no time":  {caseFile("- {name: a, input: {}, expect: ALLOW, now: today}\n"), `has the time "today"`},
		"case input":         {caseFile("- name: a\n  expect: ALLOW\n  input:\n    x: .nan\n"), "a.yaml:4: "},
		"cases of one name":  {caseFile("- {name: a, input: {}, expect: ALLOW}\n- {name: a, input: {}, expect: DENY}\n"), `the case "a" is also in`},
	} {
		_, err := policydir.Read(write(t, c.files))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", what, err, c.says)
		}
	}
}

// JSON is read as JSON: it has escapes and keys that YAML has not, and YAML has values and commas that JSON has not.
func TestReadJSON(t *testing.T) {
	t.Parallel()
	read := func(text string) (*structpb.Struct, error) {
		d, err := policydir.Read(write(t, map[string]string{"policy.yaml": "name: x\ndata: d.json\n", "main.rego": "x", "d.json": text}))
		if err != nil {
			return nil, err
		}
		return d.Data, nil
	}
	long := strings.Repeat("k", 2000)
	got, err := read("\ufeff{\r\n\t\"emoji\": \"\\ud83d\\ude00\", \"slash\": \"x\\/y\", \"" + long + "\": [1e5, -0.5, true, null, {\"a\": {}}, []], \"n\": 9007199254740991}\n")
	if err != nil {
		t.Fatal(err)
	}
	want := object(t, map[string]any{
		"emoji": "\U0001f600", "slash": "x/y", long: []any{1e5, -0.5, true, nil, map[string]any{"a": map[string]any{}}, []any{}}, "n": float64(1<<53 - 1),
	})
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for text, says := range map[string]string{
		"{\n\"a\": NaN}":                 "d.json:2: is not JSON: invalid character 'N'",
		"{\"a\": 1,\n\n}":                "d.json:3: is not JSON: ",
		`{"a": 010}`:                     "d.json:1: is not JSON: ",
		`{a: 1}`:                         "d.json:1: is not JSON: ",
		"{}\n{}":                         "d.json:2: is not JSON: ",
		"{\"a\": {\"b\": 1,\n\"b\": 2}}": `d.json:2: the key "b" is there twice`,
		"{\"a\":\n9007199254740993}":     "d.json:2: the number 9007199254740993 cannot be held exactly",
		`{"a": 1e400}`:                   "d.json:1: the number 1e400 is too large",
		"{\"a\":\n\"\\ud800\"}":          "d.json:2: half of a surrogate pair",
		`"text"`:                         "d.json:1: must be an object",
		"null":                           "d.json:1: must be an object",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error %v, want %q", text, err, says)
		}
	}
}

func caseFile(text string) map[string]string {
	return map[string]string{"policy.yaml": "name: x\ncases: cases\n", "main.rego": "x", "cases/a.yaml": text}
}

// A link that leads out of the directory is not followed: a manifest from elsewhere cannot send our files to its platform.
func TestReadStaysInside(t *testing.T) {
	t.Parallel()
	outside := write(t, map[string]string{"secret.rego": "package secret\n"})
	dir := write(t, map[string]string{"policy.yaml": "name: x\nmodules: [main.rego]\n"})
	if err := os.Symlink(filepath.Join(outside, "secret.rego"), filepath.Join(dir, "main.rego")); err != nil {
		t.Fatal(err)
	}
	if _, err := policydir.Read(dir); err == nil {
		t.Error("a link out of the directory was followed")
	}
}

func TestFormatCasesIsTheInverse(t *testing.T) {
	t.Parallel()
	specs := []*governancev1.PolicyTestSpec{
		{Name: "one", Input: &structpb.Struct{}, ExpectedOutcome: governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR},
		{
			Name: "a: b", Tags: []string{"x"}, Input: object(t, map[string]any{"1": "1", "date": "2026-01-01", "no": "no", "null": nil, "n": 1e300, "m": "a\nb", "l": []any{map[string]any{}}}),
			Data: object(t, map[string]any{"true": "true"}), Now: &timestamppb.Timestamp{Seconds: 1, Nanos: 5},
			ExpectedOutcome:    governancev1.DecisionOutcome_DECISION_OUTCOME_DENY,
			ExpectedViolations: []string{"A", "b c"}, AnyViolations: true, ExpectedObligations: []string{"O"}, AnyObligations: true,
		},
	}
	text, err := policydir.FormatCases(specs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := policydir.ParseCases(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(specs, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, text)
	}
}

func TestInit(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	files, err := policydir.Init(dir, "Loan limits 2")
	if err != nil {
		t.Fatal(err)
	}
	d, err := policydir.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 6 || d.Manifest.Name != "Loan limits 2" || len(d.Modules) != 2 || len(d.Cases) != 5 || d.Data == nil || d.InputSchema == nil ||
		!strings.Contains(d.Modules[0].GetSource(), "package policies.loan_limits_2\n") || !policydir.Is(dir) {
		t.Errorf("files %v, directory %+v", files, d)
	}
	if _, err := policydir.Init(dir, "other"); err == nil || !strings.Contains(err.Error(), "overwrites nothing") {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"", " x", "a\nb", strings.Repeat("x", 129)} {
		if _, err := policydir.Init(filepath.Join(dir, "x"), name); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
}
