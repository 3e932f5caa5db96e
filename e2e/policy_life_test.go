package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/auth"
)

// TestPolicyLife takes a policy of each of two tenants through its life, on two replicas: what one has activated, the other decides by.
func TestPolicyLife(t *testing.T) {
	t.Parallel()
	p := deployDurable(t)
	other := p.replica(t, "heads-2")
	for _, u := range []*user{p.newTenant(t, auth.RolePolicyAuthor, auth.RolePolicyApprover), p.newTenant(t, auth.RolePolicyAuthor, auth.RolePolicyApprover)} {
		t.Run("tenant", func(t *testing.T) {
			t.Parallel()
			u.life(t, other.at)
			u.refunds(t, other)
		})
	}
}

func (u *user) life(t *testing.T, other string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "loans")
	u.ctl(t, "policy", "init", dir).want(t, 0)
	u.ctl(t, "policy", "lint", dir, "--strict").want(t, 0)
	u.ctl(t, "policy", "test", dir).want(t, 0)
	u.ctl(t, "policy", "push", dir, "--submit").want(t, 0)
	u.pulls(t, other)

	colleague := u.colleague(t, "colleague", auth.RolePolicyApprover)
	u.refused(t, "SAME_PERSON", "policy", "approve", "--name", "loans")
	colleague.ctl(t, "policy", "approve", "--name", "loans", "--governance", other).want(t, 0)
	u.refused(t, "TESTS_REQUIRED", "policy", "activate", "--name", "loans")
	u.ctl(t, "policy", "test", "--policy", "loans", "--governance", other).want(t, 0)
	u.ctl(t, "policy", "activate", "--name", "loans").want(t, 0)
	u.decidesLoans(t, other, 9500, "ALLOW")

	// A lower limit: only the data document changes. Whoever changes the cases after the test must test again.
	u.edit(t, filepath.Join(dir, "data.json"), `"amount": 10000`, `"amount": 9000`)
	u.ctl(t, "policy", "push", dir, "--submit").want(t, 0)
	colleague.ctl(t, "policy", "approve", "--name", "loans", "--version", "2").want(t, 0)
	u.ctl(t, "policy", "test", "--policy", "loans", "--version", "2").want(t, 0)
	u.edit(t, filepath.Join(dir, "cases", "amounts.yaml"), "amount: 10001", "amount: 9001")
	u.ctl(t, "policy", "push", dir).want(t, 0)
	u.refused(t, "TESTS_REQUIRED", "policy", "activate", "--name", "loans") // the cases have changed since
	u.ctl(t, "policy", "test", "--policy", "loans", "--version", "2").want(t, 0)
	u.ctl(t, "policy", "activate", "--name", "loans", "--governance", other).want(t, 0)
	u.decidesLoans(t, other, 9500, "DENY")
	u.pulls(t, other)

	u.ctl(t, "policy", "rollback", "--name", "loans", "--reason", "too strict", "--governance", other).want(t, 0)
	u.decidesLoans(t, other, 9500, "ALLOW")
	u.ctl(t, "policy", "retire", "--name", "loans", "--reason", "no more loans").want(t, 0)
	u.ctl(t, "policy", "archive", "--name", "loans").want(t, 0)
	if r := u.ctl(t, "policy", "list").want(t, 0); strings.Contains(r.stdout, "loans") {
		t.Errorf("an archived policy is listed:\n%s", r.stdout)
	}
}

// pulls writes the loans' policy as a directory, which says what the platform has: pushing it changes nothing.
func (u *user) pulls(t *testing.T, other string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pulled")
	u.ctl(t, "policy", "pull", "loans", "--out", dir, "--governance", other).want(t, 0)
	u.ctl(t, "policy", "test", dir).want(t, 0)
	if r := u.ctl(t, "policy", "push", dir).want(t, 0); !strings.Contains(r.stderr, "nothing changed") {
		t.Errorf("pushing what was pulled:\n%s%s", r.stdout, r.stderr)
	}
}

// refused runs aumosctl, which must fail for the reason.
func (u *user) refused(t *testing.T, reason string, args ...string) {
	t.Helper()
	if r := u.ctl(t, args...).want(t, 3); !strings.Contains(r.stderr, reason) {
		t.Errorf("%v: got\n%s\nwant %s", args, r.stderr, reason)
	}
}

func (u *user) edit(t *testing.T, path, before, after string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), before) {
		t.Fatalf("%s has no %q", path, before)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// decidesLoans asks both replicas.
func (u *user) decidesLoans(t *testing.T, other string, amount int, want string) {
	t.Helper()
	asker := u.colleague(t, "asker", auth.RoleMLEngineer)
	for _, at := range []string{u.p.governanceAt.GRPC, other} {
		asker.decides(t, at, "loans.decide", map[string]any{"amount": amount}, want)
	}
}
