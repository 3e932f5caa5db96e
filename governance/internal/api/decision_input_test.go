package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// An installation without a key masks, but keeps nothing.
func TestKeepingInputsNeedsAKey(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	p.wrapping = ""
	r := p.replica(rego.Config{})
	c := r.admin(tenantA)
	_, err := c.UpdateDecisionSettings(t.Context(), &governancev1.UpdateDecisionSettingsRequest{
		Settings: &governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour)},
	})
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_INPUTS_KEY_MISSING)
	c.update(&governancev1.DecisionSettings{Masks: maskPaths("/n")})
	policy := c.active("p", "allow := true")
	if d := c.decide(askPolicy(policy.GetId(), map[string]any{"n": 1})); d.GetMaskedPaths() != 1 || d.GetInputKept() {
		t.Errorf("decision %v", d)
	}
}

func TestEraseDecisionInputs(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	one, two := p.replica(rego.Config{}), p.replica(rego.Config{})
	a, b := one.admin(tenantA), two.admin(tenantB)
	settings := &governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour), Masks: maskPaths("/secret")}
	a.update(settings)
	b.update(settings)
	policyA, policyB := a.active("p", "allow := true"), b.active("p", "allow := true")
	elsewhere := two.admin(tenantA) // a replica that has the old key in memory
	ask := askPolicy(policyA.GetId(), map[string]any{"secret": "x"})
	ask.RequestId = uuid.NewString()
	gone := []*governancev1.Decision{a.decide(ask), elsewhere.decide(askPolicy(policyA.GetId(), nil))}
	stays := b.decide(askPolicy(policyB.GetId(), nil))

	req := &governancev1.EraseDecisionInputsRequest{Reason: "a request of the data subject", RequestId: uuid.NewString()}
	for range 2 { // the second one is a retry
		res, err := a.EraseDecisionInputs(t.Context(), req)
		if err != nil || res.GetErased() != 2 {
			t.Fatalf("EraseDecisionInputs: %v, %v, want 2", res, err)
		}
	}
	e := one.newest(tenantA)
	if e.EventType != "decision_inputs.erased" || e.Details["reason"] != req.GetReason() || e.Details["erased"] != 2.0 || e.Resource.State["etag"] != "1" {
		t.Errorf("entry %+v", e)
	}
	for _, d := range gone {
		if in := one.open(tenantA, d); in.JSON() != nil {
			t.Errorf("after the erasure: %s", in.JSON())
		}
	}
	if in := two.open(tenantB, stays); in.JSON() == nil {
		t.Error("another tenant's input is gone")
	}
	for _, c := range []client{a, elsewhere} {
		if d := c.decide(askPolicy(policyA.GetId(), nil)); !d.GetInputKept() || one.open(tenantA, d).JSON() == nil {
			t.Errorf("decided after the erasure: %v", d)
		}
	}
	// What was masked cannot be compared any more: the answer could be another question's.
	_, err := a.Evaluate(t.Context(), ask)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)

	_, err = a.EraseDecisionInputs(t.Context(), &governancev1.EraseDecisionInputsRequest{})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if res, err := one.admin(tenant.ID(uuid.New())).EraseDecisionInputs(t.Context(), &governancev1.EraseDecisionInputsRequest{Reason: "x"}); err != nil || res.GetErased() != 0 {
		t.Errorf("a tenant that has kept nothing: %v, %v", res, err)
	}
}

// A decision does not fail because its input could not be kept, and says so.
func TestDecisionsWithoutTheStoreOfInputs(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	r := p.replica(rego.Config{})
	c := r.admin(tenantA)
	c.update(&governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour)})
	policy := c.active("p", "allow := true")
	if d := c.decide(askPolicy(policy.GetId(), nil)); !d.GetInputKept() {
		t.Fatalf("decision %v", d)
	}
	if _, err := p.governance.Admin().Exec(t.Context(), `ALTER TABLE gov_decision_inputs RENAME TO gone`); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		d := c.decide(askPolicy(policy.GetId(), nil))
		if d.GetInputKept() || d.GetOutcome() != allow || r.newest(tenantA).Details["input_kept"] != nil {
			t.Errorf("decision %v", d)
		}
	}
}

// The schema itself keeps nonsense out.
func TestDecisionInputsSchema(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	r.admin(tenantA).update(&governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour)})
	for constraint, sql := range map[string]string{
		"gov_decision_settings_keep_inputs_check":     `UPDATE gov_decision_settings SET input_retention = NULL`,
		"gov_decision_settings_input_retention_check": `UPDATE gov_decision_settings SET input_retention = 60, kept_retention = 60`,
		"gov_decision_keys_wrapping_key_check":        `UPDATE gov_decision_keys SET wrapping_key = ''`,
		"gov_decision_keys_destroy_time_check":        `UPDATE gov_decision_keys SET wrapped = NULL`,
		"gov_decision_keys_live_key":                  `INSERT INTO gov_decision_keys (id, purpose, wrapping_key, wrapped) SELECT gen_random_uuid(), purpose, wrapping_key, wrapped FROM gov_decision_keys`,
		"row-level security":                          `UPDATE gov_decision_settings SET tenant_id = gen_random_uuid()`,
	} {
		err := postgres.TenantTx(tenant.NewContext(t.Context(), tenantA), r.pool, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), constraint) && constraint != "row-level security" {
			t.Errorf("%s: %v, want %s", sql, err, constraint)
		}
	}
	// Nothing is seen without a tenant, and of other tenants.
	err := postgres.TenantTx(tenant.NewContext(t.Context(), tenantB), r.pool, func(ctx context.Context, tx pgx.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM gov_decision_settings) + (SELECT count(*) FROM gov_decision_keys)`).Scan(&n)
		if n != 0 {
			t.Errorf("%d rows of another tenant", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
