package api_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestShadowFindsWhatACandidateWouldChange(t *testing.T) {
	t.Parallel()
	platform := newPlatform(t)
	first, second := platform.replica(rego.Config{}), platform.replica(rego.Config{})
	a, b := first.admin(tenantA), second.admin(tenantA)
	p := a.active("limit", "default allow := false\nallow if input.x > 1\nviolations contains \"LOW\" if input.x <= 1", "trade.place")
	a.active("another", "allow := true", "trade.place")
	candidate := a.version(p.GetId(), "default allow := false\nallow if input.x > 2\nviolations contains \"LOW\" if input.x <= 1\nobligations contains \"log\" if input.x > 3")
	if got := b.decide(askPolicy(p.GetId(), x(2))); got.GetOutcome() != allow { // the other replica remembers the policy without a shadow
		t.Fatalf("got %v", got)
	}
	s := a.startShadow(candidate.GetId(), 1)
	if s.GetState() != governancev1.ShadowState_SHADOW_STATE_RUNNING || s.GetPolicyId() != p.GetId() || s.GetSubject() != "subject-of-admin" ||
		s.GetExpireTime().AsTime().Sub(s.GetCreateTime().AsTime()) != time.Hour || s.GetEndTime() != nil {
		t.Errorf("started %v", s)
	}

	about := askPolicy(p.GetId(), x(2))
	about.Resource = &governancev1.DecidedResource{Type: "order", Id: "o-1"}
	about.RequestId = uuid.NewString()
	denied := a.decide(about)
	if again := a.decide(about); again.GetId() != denied.GetId() { // a retry is no other decision
		t.Errorf("a retry got %v", again)
	}
	atPoint := a.decide(askPoint("trade.place", x(2)))
	a.decide(askPolicy(p.GetId(), x(1))) // both deny, for the same reason
	a.decide(askPolicy(p.GetId(), x(3))) // both allow
	obliged := a.decide(askPolicy(p.GetId(), x(4)))
	for _, d := range []*governancev1.Decision{denied, atPoint, obliged} {
		if d.GetOutcome() != allow || len(d.GetResults()[len(d.GetResults())-1].GetObligations()) != 0 {
			t.Errorf("the candidate changed the answer %v", d)
		}
	}
	got := a.waitCompared(s.GetId(), 5)
	want := &governancev1.DifferenceSummary{Compared: 5, Same: 2, AllowToDeny: 2, ObligationsChanged: 1}
	if !proto.Equal(got.GetSummary(), want) || got.GetSkipped() != 0 {
		t.Errorf("summary %v, skipped %d, want %v", got.GetSummary(), got.GetSkipped(), want)
	}
	found := a.shadowDifferences(s.GetId(), 2)
	var ids []string
	for _, d := range found {
		ids = append(ids, d.GetDecisionId())
	}
	if want := []string{obliged.GetId(), atPoint.GetId(), denied.GetId()}; !slices.Equal(ids, want) {
		t.Fatalf("differences %v, want %v", ids, want)
	}
	last := found[2]
	if last.GetResource().GetId() != "o-1" || last.GetResource().GetType() != "order" || last.GetPolicyVersionId() != p.GetActiveVersionId() ||
		!last.GetDecideTime().AsTime().Equal(denied.GetDecideTime().AsTime()) || found[1].GetResource() != nil ||
		last.GetDifference().GetFromOutcome() != allow || last.GetDifference().GetToOutcome() != deny ||
		found[0].GetDifference().GetObligationsAdded()[0].GetId() != "log" {
		t.Errorf("difference %v", found)
	}

	waitFor(t, "the other replica's decisions are compared", func() bool {
		b.decide(askPolicy(p.GetId(), x(2)))
		return a.shadow(s.GetId()).GetSummary().GetAllowToDeny() > 2
	})
	for range 2 {
		res, err := a.StopShadow(t.Context(), &governancev1.StopShadowRequest{ShadowId: s.GetId()})
		if err != nil || res.GetShadow().GetState() != governancev1.ShadowState_SHADOW_STATE_STOPPED || res.GetShadow().GetEndTime() == nil {
			t.Errorf("stopped %v, %v", res, err)
		}
	}
	a.decide(askPolicy(p.GetId(), x(3)))
	second.stopShadows()
	first.stopShadows()
	if same := a.shadow(s.GetId()).GetSummary().GetSame(); same != 2 {
		t.Errorf("%d same answers: a decision after the stop was compared", same)
	}
	started, stopped := first.recorded(tenantA, "policy.shadow_started"), first.recorded(tenantA, "policy.shadow_stopped")
	if len(started) != 1 || len(stopped) != 1 || started[0].Resource.ID != s.GetId() || started[0].Action != "policy.simulate" ||
		started[0].Resource.State["state"] != "RUNNING" || started[0].Resource.State["policy_version_id"] != candidate.GetId() ||
		stopped[0].Resource.State["state"] != "STOPPED" || stopped[0].Resource.State["end_time"] == nil {
		t.Errorf("started %+v, stopped %+v", started, stopped)
	}
}

// With the decision's own clock and randomness, the same rules give the same answers.
func TestShadowOfTheSameRulesFindsNothing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	const rules = `allow if rand.intn("coin", 2) == 1
violations contains sprintf("%d", [time.now_ns()])`
	p := c.active("dice", rules)
	s := c.startShadow(c.version(p.GetId(), rules+"\n# the same").GetId(), 1)
	for range 20 {
		c.decide(askPolicy(p.GetId(), nil))
	}
	got := c.waitCompared(s.GetId(), 20)
	if want := (&governancev1.DifferenceSummary{Compared: 20, Same: 20}); !proto.Equal(got.GetSummary(), want) {
		t.Errorf("summary %v", got.GetSummary())
	}
	if found := c.shadowDifferences(s.GetId(), 0); len(found) != 0 {
		t.Errorf("differences %v", found)
	}
}

func TestShadowSamples(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	s := c.startShadow(c.version(p.GetId(), "allow := false").GetId(), 0.25)
	sample := shadow.NewSample(shadow.Shadow{ID: uuid.MustParse(s.GetId()), SamplingRate: 0.25, ExpireTime: s.GetExpireTime().AsTime()})
	var want []string
	for range 40 {
		d := c.decide(askPolicy(p.GetId(), nil))
		if sample.Takes(uuid.MustParse(d.GetId()), d.GetDecideTime().AsTime()) {
			want = append([]string{d.GetId()}, want...)
		}
	}
	r.stopShadows()
	if got := c.shadow(s.GetId()); got.GetSummary().GetAllowToDeny()+got.GetSkipped() != int64(len(want)) {
		t.Errorf("%v of 40 decisions, want %d", got, len(want))
	}
	for _, d := range c.shadowDifferences(s.GetId(), 0) {
		if !slices.Contains(want, d.GetDecisionId()) {
			t.Errorf("%s is not in the sample", d.GetDecisionId())
		}
	}
}

func TestShadowsTakeEachOthersPlace(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p, q := c.active("p", "allow := true"), c.active("q", "allow := true")
	v := c.version(p.GetId(), "allow := false").GetId()
	one, other := c.startShadow(v, 1), c.startShadow(q.GetActiveVersionId(), 1)
	two := c.startShadow(v, 0.5)
	if got := c.shadow(one.GetId()); got.GetState() != governancev1.ShadowState_SHADOW_STATE_STOPPED {
		t.Errorf("the first is %v", got)
	}
	if got := c.shadow(other.GetId()); got.GetState() != governancev1.ShadowState_SHADOW_STATE_RUNNING {
		t.Errorf("that of another policy is %v", got)
	}
	stopped := r.recorded(tenantA, "policy.shadow_stopped")
	if len(stopped) != 1 || stopped[0].Resource.ID != one.GetId() || stopped[0].Details["replaced_by"] != two.GetId() {
		t.Errorf("stopped %+v", stopped)
	}

	list := func(req *governancev1.ListShadowsRequest) (ids []string) {
		for {
			res, err := c.ListShadows(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range res.GetShadows() {
				ids = append(ids, s.GetId())
			}
			if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
				return ids
			}
		}
	}
	if got, want := list(&governancev1.ListShadowsRequest{PageSize: 1}), []string{two.GetId(), other.GetId(), one.GetId()}; !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	if got, want := list(&governancev1.ListShadowsRequest{PolicyId: p.GetId()}), []string{two.GetId(), one.GetId()}; !slices.Equal(got, want) {
		t.Errorf("listed %v of the policy, want %v", got, want)
	}

	// Time goes by: the row of what ran still says so.
	if _, err := r.platform.governance.Admin().Exec(t.Context(),
		`UPDATE gov_shadows SET create_time = create_time - interval '2 hours', expire_time = expire_time - interval '2 hours'`); err != nil {
		t.Fatal(err)
	}
	got := c.shadow(two.GetId())
	if got.GetState() != governancev1.ShadowState_SHADOW_STATE_EXPIRED || !proto.Equal(got.GetEndTime(), got.GetExpireTime()) {
		t.Errorf("after its time: %v", got)
	}
	res, err := c.StopShadow(t.Context(), &governancev1.StopShadowRequest{ShadowId: two.GetId()})
	if err != nil || res.GetShadow().GetState() != governancev1.ShadowState_SHADOW_STATE_EXPIRED {
		t.Errorf("stopping what ended: %v, %v", res, err)
	}
	three := c.startShadow(v, 1)
	if got := c.shadow(two.GetId()); got.GetState() != governancev1.ShadowState_SHADOW_STATE_EXPIRED {
		t.Errorf("with another in its place: %v", got)
	}
	if len(r.recorded(tenantA, "policy.shadow_stopped")) != 1 {
		t.Error("stopping what had ended made an entry")
	}
	c.decide(askPolicy(p.GetId(), nil))
	c.waitCompared(three.GetId(), 1)
}

func TestShadowRefusals(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	s := c.startShadow(p.GetActiveVersionId(), 1)
	ok := &governancev1.StartShadowRequest{PolicyVersionId: p.GetActiveVersionId(), SamplingRate: 1, Duration: durationpb.New(time.Hour)}
	for name, change := range map[string]func(*governancev1.StartShadowRequest){
		"no rate":         func(req *governancev1.StartShadowRequest) { req.SamplingRate = 0 },
		"more than all":   func(req *governancev1.StartShadowRequest) { req.SamplingRate = 1.01 },
		"no duration":     func(req *governancev1.StartShadowRequest) { req.Duration = nil },
		"half a minute":   func(req *governancev1.StartShadowRequest) { req.Duration = durationpb.New(30 * time.Second) },
		"over 31 days":    func(req *governancev1.StartShadowRequest) { req.Duration = durationpb.New(31*24*time.Hour + 1) },
		"no version's id": func(req *governancev1.StartShadowRequest) { req.PolicyVersionId = "p" },
	} {
		req := proto.CloneOf(ok)
		change(req)
		if _, err := c.StartShadow(t.Context(), req); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := r.admin(tenantB)
	_, err := other.StartShadow(t.Context(), ok)
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = other.StopShadow(t.Context(), &governancev1.StopShadowRequest{ShadowId: s.GetId()})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = other.GetShadow(t.Context(), &governancev1.GetShadowRequest{ShadowId: s.GetId()})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = other.ListShadowDifferences(t.Context(), &governancev1.ListShadowDifferencesRequest{ShadowId: s.GetId()})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	if res, err := other.ListShadows(t.Context(), &governancev1.ListShadowsRequest{}); err != nil || len(res.GetShadows()) != 0 {
		t.Errorf("another tenant sees %v, %v", res, err)
	}
	_, err = r.as(tenantA, auth.RoleOperator).StartShadow(t.Context(), ok)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
}
