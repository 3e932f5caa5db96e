// Package policytest brings policies' versions to where tests need them, by the way that they take in production.
package policytest

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Approver is the subject that approves in tests; it writes and submits nothing.
const Approver = "approver-in-tests"

// Activate makes a draft of the tenant active: it is submitted by its author, approved by somebody else, tested and activated. A retired version is
// rolled back to, and an active one stays as it is.
func Activate(t testing.TB, pool *pgxpool.Pool, id tenant.ID, versionID uuid.UUID) policy.Activation {
	t.Helper()
	var a policy.Activation
	err := postgres.TenantTx(tenant.NewContext(t.Context(), id), pool, func(ctx context.Context, tx pgx.Tx) error {
		v, err := policy.GetVersion(ctx, tx, versionID)
		if err != nil {
			return err
		}
		if v.State == policy.Retired {
			a, err = policy.Rollback(ctx, tx, v.PolicyID, versionID, "")
			return err
		}
		if v.State == policy.Draft {
			if err := approve(ctx, tx, v); err != nil {
				return err
			}
			if err := AddRun(ctx, tx, versionID, Passed); err != nil {
				return err
			}
		}
		a, err = policy.Activate(ctx, tx, versionID, "", rego.EngineVersion())
		return err
	})
	if err != nil {
		t.Fatalf("activate: %v", err)
	}
	return a
}

// Approve makes a draft of the tenant approved, with a passing test run: all that is left is to activate it.
func Approve(t testing.TB, pool *pgxpool.Pool, id tenant.ID, versionID uuid.UUID) {
	t.Helper()
	err := postgres.TenantTx(tenant.NewContext(t.Context(), id), pool, func(ctx context.Context, tx pgx.Tx) error {
		v, err := policy.GetVersion(ctx, tx, versionID)
		if err != nil {
			return err
		}
		if err := approve(ctx, tx, v); err != nil {
			return err
		}
		return AddRun(ctx, tx, versionID, Passed)
	})
	if err != nil {
		t.Fatalf("approve: %v", err)
	}
}

func approve(ctx context.Context, tx pgx.Tx, v policy.Version) error {
	if _, _, err := policy.Submit(ctx, tx, policy.Step{Version: v.ID, Subject: v.Author}); err != nil {
		return err
	}
	_, _, err := policy.Approve(ctx, tx, policy.Step{Version: v.ID, Subject: Approver})
	return err
}

// Run is what a recorded test run came to. Tests change what they are about.
type Run struct {
	SuiteRevision   int64
	Complete        bool
	Passed          bool
	PassedCount     int32
	FailedCount     int32
	ErrorCount      int32
	CoveragePercent int32
	EngineVersion   string
}

// Passed leaves a run as it is: complete and passing, with the suite and the engine of now.
func Passed(*Run) {}

// Test records a test run of a version of the tenant.
func Test(t testing.TB, pool *pgxpool.Pool, id tenant.ID, versionID uuid.UUID, change func(*Run)) {
	t.Helper()
	err := postgres.TenantTx(tenant.NewContext(t.Context(), id), pool, func(ctx context.Context, tx pgx.Tx) error {
		return AddRun(ctx, tx, versionID, change)
	})
	if err != nil {
		t.Fatalf("record test run: %v", err)
	}
}

// AddRun records a test run of the version as the service does, but for the report, which is empty.
func AddRun(ctx context.Context, tx pgx.Tx, versionID uuid.UUID, change func(*Run)) error {
	v, err := policy.GetVersion(ctx, tx, versionID)
	if err != nil {
		return err
	}
	p, err := policy.Get(ctx, tx, v.PolicyID)
	if err != nil {
		return err
	}
	r := Run{SuiteRevision: p.SuiteRevision, Complete: true, Passed: true, PassedCount: 1, CoveragePercent: 100, EngineVersion: rego.EngineVersion()}
	change(&r)
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO gov_policy_test_runs (id, policy_id, version_id, content_sha256, suite_revision, min_coverage_percent, complete, passed,
			passed_count, failed_count, error_count, coverage_percent, duration_us, engine_version, report, subject)
		VALUES (@id, @policy_id, @version_id, @content_sha256, @suite_revision, @min_coverage_percent, @complete, @passed,
			@passed_count, @failed_count, @error_count, @coverage_percent, 1, @engine_version, '', @subject)`,
		pgx.NamedArgs{
			"id": id, "policy_id": p.ID, "version_id": v.ID, "content_sha256": v.ContentSHA256[:], "suite_revision": r.SuiteRevision,
			"min_coverage_percent": p.MinCoveragePercent, "complete": r.Complete, "passed": r.Passed, "passed_count": r.PassedCount,
			"failed_count": r.FailedCount, "error_count": r.ErrorCount, "coverage_percent": r.CoveragePercent, "engine_version": r.EngineVersion,
			"subject": Approver,
		})
	return err
}
