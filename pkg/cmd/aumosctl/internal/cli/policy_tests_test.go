package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
)

// policyDirectory makes the directory of a policy with a module and cases.
func policyDirectory(t *testing.T, source, cases string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "cases"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"policy.yaml": "name: loans\ncases: cases\n", "main.rego": source, "cases/all.yaml": cases} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPolicyTestDirectory(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	dir, failing := filepath.Join("testdata", "policies", "loans"), filepath.Join("testdata", "policies", "failing")

	golden(t, "policy_test_passed.txt", p.run(t, "policy", "test", dir).expect(t, 0).stdout)
	if r := p.tests.modules; len(r.GetModules()) != 2 || r.GetModules()[0].GetPath() != "main.rego" || r.GetMinCoveragePercent() != 60 || len(r.GetSpecs()) != 2 ||
		r.GetData().GetFields()["limit"].GetNumberValue() != 10 {
		t.Errorf("asked %v", r)
	}
	if p.tests.deadline < time.Minute {
		t.Errorf("a run has %s", p.tests.deadline)
	}
	p.run(t, "policy", "test", dir, "--tag", "smoke", "--tag", "slow", "--timeout", "10s").expect(t, 0)
	if diff := cmp.Diff([]string{"smoke", "slow"}, p.tests.modules.GetTags()); diff != "" || p.tests.deadline > 10*time.Second {
		t.Errorf("within %s, tags (-want +got):\n%s", p.tests.deadline, diff)
	}
	if got := p.tests.modules.GetMinCoveragePercent(); got != 0 {
		t.Errorf("%d %% asked of a part of the tests", got)
	}
	p.run(t, "policy", "test", dir, "--tag", "smoke", "--min-coverage", "81").expect(t, 1).says(t, "80 %, asked for 81 %")
	p.run(t, "policy", "test", dir, "--min-coverage", "81").expect(t, 1).says(t, "80 %, asked for 81 %", "failed")

	junit := filepath.Join(t.TempDir(), "tests.xml")
	golden(t, "policy_test_failed.txt", p.run(t, "policy", "test", failing, "--coverage", "--min-coverage", "90", "--junit", junit).expect(t, 1).stdout)
	golden(t, "policy_test_failed.xml", readFile(t, junit))
	golden(t, "policy_test_failed.json", p.run(t, "policy", "test", failing, "-o", "json").expect(t, 1).stdout)

	wrong := policyDirectory(t, "package loans\n\nx := http.send({})\n", "")
	p.run(t, "policy", "test", wrong, "--junit", junit).expect(t, 1).
		says(t, filepath.Join(wrong, "main.rego")+":3:4", "rego_type_error", `\x1b[31m`, "not tested: the Rego does not compile")
	if text := readFile(t, junit); !strings.Contains(text, `failures="0" errors="1"`) || !strings.Contains(text, "undefined function http.send") {
		t.Errorf("JUnit:\n%s", text)
	}
	empty := policyDirectory(t, "package loans\n", "")
	p.run(t, "policy", "test", empty, "--tag", "a", "--tag", "b").expect(t, 1).says(t, "no case has the tag a or b")
	p.run(t, "policy", "test", empty, "--junit", junit).expect(t, 1).says(t, "there are no tests")
	if text := readFile(t, junit); !strings.Contains(text, "there are no tests") {
		t.Errorf("JUnit:\n%s", text)
	}
	p.run(t, "policy", "test", t.TempDir()).expect(t, 3).says(t, "policy init")
	p.run(t, "policy", "test", dir, "--junit", filepath.Join(t.TempDir(), "absent", "x.xml")).expect(t, 3)
}

// What the platform says of a case by its number is said of its name and file, too.
func TestPolicyCasesAreNamed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	dir := policyDirectory(t, "package loans\n\nallow := true\n", "- {name: one, input: {}, expect: ALLOW}\n")
	second := filepath.Join(dir, "cases", "more.yaml")
	if err := os.WriteFile(second, []byte("- {name: two, input: {}, expect: ALLOW}\n- {name: refused, input: {}, expect: ALLOW}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	note := "note: specs[2] is the case \"refused\" of " + second + "\n"
	for _, command := range []string{"test", "push", "lint"} {
		got := p.run(t, "policy", command, dir).expect(t, 3).says(t, "specs[2].tags[0]: is odd")
		if strings.Count(got.stderr, note) != 1 {
			t.Errorf("%s says\n%swant once %s", command, got.stderr, note)
		}
	}
	if len(p.policy.policies) > 0 {
		t.Error("a refused case left a policy behind")
	}
}

func TestPolicyTestStored(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, source := range []string{"package p\n\nallow := true\n", "package p\n\nallow := false\n"} {
		p.run(t, "policy", "push", writeFile(t, "p.rego", source), "--name", "loans").expect(t, 0)
	}
	p.tests.report = reportOn([]string{"small"}, 50)
	golden(t, "policy_test_stored.txt", p.run(t, "policy", "test", "--policy", "loans").expect(t, 0).stdout)
	if want := p.policy.versions[1].GetId(); p.tests.run.GetPolicyVersionId() != want || p.tests.run.GetRequestId() == "" {
		t.Errorf("ran %v, want version %s and a request id", p.tests.run, want)
	}
	p.run(t, "policy", "test", "--policy", "loans", "--version", "1", "--tag", "smoke").expect(t, 0).says(t, "loans version 1", "no")
	if p.tests.run.GetPolicyVersionId() != p.policy.versions[0].GetId() {
		t.Errorf("ran %v", p.tests.run)
	}
	p.run(t, "policy", "test", "--policy", "loans", "--min-coverage", "95").expect(t, 1).says(t, "80 %, asked for 95 %")
	p.run(t, "policy", "test", "--policy", "loans", "-o", "json").expect(t, 0).says(t, `"test_run"`, `"passed_count": 2`)
	p.tests.report = reportOn([]string{"small", "fails"}, 50)
	p.run(t, "policy", "test", "--policy", "loans").expect(t, 1).says(t, "1 failed", "main_test.rego:5")
	p.run(t, "policy", "test", "--policy", "absent").expect(t, 3).says(t, "there is no policy")
	p.run(t, "policy", "test", "--policy", "loans", "--version", "9").expect(t, 3)
	p.run(t, "policy", "test", "--policy", "loans", "--version", "-1").expect(t, 3).says(t, "counts from 1")
	p.run(t, "policy", "test", ".", "--policy", "loans").expect(t, 3).says(t, "not both")
	p.run(t, "policy", "test", ".", "--version", "1").expect(t, 3).says(t, "goes with --policy")
	p.run(t, "policy", "test", ".", "--min-coverage", "101").expect(t, 3).says(t, "from 0 to 100")
}

func TestPolicyCases(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "policy", "push", writeFile(t, "p.rego", "package p\n\nallow := true\n"), "--name", "loans").expect(t, 0)
	golden(t, "policy_cases.txt", p.run(t, "policy", "cases", "list", "loans").expect(t, 0).stdout)
	p.run(t, "policy", "cases", "list", "loans", "--tag", "smoke", "-o", "jsonl", "--limit", "1").expect(t, 0).says(t, `"name":"a"`)
	if p.tests.listed.GetTag() != "smoke" || p.tests.listed.GetPageSize() != 1 {
		t.Errorf("asked %v", p.tests.listed)
	}
	text := p.run(t, "policy", "cases", "pull", "loans").expect(t, 0).stdout
	specs, err := policydir.ParseCases([]byte(text))
	if err != nil || len(specs) != 2 {
		t.Fatalf("%v, %v:\n%s", specs, err, text)
	}
	out := filepath.Join(t.TempDir(), "loans.yaml")
	p.run(t, "policy", "cases", "pull", "loans", "--out", out).expect(t, 0).says(t, "wrote 2 cases")
	if got := readFile(t, out); got != text {
		t.Errorf("wrote\n%s\nwant\n%s", got, text)
	}
	p.run(t, "policy", "cases", "pull", "loans", "--out", out).expect(t, 3).says(t, "--force")
	p.run(t, "policy", "cases", "pull", "loans", "--out", out, "--force").expect(t, 0)
	again, err := policydir.ParseCases([]byte(readFile(t, out)))
	if diff := cmp.Diff(specs, again, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	p.run(t, "policy", "cases", "pull", "absent").expect(t, 3)
}
