package cli_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// ValidatePolicy finds http.send, and rules that are named lost.
func (d *policyDouble) ValidatePolicy(_ context.Context, req *governancev1.ValidatePolicyRequest) (*governancev1.ValidatePolicyResponse, error) {
	if err := refuseCases(req.GetSpecs()); err != nil {
		return nil, err
	}
	res := &governancev1.ValidatePolicyResponse{Package: "p", EngineVersion: "opa/1.22.2+0f3a91c2", ContentSha256: digest(req.GetModules(), req.GetData())}
	for _, m := range req.GetModules() {
		summary := &governancev1.RegoModuleSummary{Path: m.GetPath(), Package: "p"}
		for i, line := range strings.Split(m.GetSource(), "\n") {
			at := &governancev1.RegoFinding{ModulePath: m.GetPath(), Row: int32(i + 1)}
			switch {
			case strings.Contains(line, "http.send"):
				at.Column = int32(strings.Index(line, "http.send") + 1)
				at.Code, at.Message = "rego_type_error", "undefined function http.send"
				res.Errors = append(res.Errors, at)
			case strings.HasPrefix(line, "lost"):
				at.Column, at.Code, at.Message = 1, "unused_rule", "rule lost is used by no decision and no test \x1b[31m"
				res.Warnings = append(res.Warnings, at)
			case strings.HasPrefix(line, "allow"):
				summary.Rules = append(summary.Rules, &governancev1.RegoRule{Name: "allow", Kind: governancev1.RegoRuleKind_REGO_RULE_KIND_COMPLETE, Row: at.GetRow(), Column: 1})
			case strings.HasPrefix(line, "late"):
				res.Errors = append(res.Errors, &governancev1.RegoFinding{Code: "aumos_deadline", Message: "not compiled within 2s: make it simpler"})
			}
		}
		res.Modules = append(res.Modules, summary)
	}
	if req.GetInputSchema() != nil {
		res.Warnings = append(res.Warnings, &governancev1.RegoFinding{
			ModulePath: req.GetModules()[0].GetPath(), Row: 9, Column: 9, Code: "undefined_input", Message: req.GetInputSchema().GetFields()["title"].GetStringValue(),
		})
	}
	if res.Valid = len(res.GetErrors()) == 0; res.GetValid() {
		res.EntryPoints = []string{"data.p.allow"}
	}
	return res, nil
}

// DiffPolicyVersions says that allow has changed, unless only the data document has, or the versions are the same.
func (d *policyDouble) DiffPolicyVersions(_ context.Context, req *governancev1.DiffPolicyVersionsRequest) (*governancev1.DiffPolicyVersionsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	res := &governancev1.DiffPolicyVersionsResponse{Diff: &governancev1.PolicyVersionDiff{RulesCompared: true}}
	for _, v := range d.versions {
		bare := proto.CloneOf(v)
		bare.Modules = nil
		if v.GetId() == req.GetFromPolicyVersionId() {
			res.FromPolicyVersion = bare
		}
		if v.GetId() == req.GetToPolicyVersionId() {
			res.ToPolicyVersion = bare
		}
	}
	from, to := res.GetFromPolicyVersion(), res.GetToPolicyVersion()
	if from == nil || to == nil {
		return nil, refuse(codes.NotFound, "NOT_FOUND", "policy version not found")
	}
	if bytes.Equal(from.GetContentSha256(), to.GetContentSha256()) {
		return res, nil
	}
	if bytes.Equal(digest(d.modules(from), nil), digest(d.modules(to), nil)) {
		res.Diff.Modules = []*governancev1.ModuleChange{{
			Kind: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_CHANGED, Path: "data.json", UnifiedDiff: "--- a/data.json\n+++ b/data.json\n",
		}}
		return res, nil
	}
	at := &governancev1.RegoLocation{ModulePath: "p.rego", Row: 3, Column: 1}
	res.Diff = &governancev1.PolicyVersionDiff{
		RulesCompared: true, RulesChanged: 1, RulesAdded: 1, EntryPackageChanged: from.GetPackage() != to.GetPackage(), PackagesAdded: []string{"p.q"},
		Rules: []*governancev1.RuleChange{
			{Kind: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_CHANGED, Package: "p", Name: "allow", OldLocation: at, NewLocation: at},
			{Kind: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_ADDED, Package: "p.q", Name: "f", NewLocation: at},
		},
		Modules: []*governancev1.ModuleChange{{
			Kind: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_CHANGED, Path: "p.rego", Truncated: true,
			UnifiedDiff: "--- a/p.rego\n+++ b/p.rego\n@@ -1,3 +1,3 @@\n package p\n \n-allow := true\n+allow := false\t# \x1b[31mred\n",
		}},
	}
	return res, nil
}

// modules returns the modules of a version that is shown without them.
func (d *policyDouble) modules(of *governancev1.PolicyVersion) []*governancev1.RegoModule {
	for _, v := range d.versions {
		if v.GetId() == of.GetId() {
			return v.GetModules()
		}
	}
	return nil
}

// TestPolicyModuleFields holds that an error about a module says which file it is.
func TestPolicyModuleFields(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.promotion(t)
	clean := filepath.Join("testdata", "lint", "clean.rego")
	odd := writeFile(t, "a b.rego", "package p\n")
	for _, args := range [][]string{{"lint"}, {"push", "--name", "odd"}} {
		p.run(t, append(append([]string{"policy"}, args...), clean, odd)...).expect(t, 3).says(t, "note: modules[1] is "+odd+"\n", "modules[1].path: does not match")
	}
	dir := directory(t, "package p\n")
	odd = filepath.Join(dir, "c d.rego")
	if err := os.WriteFile(odd, []byte("package p\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"simulate", "promotion", "--dir"}, {"impact", "promotion", "--dir"}, {"replay", "start", "promotion", "--dir"}, {"test"}} {
		p.run(t, append(append([]string{"policy"}, args...), dir)...).expect(t, 3).says(t, "modules[1] is "+odd+"\n")
	}
}

func TestPolicyLint(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	file := func(name string) string { return filepath.Join("testdata", "lint", name) }
	clean, warned, wrong, late, schema := file("clean.rego"), file("warned.rego"), file("wrong.rego"), file("late.rego"), file("schema.json")

	golden(t, "policy_lint_clean.txt", p.run(t, "policy", "lint", clean).expect(t, 0).stdout)
	golden(t, "policy_lint.txt", p.run(t, "policy", "lint", wrong, warned, late).expect(t, 1).stdout)
	golden(t, "policy_lint.json", p.run(t, "policy", "lint", wrong, warned, "-o", "json").expect(t, 1).stdout)
	p.run(t, "policy", "lint", warned).expect(t, 0).says(t, "warned.rego:5:1", "unused_rule", `\x1b[31m`, "valid; 0 errors, 1 warning")
	p.run(t, "policy", "lint", warned, "--strict").expect(t, 1)
	p.run(t, "policy", "lint", clean, "--strict").expect(t, 0)
	p.run(t, "policy", "lint", clean, "--input-schema", schema, "--strict").expect(t, 1).says(t, "clean.rego:9:9", "undefined_input", "input.x is not described")
	p.run(t, "policy", "lint", clean, "--input-schema", clean).expect(t, 3).says(t, "clean.rego is not a JSON object")
	p.run(t, "policy", "lint", file("absent.rego")).expect(t, 3).says(t, "no such file")
	p.run(t, "policy", "lint").expect(t, 3)
	if len(p.policy.policies)+len(p.policy.versions) > 0 {
		t.Error("lint stored something")
	}

	junit := filepath.Join(t.TempDir(), "lint.xml")
	for name, test := range map[string]struct {
		args []string
		code int
	}{
		"policy_lint.xml":        {[]string{clean, wrong, warned, late}, 1},
		"policy_lint_strict.xml": {[]string{clean, warned, "--strict"}, 1},
	} {
		p.run(t, append([]string{"policy", "lint", "--junit", junit}, test.args...)...).expect(t, test.code)
		text := readFile(t, junit)
		golden(t, name, text)
		var parsed struct {
			Suites []struct {
				Tests    int        `xml:"tests,attr"`
				Failures int        `xml:"failures,attr"`
				Cases    []struct{} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal([]byte(text), &parsed); err != nil || len(parsed.Suites) != 1 || parsed.Suites[0].Tests != len(parsed.Suites[0].Cases) {
			t.Errorf("%s: %+v, %v", name, parsed, err)
		}
	}
	p.run(t, "policy", "lint", clean, "--junit", filepath.Join(t.TempDir(), "absent", "lint.xml")).expect(t, 3)
}

func TestPolicyDiff(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, source := range []string{"package p\n\nallow := true\n", "package p.q\n\nallow := false\n", "package p\n\nallow := input.x\n"} {
		p.run(t, "policy", "push", writeFile(t, "p.rego", source), "--name", "retrain").expect(t, 0)
	}
	p.run(t, "policy", "diff", "retrain").expect(t, 3).says(t, `policy "retrain" has no active version: name the version to compare with by --from`)
	for _, step := range []string{"submit", "approve", "activate"} {
		p.run(t, "policy", step, "--name", "retrain", "--version", "1").expect(t, 0)
	}

	golden(t, "policy_diff.txt", p.run(t, "policy", "diff", "retrain", "--from", "1", "--to", "2").expect(t, 0).stdout)
	golden(t, "policy_diff.json", p.run(t, "policy", "diff", "retrain", "--from", "1", "--to", "2", "-o", "json").expect(t, 0).stdout)
	p.run(t, "policy", "diff", id(100)).expect(t, 0).says(t, "from          1, active", "to            3, draft", "the text of p.rego is cut")
	got := p.run(t, "policy", "diff", "retrain", "--rules", "--exit-code").expect(t, 1)
	if strings.Contains(got.stdout+got.stderr, "@@") || strings.Contains(got.stderr, "cut") {
		t.Errorf("--rules prints\n%s%s", got.stdout, got.stderr)
	}
	p.run(t, "policy", "diff", "retrain", "--from", "2", "--to", "2", "--exit-code").expect(t, 0).says(t, "0 changed, 0 added, 0 removed")
	p.run(t, "policy", "diff", "retrain", "--to", "9").expect(t, 3).says(t, `policy "retrain" has no version 9`)
	p.run(t, "policy", "diff", "retrain", "--from", "-1").expect(t, 3).says(t, "versions count from 1")
	p.run(t, "policy", "diff", "absent").expect(t, 3).says(t, `there is no policy "absent"`)
	p.run(t, "policy", "diff").expect(t, 3)
}
