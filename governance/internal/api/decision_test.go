package api_test

import (
	"crypto/sha256"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	allow   = governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW
	deny    = governancev1.DecisionOutcome_DECISION_OUTCOME_DENY
	noSense = governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR
)

func TestEvaluatePolicy(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("limits", "default allow := false\nallow if input.n < 10\nviolations contains {\"code\": \"TOO_MANY\", \"message\": \"n\", \"severity\": \"high\", \"control\": \"C-1\"} if input.n >= 10")

	got := c.decide(askPolicy(p.GetId(), map[string]any{"n": 3}))
	if got.GetOutcome() != allow {
		t.Errorf("outcome %v, want %v", got.GetOutcome(), allow)
	}
	req := askPolicy(p.GetId(), map[string]any{"n": 12})
	req.CorrelationId = "operation-7"
	got = c.decide(req)
	sum := sha256.Sum256([]byte(`{"n":12}`))
	want := &governancev1.Decision{
		Outcome: deny, InputSha256: sum[:], EngineVersion: rego.EngineVersion(), Subject: "subject-of-admin", CorrelationId: "operation-7",
		Results: []*governancev1.PolicyResult{{
			PolicyId: p.GetId(), PolicyName: "limits", PolicyVersionId: p.GetActiveVersionId(), Outcome: deny,
			Violations: []*governancev1.Violation{{Code: "TOO_MANY", Message: "n", Severity: "high", Control: "C-1"}},
		}},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform(),
		protocmp.IgnoreFields(got, "id", "evaluation_duration", "decide_time", "position"),
		protocmp.IgnoreFields(&governancev1.PolicyResult{}, "content_sha256")); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
	if since := time.Since(got.GetDecideTime().AsTime()); since < 0 || since > time.Minute {
		t.Errorf("decided %s ago", since)
	}

	entries := r.entries(tenantA)
	e := entries[len(entries)-1]
	if e.EntryID.String() != got.GetId() || e.LeafIndex != got.GetPosition().GetLeafIndex() || got.GetPosition().GetEntryId() != got.GetId() {
		t.Errorf("entry %s at %d, want %v", e.EntryID, e.LeafIndex, got.GetPosition())
	}
	if e.EventType != "decision.evaluated" || e.Action != "decision.evaluate" || e.Outcome != auditlog.Denied || e.CorrelationID != "operation-7" ||
		e.Resource.Type != "policy" || e.Resource.ID != p.GetId() || e.Actor.ID != "subject-of-admin" || e.Digests[0].SHA256 != sum {
		t.Errorf("entry %+v", e)
	}
	leaf, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if hash := auditlog.LeafHash(leaf); string(hash[:]) != string(got.GetPosition().GetLeafHash()) {
		t.Error("the position's leaf hash is not that of the entry")
	}
}

func TestEvaluateErrorsAreDecisions(t *testing.T) {
	t.Parallel()
	c := newPlatform(t).replica(rego.Config{}).admin(tenantA)
	for _, tt := range []struct {
		name, rules string
		input       map[string]any
		want        governancev1.DecisionErrorReason
	}{
		{"undefined", "allow if input.x == 1", nil, governancev1.DecisionErrorReason_DECISION_ERROR_REASON_UNDEFINED},
		{"not boolean", `allow := "yes"`, nil, governancev1.DecisionErrorReason_DECISION_ERROR_REASON_ALLOW_NOT_BOOLEAN},
		{"violations malformed", "allow := true\nviolations := 7", nil, governancev1.DecisionErrorReason_DECISION_ERROR_REASON_VIOLATIONS_MALFORMED},
		{"violation not UTF-8", "allow := false\nviolations contains base64.decode(input.x)", map[string]any{"x": "/w=="}, governancev1.DecisionErrorReason_DECISION_ERROR_REASON_VIOLATIONS_MALFORMED},
		{"code not UTF-8", "allow := true\nviolations contains {\"code\": hex.decode(\"ff\")}", nil, governancev1.DecisionErrorReason_DECISION_ERROR_REASON_VIOLATIONS_MALFORMED},
		{"builtin", `allow if to_number(input.x) == 1`, map[string]any{"x": "a"}, governancev1.DecisionErrorReason_DECISION_ERROR_REASON_BUILTIN_ERROR},
		{"conflict", "allow if input.x\nallow := false if input.x", map[string]any{"x": true}, governancev1.DecisionErrorReason_DECISION_ERROR_REASON_CONFLICT},
		{"too large", "allow := false\nviolations := [sprintf(\"%d\", [i]) | some i in numbers.range(1, 200)]", nil, governancev1.DecisionErrorReason_DECISION_ERROR_REASON_RESULT_TOO_LARGE},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := c.active(tt.name, tt.rules)
			got := c.decide(askPolicy(p.GetId(), tt.input))
			if got.GetOutcome() != noSense || got.GetResults()[0].GetErrorReason() != tt.want {
				t.Errorf("got %v, want ERROR %v", got, tt.want)
			}
		})
	}
}

func TestEvaluateUntilTheDeadline(t *testing.T) {
	t.Parallel()
	c := newPlatform(t).replica(rego.Config{Deadline: overrunDeadline}).admin(tenantA)
	p := c.active("p", endless)
	var got *governancev1.Decision
	waitFor(t, "it is evaluated", func() (decided bool) {
		got, decided = c.tryDecide(askPolicy(p.GetId(), nil))
		return decided
	})
	if want := governancev1.DecisionErrorReason_DECISION_ERROR_REASON_DEADLINE; got.GetOutcome() != noSense || got.GetResults()[0].GetErrorReason() != want {
		t.Errorf("got %v, want ERROR %v", got, want)
	}
	c.overrun(p.GetId())
	if got = c.decide(askPolicy(p.GetId(), nil)); got.GetResults()[0].GetErrorReason() != quarantined {
		t.Errorf("after three overruns: %v, want %v", got.GetResults()[0], quarantined)
	}
	c.activate(c.version(p.GetId(), "allow := true").GetId())
	waitFor(t, "another version answers", func() bool {
		got, decided := c.tryDecide(askPolicy(p.GetId(), nil))
		return decided && got.GetOutcome() == allow
	})
}

func TestEvaluateDecisionPoint(t *testing.T) {
	t.Parallel()
	r := newPlatform(t).replica(rego.Config{})
	c := r.admin(tenantA)
	const point = "model.promote"
	_, err := c.Evaluate(t.Context(), askPoint(point, nil))
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_DECISION_POINT_UNBOUND)

	c.policy("draft only", point)
	_, err = c.Evaluate(t.Context(), askPoint(point, nil))
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_DECISION_POINT_UNBOUND)

	c.active("b", "default allow := false\nallow if not input.deny", point, "other.point")
	if got := c.decide(askPoint(point, map[string]any{})); got.GetOutcome() != allow || len(got.GetResults()) != 1 {
		t.Errorf("one policy: %v, want ALLOW", got)
	}
	c.active("a", "allow if not input.fail", point)
	c.active("c", "allow := true\nviolations contains \"note\"", point)
	for _, tt := range []struct {
		input map[string]any
		want  governancev1.DecisionOutcome
	}{
		{map[string]any{}, allow},
		{map[string]any{"fail": true}, noSense},
		{map[string]any{"deny": true}, deny},
		{map[string]any{"deny": true, "fail": true}, deny},
	} {
		got := c.decide(askPoint(point, tt.input))
		if got.GetOutcome() != tt.want || got.GetDecisionPoint() != point {
			t.Errorf("%v: %v at %q, want %v", tt.input, got.GetOutcome(), got.GetDecisionPoint(), tt.want)
		}
		var names []string
		for _, p := range got.GetResults() {
			names = append(names, p.GetPolicyName())
		}
		if diff := cmp.Diff([]string{"a", "b", "c"}, names); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	}
	if got := c.decide(askPoint("other.point", nil)); len(got.GetResults()) != 1 {
		t.Errorf("other point: %v", got)
	}
}

func TestEvaluateRetries(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow if input.n < 10\nviolations contains {\"code\": \"A\", \"message\": \"m\"}", "a.point")
	req := askPolicy(p.GetId(), map[string]any{"n": 1})
	req.RequestId = uuid.NewString()
	first := c.decide(req)
	before := len(r.entries(tenantA))

	if diff := cmp.Diff(first, c.decide(req), protocmp.Transform(), protocmp.IgnoreFields(first, "evaluation_duration")); diff != "" {
		t.Errorf("retry (-first +second):\n%s", diff)
	}
	c.activate(c.version(p.GetId(), "allow := false").GetId())
	if diff := cmp.Diff(first, c.decide(req), protocmp.Transform(), protocmp.IgnoreFields(first, "evaluation_duration")); diff != "" {
		t.Errorf("retry after the policy changed (-first +second):\n%s", diff)
	}
	if after := len(r.entries(tenantA)); after != before+6 { // of the version, its review and its activation
		t.Errorf("%d entries became %d", before, after)
	}

	for name, change := range map[string]func(*governancev1.EvaluateRequest){
		"another input":  func(r *governancev1.EvaluateRequest) { r.Input = object(map[string]any{"n": 2}) },
		"another target": func(r *governancev1.EvaluateRequest) { r.Target = askPoint("a.point", nil).GetTarget() },
	} {
		other := askPolicy(p.GetId(), map[string]any{"n": 1})
		other.RequestId = req.GetRequestId()
		change(other)
		_, err := c.Evaluate(t.Context(), other)
		if reasonOf(err) != "REQUEST_ID_REUSED" {
			t.Errorf("%s: %v, want REQUEST_ID_REUSED", name, err)
		}
	}
	// The same id in another tenant is another request.
	other := r.admin(tenantB)
	q := other.active("p", "allow := true")
	again := askPolicy(q.GetId(), map[string]any{"n": 1})
	again.RequestId = req.GetRequestId()
	if got := other.decide(again); got.GetId() == first.GetId() {
		t.Error("two tenants share a decision")
	}

	// A retry is answered also when nothing would answer it any more.
	point := askPoint("a.point", map[string]any{"n": 1})
	point.RequestId = uuid.NewString()
	decided := c.decide(point)
	admin := newAdmin(t, r)
	admin(`UPDATE gov_policy_versions SET state = 'RETIRED', retire_time = now() WHERE state = 'ACTIVE'`)
	r.decider.Changed(tenantA)
	if diff := cmp.Diff(decided, c.decide(point), protocmp.Transform(), protocmp.IgnoreFields(first, "evaluation_duration")); diff != "" {
		t.Errorf("retry without an active version (-first +second):\n%s", diff)
	}
	point.RequestId = uuid.NewString()
	_, err := c.Evaluate(t.Context(), point)
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_DECISION_POINT_UNBOUND)
}

func TestEvaluateConcurrentRetries(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	req := askPolicy(p.GetId(), nil)
	req.RequestId = uuid.NewString()
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			res, err := c.Evaluate(t.Context(), req)
			if err != nil {
				t.Errorf("Evaluate: %v", err)
				return
			}
			ids[i] = res.GetDecision().GetId() + res.GetDecision().GetDecideTime().AsTime().String()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("decisions %s and %s for one request", ids[0], id)
		}
	}
	decided := 0
	for _, e := range r.entries(tenantA) {
		if e.EventType == "decision.evaluated" {
			decided++
		}
	}
	if decided != 1 {
		t.Errorf("%d entries, want 1", decided)
	}
}

func TestEvaluateRefuses(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	draft := c.policy("draft")
	deep := map[string]any{}
	for range 33 {
		deep = map[string]any{"k": deep}
	}
	for _, tt := range []struct {
		name   string
		req    *governancev1.EvaluateRequest
		code   codes.Code
		reason governancev1.ErrorReason
		field  string
	}{
		{"no target", &governancev1.EvaluateRequest{Input: object(nil)}, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "target"},
		{"no input", &governancev1.EvaluateRequest{Target: askPolicy(p.GetId(), nil).GetTarget()}, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "input"},
		{"malformed id", askPolicy("not-a-uuid", nil), codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "policy_id"},
		{"malformed point", askPoint("Nope", nil), codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "decision_point"},
		{"deep input", askPolicy(p.GetId(), deep), codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "input"},
		{"large input", askPolicy(p.GetId(), map[string]any{"s": strings.Repeat("x", 256<<10)}), codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "input"},
		{"unknown policy", askPolicy(uuid.NewString(), nil), codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND, ""},
		{"nil policy", askPolicy(uuid.Nil.String(), nil), codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND, ""},
		{"no active version", askPolicy(draft.GetId(), nil), codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_POLICY_NOT_ACTIVE, ""},
	} {
		_, err := c.Evaluate(t.Context(), tt.req)
		wantError(t, err, tt.code, tt.reason)
		if _, named := fieldsOf(err)[tt.field]; tt.field != "" && !named {
			t.Errorf("%s: fields %v, want %s", tt.name, fieldsOf(err), tt.field)
		}
	}
}

// A service principal asks for the tenant that it names.
func TestEvaluateAsService(t *testing.T) {
	t.Parallel()
	r := setup(t)
	p := r.admin(tenantA).active("p", "allow := true")
	token := r.Issuer.Token(t, "svc-drift", tenant.ID{}, auth.RoleService)
	service := governancev1.NewDecisionServiceClient(r.Dial(t, token, tenantA.String()))
	if _, err := service.Evaluate(t.Context(), askPolicy(p.GetId(), nil)); err != nil {
		t.Fatal(err)
	}
	entries := r.entries(tenantA)
	if actor := entries[len(entries)-1].Actor; actor.Kind != auditlog.ActorService || actor.ID != "svc-drift" {
		t.Errorf("actor %+v", actor)
	}
	_, err := governancev1.NewDecisionServiceClient(r.Dial(t, token, tenantB.String())).Evaluate(t.Context(), askPolicy(p.GetId(), nil))
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
}
