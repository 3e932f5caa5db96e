package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// walk is a model of one policy's life: what each step may answer follows from it alone.
type walk struct {
	t              *testing.T
	r              *replica
	random         *rand.Rand
	clients        []client // three people who may do everything, on two replicas
	policy         string
	archived       bool
	active         int   // the index of a version; -1: none
	retired        []int // indexes, in the order in which they retired
	suite, minimum int   // as the policy has them
	versions       []walked
	activations    int
}

// walked is a version as the model has it.
type walked struct {
	id        string
	author    int
	state     governancev1.PolicyVersionState
	submitted map[int]bool // by whom, ever
	run       *ran         // the newest complete one
}

type ran struct {
	suite, coverage int
	passed          bool
}

const (
	draft    = governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT
	inReview = governancev1.PolicyVersionState_POLICY_VERSION_STATE_IN_REVIEW
	approved = governancev1.PolicyVersionState_POLICY_VERSION_STATE_APPROVED
	active   = governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE
	retired  = governancev1.PolicyVersionState_POLICY_VERSION_STATE_RETIRED
)

// expect compares the reason of an answer with the model's, "" for success.
func (w *walk) expect(what string, err error, want string) bool {
	w.t.Helper()
	got := reasonOf(err)
	if err != nil && got == "" {
		got = err.Error()
	}
	if got != want {
		w.t.Fatalf("%s: got %q (%v), want %q; model %+v", what, got, err, want, w.versions)
	}
	return got == ""
}

// first returns the first of the reasons that holds.
func first(reasons ...string) string {
	for _, r := range reasons {
		if r != "" {
			return r
		}
	}
	return ""
}

func when(holds bool, reason string) string {
	if holds {
		return reason
	}
	return ""
}

func (w *walk) state(v *walked, from ...governancev1.PolicyVersionState) string {
	return when(!slices.Contains(from, v.state), "POLICY_VERSION_STATE")
}

func (w *walk) archivedReason() string { return when(w.archived, "POLICY_ARCHIVED") }

// A random walk over all steps of a policy's life, taken by three people on two replicas, answers as the model says, and leaves what the model says.
func TestPolicyLifeIsItsModel(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	one, two := p.replica(rego.Config{}), p.replica(rego.Config{})
	activations := 0
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := &walk{t: t, r: one, random: random, active: -1}
		w.clients = []client{one.as(tenantA, auth.RoleAdmin), two.as(tenantA, auth.RolePolicyAuthor, auth.RoleAdmin), one.as(tenantA, auth.RoleOperator, auth.RoleAdmin)}
		w.policy = w.clients[0].policy(fmt.Sprint("walk ", seed)).GetId()
		steps := []func(){w.create, w.submit, w.submit, w.approve, w.approve, w.reject, w.activate, w.activate, w.activate, w.test, w.test, w.cases, w.coverage, w.rollback, w.retire, w.archive}
		for range 250 {
			steps[random.IntN(len(steps))]()
		}
		w.check()
		activations += w.activations
	}
	if activations < 3 {
		t.Errorf("%d activations: the walk does not get far", activations)
	}
}

// pick returns somebody, and a version if there is one.
func (w *walk) pick() (who int, c client, v *walked) {
	who = w.random.IntN(len(w.clients))
	if len(w.versions) > 0 {
		v = &w.versions[w.random.IntN(len(w.versions))]
	}
	return who, w.clients[who], v
}

func (w *walk) create() {
	who, c, _ := w.pick()
	if len(w.versions) == 5 {
		return
	}
	res, err := c.CreatePolicyVersion(w.t.Context(), &governancev1.CreatePolicyVersionRequest{
		PolicyId: w.policy, Modules: module(fmt.Sprintf("allow if input.n == %d", len(w.versions))),
	})
	if w.expect("create", err, w.archivedReason()) {
		w.versions = append(w.versions, walked{id: res.GetPolicyVersion().GetId(), author: who, state: draft, submitted: map[int]bool{}})
	}
}

func (w *walk) submit() {
	who, c, v := w.pick()
	if v == nil {
		return
	}
	_, err := c.SubmitPolicyVersion(w.t.Context(), &governancev1.SubmitPolicyVersionRequest{PolicyVersionId: v.id})
	if w.expect("submit", err, first(w.archivedReason(), w.state(v, draft))) {
		v.state, v.submitted[who] = inReview, true
	}
}

func (w *walk) approve() {
	who, c, v := w.pick()
	if v == nil {
		return
	}
	_, err := c.ApprovePolicyVersion(w.t.Context(), &governancev1.ApprovePolicyVersionRequest{PolicyVersionId: v.id})
	if w.expect("approve", err, first(w.archivedReason(), w.state(v, inReview), when(who == v.author || v.submitted[who], "SAME_PERSON"))) {
		v.state = approved
	}
}

func (w *walk) reject() {
	_, c, v := w.pick()
	if v == nil {
		return
	}
	_, err := c.RejectPolicyVersion(w.t.Context(), &governancev1.RejectPolicyVersionRequest{PolicyVersionId: v.id, Reason: "no"})
	if w.expect("reject", err, first(w.archivedReason(), w.state(v, inReview, approved))) {
		v.state = draft
	}
}

func (w *walk) test() {
	_, _, v := w.pick()
	if v == nil {
		return
	}
	if i := slices.IndexFunc(w.versions, func(o walked) bool { return o.state == approved }); i >= 0 && w.random.IntN(3) > 0 {
		v = &w.versions[i]
	}
	run := &ran{suite: w.suite, coverage: 60 + 10*w.random.IntN(5)}
	run.passed = w.random.IntN(4) > 0 && run.coverage >= w.minimum
	policytest.Test(w.t, w.r.pool, tenantA, uuid.MustParse(v.id), func(r *policytest.Run) {
		r.CoveragePercent, r.Passed = int32(run.coverage), run.passed
		if !run.passed && run.coverage >= w.minimum {
			r.FailedCount = 1
		}
	})
	v.run = run
}

func (w *walk) cases() {
	if _, err := w.r.platform.governance.Admin().Exec(w.t.Context(), `UPDATE gov_policies SET suite_revision = suite_revision + 1 WHERE id = @id`, pgx.NamedArgs{"id": w.policy}); err != nil {
		w.t.Fatal(err)
	}
	w.suite++
}

func (w *walk) coverage() {
	_, c, _ := w.pick()
	minimum := 50 + 10*w.random.IntN(4)
	req := &governancev1.UpdatePolicyRequest{PolicyId: w.policy, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"min_coverage_percent"}}, MinCoveragePercent: int32(minimum)}
	_, err := c.UpdatePolicy(w.t.Context(), req)
	if w.expect("ask for coverage", err, w.archivedReason()) {
		w.minimum = minimum
	}
}

func (w *walk) activate() {
	_, c, v := w.pick()
	if v == nil {
		return
	}
	_, err := c.ActivatePolicyVersion(w.t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v.id})
	if v.state == active {
		w.expect("activate the active", err, "")
		return
	}
	untested := v.run == nil || v.run.suite != w.suite || !v.run.passed || v.run.coverage < w.minimum
	if w.expect("activate", err, first(w.archivedReason(), w.state(v, approved), when(untested, "TESTS_REQUIRED"))) {
		w.swap(slices.IndexFunc(w.versions, func(o walked) bool { return o.id == v.id }))
		w.activations++
	}
}

// swap makes the version the active one; -1: none.
func (w *walk) swap(to int) {
	if w.active >= 0 {
		w.versions[w.active].state = retired
		w.retired = append(w.retired, w.active)
	}
	if to >= 0 {
		w.versions[to].state = active
		w.retired = slices.DeleteFunc(w.retired, func(i int) bool { return i == to })
	}
	w.active = to
}

func (w *walk) rollback() {
	_, c, v := w.pick()
	if v == nil {
		return
	}
	req, to := &governancev1.RollbackPolicyRequest{PolicyId: w.policy, Reason: "back"}, -1
	var why string
	if w.random.IntN(2) == 0 {
		req.PolicyVersionId, to = v.id, slices.IndexFunc(w.versions, func(o walked) bool { return o.id == v.id })
		why = w.state(v, retired)
	} else if why = when(len(w.retired) == 0, "POLICY_VERSION_STATE"); why == "" {
		to = w.retired[len(w.retired)-1]
	}
	_, err := c.RollbackPolicy(w.t.Context(), req)
	if w.expect("roll back", err, first(w.archivedReason(), why)) {
		w.swap(to)
	}
}

func (w *walk) retire() {
	_, c, v := w.pick()
	if v == nil {
		return
	}
	_, err := c.RetirePolicyVersion(w.t.Context(), &governancev1.RetirePolicyVersionRequest{PolicyVersionId: v.id, Reason: "enough"})
	if w.expect("retire", err, w.state(v, active)) {
		w.swap(-1)
	}
}

// archive archives, or takes back into use: what is archived does not stay so for long, since nothing happens to it.
func (w *walk) archive() {
	_, c, _ := w.pick()
	if w.archived {
		_, err := c.UnarchivePolicy(w.t.Context(), &governancev1.UnarchivePolicyRequest{PolicyId: w.policy})
		w.archived = !w.expect("unarchive", err, "")
		return
	}
	_, err := c.ArchivePolicy(w.t.Context(), &governancev1.ArchivePolicyRequest{PolicyId: w.policy})
	w.archived = w.expect("archive", err, when(w.active >= 0, "POLICY_IN_USE"))
}

// check compares what is stored with the model.
func (w *walk) check() {
	w.t.Helper()
	got, err := w.clients[0].GetPolicy(w.t.Context(), &governancev1.GetPolicyRequest{PolicyId: w.policy})
	if err != nil {
		w.t.Fatal(err)
	}
	want := ""
	if w.active >= 0 {
		want = w.versions[w.active].id
	}
	if p := got.GetPolicy(); p.GetActiveVersionId() != want || (p.GetArchiveTime() != nil) != w.archived || p.GetMinCoveragePercent() != int32(w.minimum) {
		w.t.Errorf("policy %v, want active %s, archived %t", p, want, w.archived)
	}
	for i, v := range w.versions {
		got, err := w.clients[1].GetPolicyVersion(w.t.Context(), &governancev1.GetPolicyVersionRequest{PolicyVersionId: v.id})
		if err != nil || got.GetPolicyVersion().GetState() != v.state {
			w.t.Errorf("version %d is %v, want %v: %v", i+1, got.GetPolicyVersion().GetState(), v.state, err)
		}
	}
}
