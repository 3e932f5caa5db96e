package suite

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// Recorded is one recorded run of a policy's tests. It never changes.
type Recorded struct {
	ID                 uuid.UUID
	PolicyID           uuid.UUID
	VersionID          uuid.UUID
	ContentSHA256      policy.Digest
	SuiteRevision      int64
	MinCoveragePercent int32 // that was asked for
	Complete           bool  // whether every test was run
	Passed             bool
	PassedCount        int32
	FailedCount        int32
	ErrorCount         int32
	CoveragePercent    int32
	DurationUs         int64
	EngineVersion      string
	Report             []byte `db:"-"` // in the form of the contract, compressed; nil in lists
	Subject            string // that asked for it
	RunTime            time.Time
}

const runColumns = `id, policy_id, version_id, content_sha256, suite_revision, min_coverage_percent, complete, passed, passed_count, failed_count,
			error_count, coverage_percent, duration_us, engine_version, subject, run_time`

// Record stores a run under a new id, and its time; the policy's oldest runs make room for it.
func Record(ctx context.Context, tx pgx.Tx, r Recorded) (Recorded, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Recorded{}, fmt.Errorf("make test run id: %w", err)
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO gov_policy_test_runs (id, policy_id, version_id, content_sha256, suite_revision, min_coverage_percent, complete, passed, passed_count,
			failed_count, error_count, coverage_percent, duration_us, engine_version, report, subject)
		VALUES (@id, @policy_id, @version_id, @content_sha256, @suite_revision, @min_coverage_percent, @complete, @passed, @passed_count,
			@failed_count, @error_count, @coverage_percent, @duration_us, @engine_version, @report, @subject)
		RETURNING `+runColumns,
		pgx.NamedArgs{
			"id": id, "policy_id": r.PolicyID, "version_id": r.VersionID, "content_sha256": r.ContentSHA256[:], "suite_revision": r.SuiteRevision,
			"min_coverage_percent": r.MinCoveragePercent, "complete": r.Complete, "passed": r.Passed, "passed_count": r.PassedCount,
			"failed_count": r.FailedCount, "error_count": r.ErrorCount, "coverage_percent": r.CoveragePercent, "duration_us": r.DurationUs,
			"engine_version": r.EngineVersion, "report": r.Report, "subject": r.Subject,
		})
	if err != nil {
		return Recorded{}, fmt.Errorf("insert test run: %w", err)
	}
	recorded, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Recorded])
	if err != nil {
		return Recorded{}, fmt.Errorf("insert test run: %w", err)
	}
	recorded.Report = r.Report
	return recorded, prune(ctx, tx, r.PolicyID)
}

// GetRun returns a run of the tenant with its report.
func GetRun(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Recorded, error) {
	r, err := postgres.Get(ctx, tx, "test run", id, `
		SELECT `+runColumns+`
		FROM gov_policy_test_runs
		WHERE id = @id`, pgx.RowToStructByName[Recorded])
	if err != nil {
		return Recorded{}, err
	}
	err = tx.QueryRow(ctx, `SELECT report FROM gov_policy_test_runs WHERE id = @id`, pgx.NamedArgs{"id": id}).Scan(&r.Report)
	if err != nil {
		return Recorded{}, fmt.Errorf("select test run: %w", err)
	}
	return r, nil
}

// ListRuns returns at most limit runs of the policy, of one version unless that is uuid.Nil, newest first and without reports, that come after the given
// one (uuid.Nil: from the start), and whether there are more.
func ListRuns(ctx context.Context, tx pgx.Tx, policyID, versionID, after uuid.UUID, limit int) (runs []Recorded, more bool, err error) {
	rows, err := tx.Query(ctx, `
		SELECT `+runColumns+`
		FROM gov_policy_test_runs
		WHERE policy_id = @policy_id
		AND (@version_id = '00000000-0000-0000-0000-000000000000'::uuid OR version_id = @version_id)
		AND (@after = '00000000-0000-0000-0000-000000000000'::uuid OR id < @after)
		ORDER BY id DESC
		LIMIT @limit`, pgx.NamedArgs{"policy_id": policyID, "version_id": versionID, "after": after, "limit": limit + 1})
	if err != nil {
		return nil, false, fmt.Errorf("select test runs: %w", err)
	}
	if runs, err = pgx.CollectRows(rows, pgx.RowToStructByName[Recorded]); err != nil {
		return nil, false, fmt.Errorf("select test runs: %w", err)
	}
	if len(runs) > limit {
		return runs[:limit], true, nil
	}
	return runs, false, nil
}
