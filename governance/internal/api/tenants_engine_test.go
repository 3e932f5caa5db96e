package api_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// What a shared engine would let one tenant do to another: take over its packages, list and read what others have, claim the document above
// another's package, and reach the engine itself or anything else over the network.
func TestTenantsShareNoEngine(t *testing.T) {
	t.Parallel()
	r := setup(t)
	a, b := r.admin(tenantA), r.admin(tenantB)
	const canary = "canary-of-a"
	victim := a.policy("victim", "the.point")
	version := func(c client, policyID string, data map[string]any, modules ...string) (*governancev1.PolicyVersion, error) {
		req := &governancev1.CreatePolicyVersionRequest{PolicyId: policyID, Data: object(data)}
		for i, source := range modules {
			req.Modules = append(req.Modules, &governancev1.RegoModule{Path: fmt.Sprintf("m%d.rego", i), Source: source})
		}
		res, err := c.CreatePolicyVersion(t.Context(), req)
		return res.GetPolicyVersion(), err
	}
	v, err := version(a, victim.GetId(), map[string]any{"secret": canary},
		"package aumos.governance.victim\ndefault allow := false\nallow if input.key == data.secret\nviolations contains \"NO\" if not allow")
	if err != nil {
		t.Fatal(err)
	}
	a.activate(v.GetId())
	sources := map[string][]string{
		"the same package":       {"package aumos.governance.victim\nallow := true"},
		"by its id":              {"package aumos.governance.p_" + strings.ReplaceAll(victim.GetId(), "-", "_") + "\nallow := true"},
		"the document above":     {"package aumos\nallow := true\ngovernance := {\"victim\": {\"allow\": true}}"},
		"every key of data":      {"package p\nallow := true\nviolations contains k if some k, _ in data.aumos.governance"},
		"every key, from beside": {"package p\nimport data.q.keys\nallow := true\nviolations := keys", "package q\nkeys contains k if some k, _ in data.aumos"},
		"all of data":            {"package p\nallow := true\nviolations contains json.marshal(data.aumos)"},
		"its data document":      {"package p\nallow := true\nviolations contains data.secret"},
		"its data by with":       {"package p\nallow := true\nviolations contains s if s := data.secret with data.secret as data.secret"},
		"its input":              {"package p\nallow := true\nviolations contains json.marshal(input)"},
	}
	for name, modules := range sources {
		p := b.policy("p"+strings.ReplaceAll(name, ",", ""), "the.point")
		v, err := version(b, p.GetId(), nil, modules...)
		if err != nil {
			t.Errorf("%s: refused: %v %v", name, err, fieldsOf(err)) // it is of this tenant alone, so that nothing is wrong with it
			continue
		}
		b.activate(v.GetId())
		theirs, ours := b.decide(askPolicy(p.GetId(), nil)), a.decide(askPoint("the.point", map[string]any{"key": "guess"}))
		if text := theirs.String(); strings.Contains(text, canary) || strings.Contains(text, "victim") && !strings.Contains(modules[0], "victim\nallow") {
			t.Errorf("%s: the answer %v tells of another tenant", name, theirs)
		}
		if ours.GetOutcome() != deny || len(ours.GetResults()) != 1 {
			t.Errorf("%s: another tenant's answer became %v", name, ours)
		}
	}
	// The other way round: the victim's packages were claimed by others before, and it is activated nevertheless.
	next, err := version(a, victim.GetId(), nil, "package aumos\nimport data.aumos.governance.victim.x\nallow := x", "package aumos.governance.victim\nx := true")
	if err != nil {
		t.Fatal(err)
	}
	a.activate(next.GetId())
	if got := a.decide(askPoint("the.point", nil)); got.GetOutcome() != allow {
		t.Errorf("got %v", got)
	}
}

// Rego that reaches out is refused wherever Rego is taken.
func TestNoRegoReachesOut(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c, tests := r.admin(tenantA), r.tester(tenantA, auth.RoleAdmin)
	c.keepInputs()
	p := c.active("p", "allow := true")
	for name, call := range map[string]string{
		"http.send":          `http.send({"method": "get", "url": "http://127.0.0.1:8181/v1/policies"}).status_code == 200`,
		"opa.runtime":        `opa.runtime().env.PATH`,
		"net.lookup_ip_addr": `net.lookup_ip_addr("localhost")`,
		"rego.parse_module":  `rego.parse_module("a.rego", "package a")`,
		"json.match_schema":  `json.match_schema({}, {"$ref": "http://127.0.0.1:1"})[0]`,
	} {
		rules := "allow if " + call
		candidate := &governancev1.CandidateModules{Modules: module(rules)}
		_, created := c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: p.GetId(), Modules: module(rules)})
		_, replayed := c.CreateReplay(t.Context(), &governancev1.CreateReplayRequest{
			PolicyId: p.GetId(), Candidate: &governancev1.CreateReplayRequest_Modules{Modules: candidate}, TimeRange: replayOf("", "").GetTimeRange(),
		})
		for _, err := range []error{created, replayed} {
			wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REGO_INVALID)
		}
		simulation := simulationOf(p.GetId(), "", nil)
		simulation.Candidate = &governancev1.SimulatePolicyRequest_Modules{Modules: candidate}
		simulated, err := c.SimulatePolicy(t.Context(), simulation)
		if err != nil || len(simulated.GetErrors()) == 0 {
			t.Errorf("%s simulated: %v, %v", name, simulated, err)
		}
		tested, err := tests.TestModules(t.Context(), &governancev1.TestModulesRequest{Modules: module(rules)})
		if err != nil || len(tested.GetErrors()) == 0 {
			t.Errorf("%s tested: %v, %v", name, tested, err)
		}
		validated, err := c.ValidatePolicy(t.Context(), &governancev1.ValidatePolicyRequest{Modules: module(rules)})
		if err != nil || validated.GetValid() || !strings.Contains(validated.GetErrors()[0].GetMessage(), name) {
			t.Errorf("%s validated: %v, %v", name, validated, err)
		}
	}
}
