package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/opatest"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// A sidecar loads the tenant's policies, answers as the service does, follows an activation, and is known by what it says of itself.
func TestSidecar(t *testing.T) {
	t.Parallel()
	s := newBundles(t)
	id := newTenant()
	ann := s.author(t, id)
	first, second := ann.policy("Amounts", "order.pay"), ann.policy("Countries", "order.pay", "order.ship")
	ann.activate(first, "allow if input.amount <= 100\nallow := false if input.amount > 100\nobligations contains \"notify\" if input.amount > 50")
	ann.activate(second, "default allow := false\nallow if input.country in {\"AT\", \"CH\"}\nviolations contains {\"code\": \"COUNTRY\", \"message\": input.country} if not allow")
	opa := s.sidecar(t, id, "eu-1")
	opa.Await("Bundle loaded and activated successfully")

	questions := []map[string]any{{}, {"amount": 10.0}, {"amount": 60.0, "country": "AT"}, {"amount": 101.0, "country": "XX"}, {"amount": 1.0, "country": "XX"}, {"country": "CH"}}
	agree := func() {
		t.Helper()
		for _, point := range []string{"order.pay", "order.ship"} {
			for _, input := range questions {
				asked, err := structpb.NewStruct(input)
				if err != nil {
					t.Fatal(err)
				}
				ours, err := ann.Evaluate(t.Context(), &governancev1.EvaluateRequest{Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: point}, Input: asked})
				if err != nil {
					t.Fatal(err)
				}
				value, failed := opa.Ask(input, "aumos", "decision_point", point)
				theirs, _ := value.(map[string]any)
				results, _ := theirs["results"].([]any)
				said := []string{fmt.Sprint(theirs["outcome"])}
				for _, r := range results {
					result, _ := r.(map[string]any)
					violations, _ := result["violations"].([]any)
					said = append(said, fmt.Sprint(result["policy_version_id"], result["outcome"], result["obligations"], len(violations)))
				}
				want := []string{strings.TrimPrefix(ours.GetDecision().GetOutcome().String(), "DECISION_OUTCOME_")}
				for _, r := range ours.GetDecision().GetResults() {
					obligations := []any{}
					for _, o := range r.GetObligations() {
						obligations = append(obligations, map[string]any{"id": o.GetId()})
					}
					want = append(want, fmt.Sprint(r.GetPolicyVersionId(), strings.TrimPrefix(r.GetOutcome().String(), "DECISION_OUTCOME_"), obligations, len(r.GetViolations())))
				}
				if failed || fmt.Sprint(said) != fmt.Sprint(want) {
					t.Errorf("%s, %v: the sidecar says %v, we say %v", point, input, said, want)
				}
			}
		}
	}
	agree()
	s.checkSidecar(t, ann, opa, "eu-1")

	opa.Await("server replied with not modified")
	ann.activate(second, "allow := input.country == \"FR\"")
	questions = append(questions, map[string]any{"amount": 5.0, "country": "FR"})
	opa.Await("Bundle loaded and activated successfully")
	ann.awaitAllow("order.ship", map[string]any{"country": "FR"})
	agree()
	s.checkSidecar(t, ann, opa, "eu-1")

	_, exposed := do(t, "GET", "http://"+s.running.addresses.Admin+"/metrics", "")
	for _, want := range []string{`{code="200",kind="bundle"`, `{code="304",kind="bundle"`, `{code="204",kind="status"`} {
		if !strings.Contains(exposed, "aumos_bundle_requests_total"+want) {
			t.Errorf("%s is not counted", want)
		}
	}
}

// A version in quarantine gives no answers to those who ask sidecars either, until that is lifted.
func TestSidecarOfQuarantinedVersion(t *testing.T) {
	t.Parallel()
	s := newBundles(t)
	id := newTenant()
	ann := s.author(t, id)
	ann.activate(ann.policy("slow", "order.pay"), "allow := true")
	before := ann.bundle()
	version := uuid.MustParse(before.GetPolicies()[0].GetPolicyVersionId())
	tx := func(fn func(context.Context, pgx.Tx) (policy.QuarantineChange, error)) {
		t.Helper()
		err := postgres.TenantTx(tenant.NewContext(t.Context(), id), s.pool, func(ctx context.Context, tx pgx.Tx) error {
			_, err := fn(ctx, tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tx(func(ctx context.Context, tx pgx.Tx) (policy.QuarantineChange, error) {
		return policy.Hold(ctx, tx, version, 0, 3)
	})
	held := ann.bundle()
	opa := s.sidecar(t, id, "eu-1")
	opa.Await("Bundle loaded and activated successfully")
	value, failed := opa.Ask(nil, "aumos", "decision_point", "order.pay")
	if answer := fmt.Sprint(value); failed || !strings.Contains(answer, "QUARANTINED") || !strings.Contains(answer, "allow:false") {
		t.Errorf("the sidecar says %v", value)
	}
	tx(func(ctx context.Context, tx pgx.Tx) (policy.QuarantineChange, error) {
		return policy.LiftQuarantine(ctx, tx, version, "repaired")
	})
	opa.Await("Bundle loaded and activated successfully")
	if value, failed := opa.Ask(nil, "aumos", "decision_point", "order.pay", "outcome"); failed || value != "ALLOW" {
		t.Errorf("once it is lifted the sidecar says %v", value)
	}
	if !held.GetPolicies()[0].GetQuarantined() || before.GetPolicies()[0].GetQuarantined() {
		t.Errorf("described as %v, in quarantine as %v", before, held)
	}
	if lifted := ann.bundle(); lifted.GetRevision() != before.GetRevision() || lifted.GetRevision() == held.GetRevision() {
		t.Errorf("revisions %s, in quarantine %s, lifted %s", before.GetRevision(), held.GetRevision(), lifted.GetRevision())
	}
}

// checkSidecar waits until the sidecar has said that it has loaded the bundle of now.
func (s *bundles) checkSidecar(t *testing.T, a author, opa *opatest.Server, name string) {
	t.Helper()
	want := a.bundle().GetRevision()
	for {
		opa.Await("Status update sent successfully in response to bundle update")
		list, err := a.ListSidecars(t.Context(), &governancev1.ListSidecarsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.GetSidecars()) == 0 || list.GetSidecars()[0].GetLoadedRevision() != want {
			continue
		}
		c := list.GetSidecars()[0]
		if len(list.GetSidecars()) != 1 || c.GetSidecarId() != name || !c.GetAlive() || !c.GetHealthy() || !c.GetUpToDate() || c.GetMessage() != "" ||
			!strings.HasPrefix(c.GetVersion(), "opa/1.") {
			t.Errorf("sidecars %v", list)
		}
		return
	}
}
