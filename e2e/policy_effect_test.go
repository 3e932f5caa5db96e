package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/opatest"
	"github.com/aumos-enterprise/platform/pkg/auth"
)

// effect is what a change of policy does to decisions, as replays, shadows and simulations print it.
type effect struct {
	Compared    int `json:"compared"`
	Same        int `json:"same"`
	AllowToDeny int `json:"allow_to_deny"`
	DenyToAllow int `json:"deny_to_allow"`
}

// questions are the decisions that examples/refunds/questions.jsonl asks for.
const questions = 92

// refunds takes the sample policy through a change with a bug, which its tests miss and a replay finds, then through the change as it should be, and asks both replicas,
// a shadow and a sidecar what they make of it.
func (u *user) refunds(t *testing.T, other replica) {
	t.Helper()
	stages := func(name string) string { return example(t, "refunds", name) }
	asked := example(t, "refunds", "questions.jsonl")
	colleague := u.colleague(t, "colleague", auth.RolePolicyApprover)
	service := u.colleague(t, "shop", auth.RoleMLEngineer, auth.RoleOperator)
	bring := func(dir string) {
		t.Helper()
		u.ctl(t, "policy", "push", dir, "--submit").want(t, 0)
		u.ctl(t, "policy", "test", "--policy", "refunds").want(t, 0)
		colleague.ctl(t, "policy", "approve", "--name", "refunds", "--governance", other.at).want(t, 0)
		u.ctl(t, "policy", "activate", "--name", "refunds").want(t, 0)
	}
	u.colleague(t, "officer", auth.RoleComplianceOfficer).ctl(t, "decision", "settings", "set", "--keep-inputs", "--retention", "30d").want(t, 0)
	bring(stages("one-limit"))
	service.ctl(t, "decision", "batch", asked, "--governance", other.at).want(t, 1)

	// Its tests pass and reach every line, and the replay of what was decided shows what is wrong. The version that decided finds no difference with itself.
	u.ctl(t, "policy", "test", stages("by-country"), "--coverage").want(t, 0)
	if got, shops := u.replayed(t, 1, other.at, "policy", "impact", "refunds", "--dir", stages("by-country"), "--days", "7"); got != (effect{questions, 83, 3, 6}) ||
		shops != "lyon vienna boston zurich" {
		t.Errorf("the bug changes %+v in %s", got, shops)
	}
	if got, shops := u.replayed(t, 1, other.at, "policy", "impact", "refunds", "--dir", stages("mended"), "--days", "7"); got != (effect{questions, 87, 3, 2}) ||
		shops != "lyon boston" {
		t.Errorf("without the bug, the change changes %+v in %s", got, shops)
	}
	if got, shops := u.replayed(t, 0, u.p.governanceAt.GRPC, "policy", "replay", "start", "refunds", "--version", "1", "--since", "24h", "--wait"); got.Same != questions || shops != "" {
		t.Errorf("the version that decided finds %+v in %s", got, shops)
	}

	u.ctl(t, "policy", "push", stages("mended"), "--submit").want(t, 0)
	u.shadowSees(t, service, other.at)
	opa := u.sidecar(t, service, other)
	lyon := map[string]any{"country": "FR", "amount": 90}
	refundable := func(want string) {
		t.Helper()
		value, failed := opa.Ask(lyon, "aumos", "decision_point", "refund.pay", "outcome")
		if failed || value != want {
			t.Errorf("the sidecar answers %v, want %s", value, want)
		}
		service.decides(t, other.at, "refund.pay", lyon, want)
	}
	opa.Await("Bundle loaded and activated successfully")
	refundable("ALLOW")
	bring(stages("mended"))
	opa.Await("Bundle loaded and activated successfully")
	refundable("DENY")
	u.ctl(t, "policy", "rollback", "--name", "refunds", "--reason", "too strict for France", "--governance", other.at).want(t, 0)
	opa.Await("Bundle loaded and activated successfully")
	refundable("ALLOW")
	u.provesDecisions(t, other.at)
}

// report is what a replay found.
type report struct {
	Summary   effect `json:"summary"`
	Resources []struct {
		Resource struct{ ID string } `json:"resource"`
	} `json:"resources"`
}

// replayed runs a command that replays, and returns what it found: counts, and the resources with differences.
func (u *user) replayed(t *testing.T, code int, at string, args ...string) (effect, string) {
	t.Helper()
	var printed struct {
		Replay report
		Impact struct{ Replay report }
	}
	u.ctlJSON(t, code, &printed, append(args, "--governance", at)...)
	found := printed.Replay
	if args[1] == "impact" {
		found = printed.Impact.Replay
	}
	shops := make([]string, 0, len(found.Resources))
	for _, r := range found.Resources {
		shops = append(shops, r.Resource.ID)
	}
	return found.Summary, strings.Join(shops, " ")
}

// shadowSees lets a shadow of the newest version see a decision of the other replica that it would have made otherwise.
func (u *user) shadowSees(t *testing.T, service *user, other string) {
	t.Helper()
	u.ctl(t, "policy", "shadow", "start", "--policy", "refunds", "--rate", "1", "--for", "1h").want(t, 0)
	for began := time.Now(); ; { // until the other replica has heard of the shadow, which takes it a moment
		service.decides(t, other, "refund.pay", map[string]any{"country": "FR", "amount": 90}, "ALLOW")
		r := u.ctl(t, "policy", "shadow", "show", "--policy", "refunds")
		if r.code == 1 && strings.Contains(r.stdout, "allow -> deny") {
			break
		}
		if time.Since(began) > readyWithin {
			t.Fatalf("the shadow sees nothing:\n%s%s", r.stdout, r.stderr)
		}
	}
	u.ctl(t, "policy", "shadow", "stop", "--policy", "refunds", "--governance", other).want(t, 0)
}

// sidecar runs an OPA as aumosctl configures it.
func (u *user) sidecar(t *testing.T, service *user, at replica) *opatest.Server {
	t.Helper()
	token := u.write(t, "token", []byte(service.token))
	r := service.ctl(t, "policy", "bundle", "config", "--url", "http://"+at.bundles, "--sidecar", "shop", "--token-file", token,
		"--governance", at.at).want(t, 0)
	var c map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &c); err != nil {
		t.Fatal(err)
	}
	// As printed, but for the pauses between its requests.
	c["bundles"].(map[string]any)["aumos"].(map[string]any)["polling"] = map[string]any{"min_delay_seconds": 1, "max_delay_seconds": 1}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return opatest.Run(t, string(text))
}

// decides asks until the answer is what it should be: a replica that has not made a change has a second to learn of it.
func (u *user) decides(t *testing.T, at, point string, input any, want string) {
	t.Helper()
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	file := u.write(t, "question.json", text)
	for began := time.Now(); ; {
		r := u.ctl(t, "decision", "eval", "--decision-point", point, "--input", file, "--governance", at)
		if strings.Contains(r.stdout, "decision        "+want) {
			return
		}
		if time.Since(began) > readyWithin {
			t.Fatalf("%s decides\n%s%s\nwant %s", at, r.stdout, r.stderr, want)
		}
	}
}

// provesDecisions counts the decisions in three ways, which must agree: the statistics of either replica, and the list. The proof of one, and the whole log, verify with the
// files alone.
func (u *user) provesDecisions(t *testing.T, other string) {
	t.Helper()
	listed := u.ctl(t, "decision", "list", "--decision-point", "refund.pay", "--limit", "0", "-o", "jsonl").want(t, 0).stdout
	count := strings.Count(listed, "\n")
	if count <= questions {
		t.Errorf("%d decisions are listed", count)
	}
	for _, at := range []string{u.p.governanceAt.GRPC, other} {
		var printed struct {
			Statistics struct {
				Counts struct{ Total, Allowed, Denied int }
			}
		}
		u.ctlJSON(t, 0, &printed, "decision", "stats", "--decision-point", "refund.pay", "--governance", at)
		if c := printed.Statistics.Counts; c.Total != count || c.Allowed+c.Denied != count {
			t.Errorf("%s counts %+v, and lists %d", at, c, count)
		}
	}
	var first struct{ ID string }
	line, _, _ := strings.Cut(listed, "\n")
	if err := json.Unmarshal([]byte(line), &first); err != nil || first.ID == "" {
		t.Fatalf("%s: %v", line, err)
	}
	u.ctl(t, "decision", "get", first.ID, "--receipt", u.file("decision.tlog-proof"), "--governance", other).want(t, 0)
	u.ctl(t, "audit", "keys", "--out", u.file("wall.vkey")).want(t, 0)
	u.ctl(t, "audit", "export", "--out", u.file("wall.jsonl")).want(t, 0)
	for _, file := range []string{"decision.tlog-proof", "wall.jsonl"} {
		command(t, nil, nil, "aumosctl", "audit", "verify", u.file(file), "--key", u.file("wall.vkey")).want(t, 0) // knows no address and has no token
	}
	export, err := os.ReadFile(filepath.Clean(u.file("wall.jsonl")))
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"policy.replay_finished", "policy.shadow_started", "policy.shadow_stopped", "policy.version_approved", "decision_settings.changed"} {
		if !bytes.Contains(export, []byte(event)) {
			t.Errorf("no entry says %s", event)
		}
	}
	if !bytes.Contains(export, []byte("132.14 is above the limit")) || bytes.Contains(export, []byte(`"order"`)) {
		t.Error("the log does not say what a policy said, or says what it was asked")
	}
}
