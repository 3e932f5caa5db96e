package policy_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func active(p policy.Policy, v policy.Version) policy.ActiveVersion {
	return policy.ActiveVersion{
		PolicyID: p.ID, PolicyName: p.Name, VersionID: v.ID, Number: v.Number, Package: v.Package, ContentSHA256: v.ContentSHA256, Data: v.Data,
		Modules: v.Modules,
	}
}

func (f fixture) activeAt(t *testing.T, id tenant.ID, point string) []policy.ActiveVersion {
	t.Helper()
	return do(t, f, id, func(ctx context.Context, tx pgx.Tx) ([]policy.ActiveVersion, error) {
		return policy.ActiveByDecisionPoint(ctx, tx, point)
	})
}

func TestActiveByPolicy(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain")
	load := func(ctx context.Context, tx pgx.Tx) (policy.ActiveVersion, error) {
		return policy.ActiveByPolicy(ctx, tx, p.ID)
	}
	one, two := f.addVersion(t, f.a, p.ID, "one"), f.addVersion(t, f.a, p.ID, "two")
	err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, err := load(ctx, tx)
		return err
	})
	wantError(t, "without an active version", err, errs.FailedPrecondition, errs.ReasonPolicyNotActive)
	for _, v := range []policy.Version{one, two} {
		f.activate(t, f.a, v.ID)
		if diff := cmp.Diff(active(p, v), do(t, f, f.a, load)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestActiveByDecisionPoint(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var want []policy.ActiveVersion
	for _, name := range []string{"b", "Z", "a", "a b", "a-b", "10", "9"} {
		p := f.create(t, f.a, name, "drift.retrain", "model.promote")
		f.addVersion(t, f.a, p.ID, name+" unused")
		v := f.addVersion(t, f.a, p.ID, name)
		f.activate(t, f.a, v.ID)
		want = append(want, active(p, v))
	}
	want = []policy.ActiveVersion{want[5], want[6], want[1], want[2], want[3], want[4], want[0]} // bytewise by name
	draft := f.create(t, f.a, "draft", "drift.retrain", "only.draft")
	f.addVersion(t, f.a, draft.ID, "draft")
	elsewhere := f.create(t, f.a, "elsewhere", "drift.retrain.now")
	f.activate(t, f.a, f.addVersion(t, f.a, elsewhere.ID, "elsewhere").ID)
	foreign := f.create(t, f.b, "foreign", "drift.retrain")
	v := f.addVersion(t, f.b, foreign.ID, "foreign")
	f.activate(t, f.b, v.ID)

	if diff := cmp.Diff(want, f.activeAt(t, f.a, "drift.retrain")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]policy.ActiveVersion{active(foreign, v)}, f.activeAt(t, f.b, "drift.retrain")); diff != "" {
		t.Errorf("the other tenant: %s", diff)
	}
	for _, point := range []string{"only.draft", "not.bound", "drift"} {
		if found := f.activeAt(t, f.a, point); len(found) != 0 {
			t.Errorf("%s has %d active versions", point, len(found))
		}
	}
	err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, err := policy.ActiveByDecisionPoint(ctx, tx, "a\x00")
		return err
	})
	wantError(t, "NUL", err, errs.InvalidArgument, errs.ReasonInvalidField)
}

// What a superuser, or a service that adds a module to a version that exists, does to stored sources never reaches a decision.
func TestDamagedContentIsFound(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for what, damage := range map[string]string{
		"changed source": `UPDATE gov_policy_modules SET source = source || ' ' WHERE version_id = $1 AND ordinal = 2`,
		"changed path":   `UPDATE gov_policy_modules SET path = 'x' || path WHERE version_id = $1 AND ordinal = 2`,
		"missing module": `DELETE FROM gov_policy_modules WHERE version_id = $1 AND ordinal = 2`,
		"other order":    `UPDATE gov_policy_modules SET ordinal = 3 WHERE version_id = $1 AND ordinal = 1`,
		"added module": `INSERT INTO gov_policy_modules (tenant_id, version_id, ordinal, path, source)
			SELECT tenant_id, version_id, 3, 'more.rego', 'package more' FROM gov_policy_modules WHERE version_id = $1 AND ordinal = 1`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			name := what
			p := f.create(t, f.a, name, "drift.retrain")
			v := f.addVersion(t, f.a, p.ID, name)
			f.activate(t, f.a, v.ID)
			if tag, err := f.Admin().Exec(t.Context(), damage, v.ID); err != nil || tag.RowsAffected() != 1 {
				t.Fatalf("%s, %v", tag, err)
			}
			loads := calls(p.ID, v.ID)
			for _, call := range []string{"GetVersion", "ActiveByPolicy", "Activate"} {
				wantError(t, call, f.tx(t, f.a, loads[call]), errs.DataLoss, errs.ReasonInternal)
			}
			err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
				_, err := policy.ActiveByDecisionPoint(ctx, tx, "drift.retrain")
				return err
			})
			wantError(t, "ActiveByDecisionPoint", err, errs.DataLoss, errs.ReasonInternal)
		})
	}
}
