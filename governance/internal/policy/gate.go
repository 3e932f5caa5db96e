package policy

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Cause says why a version's test runs do not let it through. Clients find it in the metadata of TESTS_REQUIRED.
type Cause string

// The causes.
const (
	NoRun       Cause = "NO_RUN"       // the version was never tested
	Incomplete  Cause = "INCOMPLETE"   // only parts of the suite were run
	Failed      Cause = "FAILED"       // a test failed, or there was none
	StaleSuite  Cause = "STALE_SUITE"  // the test cases have changed since
	StaleEngine Cause = "STALE_ENGINE" // another engine would answer now
	Coverage    Cause = "COVERAGE"     // the tests reach too few lines
)

// run is what the gate needs of a test run.
type run struct {
	ID              uuid.UUID
	SuiteRevision   int64
	EngineVersion   string
	Passed          bool
	PassedCount     int32
	FailedCount     int32
	ErrorCount      int32
	CoveragePercent int32
}

// checkTested returns the version's newest complete test run if it opens the way to activation: it has passed, with at least one test, on this content,
// with the suite and the engine of now, and covers what the policy asks for now. Else it fails with TESTS_REQUIRED. Since the policy's row is
// locked, and changes of its test cases and of the coverage that it asks for wait for that lock, the answer stays true until the commit.
func checkTested(ctx context.Context, tx pgx.Tx, p Policy, v Version, engine string) (uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, suite_revision, engine_version, passed, passed_count, failed_count, error_count, coverage_percent
		FROM gov_policy_test_runs
		WHERE version_id = @version_id
		AND content_sha256 = @content_sha256
		AND complete
		ORDER BY run_time DESC, id DESC
		LIMIT 1`, pgx.NamedArgs{"version_id": v.ID, "content_sha256": v.ContentSHA256[:]})
	if err != nil {
		return uuid.Nil, fmt.Errorf("select test run: %w", err)
	}
	newest, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[run])
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, untested(ctx, tx, v)
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("select test run: %w", err)
	}
	r := newest
	tests := r.PassedCount > 0 && r.FailedCount == 0 && r.ErrorCount == 0
	switch {
	case r.SuiteRevision != p.SuiteRevision:
		return uuid.Nil, testsRequired(v, StaleSuite, "the policy's test cases have changed since the version was tested: run them")
	case r.EngineVersion != engine:
		return uuid.Nil, testsRequired(v, StaleEngine, "the version was tested with engine %s, and %s would answer now: run its tests again", r.EngineVersion, engine)
	case !tests && r.PassedCount+r.FailedCount+r.ErrorCount == 0:
		return uuid.Nil, testsRequired(v, Failed, "the version has no tests: write at least one, and run it")
	case !tests:
		return uuid.Nil, testsRequired(v, Failed, "%d of the version's tests failed, and %d could not be run", r.FailedCount, r.ErrorCount)
	case r.CoveragePercent < p.MinCoveragePercent:
		return uuid.Nil, testsRequired(v, Coverage, "the tests cover %d %% of the version's lines, and the policy asks for %d %%: cover more, and run them again",
			r.CoveragePercent, p.MinCoveragePercent)
	case !r.Passed: // it was held against what was asked for then
		return uuid.Nil, testsRequired(v, Coverage, "the tests cover %d %% of the version's lines, which was too little when they were run and is enough now: run them again",
			r.CoveragePercent)
	}
	return r.ID, nil
}

// untested says why there is no complete run.
func untested(ctx context.Context, tx pgx.Tx, v Version) error {
	var partly bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM gov_policy_test_runs WHERE version_id = @version_id)`,
		pgx.NamedArgs{"version_id": v.ID}).Scan(&partly)
	if err != nil {
		return fmt.Errorf("select test run: %w", err)
	}
	if partly {
		return testsRequired(v, Incomplete, "only a part of the version's tests was run: run all of them")
	}
	return testsRequired(v, NoRun, "the version was never tested: run its tests")
}

func testsRequired(v Version, cause Cause, format string, args ...any) error {
	return errs.New(errs.FailedPrecondition, errs.ReasonTestsRequired, format, args...).
		With("policy_version_id", v.ID.String()).With("cause", string(cause))
}
