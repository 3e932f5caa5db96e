package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestPolicyPull(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	dir := filepath.Join(t.TempDir(), "loans")
	p.run(t, "policy", "init", dir).expect(t, 0)
	p.run(t, "policy", "push", dir).expect(t, 0)
	pulled := filepath.Join(t.TempDir(), "new", "pulled")
	p.run(t, "policy", "pull", "loans", "--out", pulled).expect(t, 0).says(t, "loans (", "1 (", "draft", "wrote    "+filepath.Join(pulled, "main.rego"), "policy.yaml")
	want, err := policydir.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := policydir.Read(pulled)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Modules) != 2 || got.Modules[0].GetSource() != want.Modules[0].GetSource() || got.Data == nil || len(got.Cases) != 2 || got.Manifest.Labels["team"] != "risk" {
		t.Errorf("pulled %+v", got)
	}
	p.run(t, "policy", "pull", "--policy", "loans", "--out", pulled).expect(t, 0).says(t, "nothing changed")
	p.run(t, "policy", "push", pulled).expect(t, 0)
	p.run(t, "policy", "push", pulled).expect(t, 0).says(t, "nothing changed", "1, unchanged")

	// The newest, unless another is asked for.
	second := strings.Replace(readFile(t, filepath.Join(dir, "main.rego")), "default allow", "# second\ndefault allow", 1)
	p.run(t, "policy", "push", writeFile(t, "main.rego", second), "--name", "loans").expect(t, 0).says(t, "2, added")
	p.run(t, "policy", "pull", "loans", "--active", "--out", pulled).expect(t, 3).says(t, "no version that is active")
	p.policy.versions[0].State = governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE
	p.run(t, "policy", "pull", "loans", "--active", "--out", pulled).expect(t, 0).says(t, "nothing changed")
	p.run(t, "policy", "pull", "loans", "--out", pulled).expect(t, 3).says(t, "main.rego exists and is different", "--force")
	p.run(t, "policy", "pull", "loans", "--out", pulled, "--force").expect(t, 0).says(t, "not of this version", filepath.Join(pulled, "main_test.rego"))
	if got := readFile(t, filepath.Join(pulled, "main.rego")); got != second {
		t.Errorf("main.rego:\n%s", got)
	}
	files := decode(t, p.run(t, "policy", "pull", "loans", "--version", "1", "--out", pulled, "--force", "-o", "json").expect(t, 0).stdout)
	if files["version"] != 1.0 || len(files["files"].([]any)) != 2 {
		t.Errorf("printed %v", files)
	}

	p.run(t, "policy", "pull", "loans").expect(t, 3).says(t, "out")
	p.run(t, "policy", "pull", "loans", "--out", dir, "--active", "--version", "1").expect(t, 3)
	p.run(t, "policy", "pull", "loans", "--out", dir, "--version", "9").expect(t, 3).says(t, "has no version 9")
	p.run(t, "policy", "pull", "absent", "--out", dir).expect(t, 3).says(t, "there is no policy")
}
