package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (c client) batch(requests ...*governancev1.EvaluateRequest) []*governancev1.BatchEvaluateResult {
	c.t.Helper()
	res, err := c.BatchEvaluate(c.t.Context(), &governancev1.BatchEvaluateRequest{Requests: requests})
	if err != nil {
		c.t.Fatalf("BatchEvaluate: %v", err)
	}
	if len(res.GetResults()) != len(requests) {
		c.t.Fatalf("%d results of %d questions", len(res.GetResults()), len(requests))
	}
	return res.GetResults()
}

// Every question is answered as Evaluate answers it, or fails as Evaluate fails, and none spoils another.
func TestBatchFailsByItem(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := input.n < 3", "a.point")
	draft := c.policy("draft")
	foreign := r.admin(tenantB).active("foreign", "allow := true")
	deep := map[string]any{}
	for range 40 {
		deep = map[string]any{"x": deep}
	}
	labelled := askPolicy(p.GetId(), map[string]any{"n": 1})
	labelled.CorrelationId = strings.Repeat("c", 129)
	requests := []*governancev1.EvaluateRequest{
		askPolicy(p.GetId(), map[string]any{"n": 1}),
		{},
		askPolicy("not-a-uuid", nil),
		askPoint("a.point", map[string]any{"n": 4}),
		askPolicy(p.GetId(), deep),
		askPolicy(draft.GetId(), nil),
		askPolicy(foreign.GetId(), nil),
		askPoint("an.unbound", nil),
		labelled,
		askPolicy(p.GetId(), map[string]any{}),
	}
	before := len(r.entries(tenantA))
	results := c.batch(requests...)
	for i, want := range map[int]governancev1.DecisionOutcome{0: allow, 3: deny, 9: noSense} {
		if got := results[i].GetResponse().GetDecision(); got.GetOutcome() != want || got.GetPosition() == nil {
			t.Errorf("question %d: %v, want %v", i, results[i], want)
		}
	}
	decided := len(r.entries(tenantA)) - before
	if decided != 3 {
		t.Errorf("%d decisions on the wall", decided)
	}
	for _, i := range []int{1, 2, 4, 5, 6, 7, 8} {
		_, err := c.Evaluate(t.Context(), requests[i])
		got := results[i].GetError()
		if got == nil {
			t.Errorf("question %d: %v, want %v", i, results[i], err)
			continue
		}
		wantError(t, err, codes.Code(got.GetCode()), got.GetReason())
		fields := make(map[string]string)
		for _, v := range got.GetFieldViolations() {
			fields[v.GetField()] = v.GetDescription()
		}
		if diff := cmp.Diff(fieldsOf(err), fields); diff != "" {
			t.Errorf("question %d (-alone +batch):\n%s", i, diff)
		}
		if !strings.Contains(err.Error(), got.GetMessage()) || got.GetMessage() == "" {
			t.Errorf("question %d says %q, alone %v", i, got.GetMessage(), err)
		}
	}
}

func TestBatchLimits(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	many := make([]*governancev1.EvaluateRequest, 101)
	for i := range many {
		many[i] = askPolicy(p.GetId(), map[string]any{"i": i})
	}
	seen := make(map[string]bool)
	for i, result := range c.batch(many[:100]...) {
		d := result.GetResponse().GetDecision()
		if d.GetOutcome() != allow || seen[d.GetId()] {
			t.Errorf("question %d: %v", i, result)
		}
		seen[d.GetId()] = true
	}
	large := make([]*governancev1.EvaluateRequest, 20)
	for i := range large {
		large[i] = askPolicy(p.GetId(), map[string]any{"s": strings.Repeat("x", 250<<10)})
	}
	before := len(r.entries(tenantA))
	for name, requests := range map[string][]*governancev1.EvaluateRequest{"none": nil, "too many": many, "too large": large} {
		_, err := c.BatchEvaluate(t.Context(), &governancev1.BatchEvaluateRequest{Requests: requests})
		wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
		if fieldsOf(err)["requests"] == "" {
			t.Errorf("%s: %v", name, fieldsOf(err))
		}
	}
	if got := len(r.entries(tenantA)); got != before {
		t.Errorf("%d decisions of refused batches", got-before)
	}
	_, err := r.as(tenantA, auth.RoleAuditor).BatchEvaluate(t.Context(), &governancev1.BatchEvaluateRequest{Requests: many[:1]})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
}

// One request id in several questions of a batch is one decision, the first one's; another question under it is refused, whatever is evaluated first.
func TestBatchRepeats(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := input.n < 3")
	ask := func(id string, n int) *governancev1.EvaluateRequest {
		req := askPolicy(p.GetId(), map[string]any{"n": n})
		req.RequestId = id
		return req
	}
	for range 5 {
		one, two := uuid.NewString(), uuid.NewString()
		earlier := c.decide(ask(two, 5))
		requests := []*governancev1.EvaluateRequest{ask(one, 1), ask(one, 2), ask(two, 5), ask(one, 1), ask(two, 6), ask(one, 1)}
		before := len(r.entries(tenantA))
		results := c.batch(requests...)
		if got := len(r.entries(tenantA)) - before; got != 1 {
			t.Errorf("%d decisions", got)
		}
		first := results[0].GetResponse().GetDecision()
		for i, want := range map[int]*governancev1.Decision{2: earlier, 3: first, 5: first} {
			if diff := cmp.Diff(want, results[i].GetResponse().GetDecision(), protocmp.Transform()); diff != "" || want == nil {
				t.Errorf("question %d (-first +repeated):\n%s", i, diff)
			}
		}
		for _, i := range []int{1, 4} {
			if got := results[i].GetError().GetReason(); got != governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED {
				t.Errorf("question %d: %v", i, results[i])
			}
		}
		// The whole batch again gets the same.
		if diff := cmp.Diff(results, c.batch(requests...), protocmp.Transform()); diff != "" {
			t.Errorf("the batch once more (-first +second):\n%s", diff)
		}
	}
}

// Without the wall there is no decision, in a batch either.
func TestBatchFailsClosed(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	c.decide(askPolicy(p.GetId(), nil))
	r.stopWall()
	for i, result := range c.batch(askPolicy(p.GetId(), nil), &governancev1.EvaluateRequest{}, askPolicy(p.GetId(), nil)) {
		want := codes.Unavailable
		if i == 1 {
			want = codes.InvalidArgument
		}
		e := result.GetError()
		if e.GetCode() != int32(want) || (want == codes.Unavailable) != (e.GetRetryDelay() != nil) {
			t.Errorf("question %d: %v", i, result)
		}
	}
}

// The platform's log takes no decisions.
func TestBatchOfPlatform(t *testing.T) {
	t.Parallel()
	_, err := setup(t).admin(auditlog.PlatformTenant).BatchEvaluate(t.Context(), &governancev1.BatchEvaluateRequest{
		Requests: []*governancev1.EvaluateRequest{askPoint("a.point", nil)},
	})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PLATFORM_LOG)
}
