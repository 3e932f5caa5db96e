package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/oauth2"
	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/e2e/internal/stack"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// platform is a deployment of its own: database server, issuer, migrated databases, both services as processes.
type platform struct {
	*stack.Stack
	governanceAt, driftAt stack.Addresses
	governance, drift     *process
	// settings are governance's, besides those of the stack.
	settings []string
}

// inputsKey encrypts the keys of the tests' tenants.
const inputsKey = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBieXRlcyE="

// deploy starts a platform for the test.
func deploy(t *testing.T) *platform {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Config{
		Dir: dir, IssuerListen: "127.0.0.1:0", DriftSecret: "drift-secret", InputsKey: inputsKey,
		Ephemeral: true, // crashes of our processes are tested, in which PostgreSQL goes on; crashes of the machine are not
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop the stack: %v", err)
		}
	})
	p := &platform{
		Stack:        s,
		governanceAt: stack.Addresses{GRPC: freeAddress(t), Admin: freeAddress(t)},
		driftAt:      stack.Addresses{GRPC: freeAddress(t), Admin: freeAddress(t)},
		settings:     []string{"AUMOS_GOVERNANCE_ALLOW_INSECURE=audit_unsafe_storage"},
	}
	p.migrateGovernance(t)
	command(t, append(p.DriftEnviron(p.driftAt, p.governanceAt.GRPC),
		"AUMOS_DRIFT_MIGRATION__ADMIN_URL="+s.AdminURL(postgres.DatabaseDrift)), nil, "drift", "migrate").want(t, 0)
	p.startGovernance(t)
	p.startDrift(t)
	return p
}

func (p *platform) migrateGovernance(t *testing.T) {
	t.Helper()
	command(t, append(p.GovernanceEnviron(p.governanceAt),
		"AUMOS_GOVERNANCE_MIGRATION__ADMIN_URL="+p.AdminURL(postgres.DatabaseGovernance),
		"AUMOS_GOVERNANCE_MIGRATION__AUDIT_ADMIN_URL="+p.AdminURL(postgres.DatabaseAudit)), nil, "governance", "migrate").want(t, 0)
}

// startGovernance starts governance, also after it was stopped or killed.
func (p *platform) startGovernance(t *testing.T) {
	t.Helper()
	p.governance = start(t, append(p.GovernanceEnviron(p.governanceAt), p.settings...), "governance")
	awaitServing(t, p.governanceAt.GRPC)
}

// startDrift starts drift, also after it was killed.
func (p *platform) startDrift(t *testing.T) {
	t.Helper()
	p.drift = start(t, p.DriftEnviron(p.driftAt, p.governanceAt.GRPC), "drift")
	awaitServing(t, p.driftAt.GRPC)
}

// user is somebody of a tenant, with aumosctl at hand.
type user struct {
	p      *platform
	tenant string
	token  string
	dir    string // of the user's files
}

// newTenant returns an administrator of a tenant that nobody has used.
func (p *platform) newTenant(t *testing.T, roles ...auth.Role) *user {
	t.Helper()
	if len(roles) == 0 {
		roles = []auth.Role{auth.RoleAdmin}
	}
	u := &user{p: p, tenant: uuid.NewString(), dir: t.TempDir()}
	var err error
	if u.token, err = p.Issuer.IssueToken("somebody", u.tenant, roles...); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"current": "test", "profiles": map[string]any{
		"test": map[string]string{"governance": p.governanceAt.GRPC, "drift": p.driftAt.GRPC},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(u.file("aumosctl.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	return u
}

// file returns the path of one of the user's files.
func (u *user) file(name string) string { return filepath.Join(u.dir, name) }

// write writes one of the user's files.
func (u *user) write(t *testing.T, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(u.file(name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return u.file(name)
}

// ctl runs aumosctl.
func (u *user) ctl(t *testing.T, args ...string) result {
	t.Helper()
	return command(t, []string{"AUMOSCTL_CONFIG=" + u.file("aumosctl.json"), "AUMOSCTL_TOKEN=" + u.token}, nil, "aumosctl", args...)
}

// colleague returns somebody else of the tenant, with the same files at hand.
func (u *user) colleague(t *testing.T, name string, roles ...auth.Role) *user {
	t.Helper()
	other := *u
	var err error
	if other.token, err = u.p.Issuer.IssueToken(name, u.tenant, roles...); err != nil {
		t.Fatal(err)
	}
	return &other
}

// activateRetrain brings the sample policy to where decisions use it: one writes it, another approves it.
func (u *user) activateRetrain(t *testing.T) {
	t.Helper()
	u.ctl(t, "policy", "push", example(t, "policies"), "--submit").want(t, 0)
	u.ctl(t, "policy", "test", "--policy", "retrain").want(t, 0)
	u.colleague(t, "somebody-else", auth.RolePolicyApprover).ctl(t, "policy", "approve", "--name", "retrain").want(t, 0)
	u.ctl(t, "policy", "activate", "--name", "retrain").want(t, 0)
}

// ctlJSON runs aumosctl with JSON output and decodes what it prints.
func (u *user) ctlJSON(t *testing.T, code int, into any, args ...string) {
	t.Helper()
	r := u.ctl(t, append(args, "-o", "json")...).want(t, code)
	decoder := json.NewDecoder(bytes.NewReader([]byte(r.stdout)))
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("decode output of %v: %v\n%s", args, err, r.stdout)
	}
}

// dial connects to a service as the user.
func (u *user) dial(t *testing.T, target string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpcclient.Dial(grpcclient.Config{
		Target: target, Plaintext: true, TokenSource: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: u.token}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
