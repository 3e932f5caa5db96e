package policy_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// fixture is a governance database with two tenants.
type fixture struct {
	postgrestest.GovernanceDB

	a, b tenant.ID
}

func setup(t *testing.T) fixture {
	t.Helper()
	return fixture{GovernanceDB: postgrestest.Governance(t), a: tenant.ID(newID(t)), b: tenant.ID(newID(t))}
}

func newID(t *testing.T) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// tx runs fn as the application does, for the tenant.
func (f fixture) tx(t *testing.T, id tenant.ID, fn func(ctx context.Context, tx pgx.Tx) error) error {
	t.Helper()
	return postgres.TenantTx(tenant.NewContext(t.Context(), id), f.App, fn)
}

// do is tx for what must succeed.
func do[T any](t *testing.T, f fixture, id tenant.ID, fn func(ctx context.Context, tx pgx.Tx) (T, error)) T {
	t.Helper()
	var result T
	err := f.tx(t, id, func(ctx context.Context, tx pgx.Tx) (err error) {
		result, err = fn(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func (f fixture) create(t *testing.T, id tenant.ID, name string, points ...string) policy.Policy {
	t.Helper()
	return do(t, f, id, func(ctx context.Context, tx pgx.Tx) (policy.Policy, error) {
		return policy.Create(ctx, tx, policy.Definition{Name: name, Description: "what " + name + " is for", DecisionPoints: points})
	})
}

// content returns content that word makes unique.
func content(word string) policy.Content {
	return policy.Content{
		Package: "aumos.retrain", Description: "says " + word, Author: "alice", Data: []byte(`{"word":"` + word + `"}`),
		Modules: []policy.Module{
			{Path: "retrain.rego", Source: "package aumos.retrain\n\nallow if input.word == \"" + word + "\"\n"},
			{Path: "lib/a.rego", Source: "package lib.a\n\nbig := input.size > 3 # größer\n"},
		},
	}
}

func (f fixture) addVersion(t *testing.T, id tenant.ID, policyID uuid.UUID, word string) policy.Version {
	t.Helper()
	return do(t, f, id, func(ctx context.Context, tx pgx.Tx) (policy.Version, error) {
		return policy.CreateVersion(ctx, tx, policyID, content(word))
	})
}

func (f fixture) activate(t *testing.T, id tenant.ID, versionID uuid.UUID) policy.Activation {
	t.Helper()
	return policytest.Activate(t, f.App, id, versionID)
}

func (f fixture) get(t *testing.T, id tenant.ID, policyID uuid.UUID) policy.Policy {
	t.Helper()
	return do(t, f, id, func(ctx context.Context, tx pgx.Tx) (policy.Policy, error) { return policy.Get(ctx, tx, policyID) })
}

func (f fixture) getVersion(t *testing.T, id tenant.ID, versionID uuid.UUID) policy.Version {
	t.Helper()
	return do(t, f, id, func(ctx context.Context, tx pgx.Tx) (policy.Version, error) {
		return policy.GetVersion(ctx, tx, versionID)
	})
}

// listVersions returns all versions of the policy.
func (f fixture) listVersions(t *testing.T, id tenant.ID, policyID uuid.UUID) []policy.Version {
	t.Helper()
	return do(t, f, id, func(ctx context.Context, tx pgx.Tx) ([]policy.Version, error) {
		versions, more, err := policy.ListVersions(ctx, tx, policyID, "", 0, 500)
		if more {
			t.Error("there are more than 500 versions")
		}
		return versions, err
	})
}

// wantError checks kind and reason.
func wantError(t *testing.T, what string, err error, kind errs.Kind, reason errs.Reason) {
	t.Helper()
	if !errors.Is(err, errs.New(kind, reason, "")) {
		t.Errorf("%s: error %v, want %s", what, err, reason)
	}
}

func pgError(err error) pgconn.PgError {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return *pg
	}
	return pgconn.PgError{}
}
