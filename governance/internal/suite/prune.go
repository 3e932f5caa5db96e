package suite

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
)

// What is kept of a policy's runs: the newest ones, as long as their reports have no more than so many bytes together.
const (
	maxRuns      = 200
	maxRunsBytes = 64 << 20
)

// prune removes the policy's oldest runs, but for those that activations rest on, and each version's newest complete one, which may open the way to its
// activation. The policy is locked, so that nothing is activated on the strength of a run that goes.
func prune(ctx context.Context, tx pgx.Tx, policyID uuid.UUID) error {
	if _, err := policy.Lock(ctx, tx, policyID, ""); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		DELETE FROM gov_policy_test_runs r
		WHERE id IN (
			SELECT id
			FROM (
				SELECT id, row_number() OVER newest AS place, sum(octet_length(report)) OVER newest AS bytes
				FROM gov_policy_test_runs
				WHERE policy_id = @policy_id
				WINDOW newest AS (ORDER BY id DESC ROWS UNBOUNDED PRECEDING)
			) AS placed
			WHERE place > @max_runs OR bytes > @max_bytes
		)
		AND NOT EXISTS (SELECT FROM gov_policy_versions v WHERE v.id = r.version_id AND v.test_run_id = r.id)
		AND (NOT complete OR EXISTS (
			SELECT FROM gov_policy_test_runs n
			WHERE n.version_id = r.version_id AND n.complete AND (n.run_time, n.id) > (r.run_time, r.id)))`,
		pgx.NamedArgs{"policy_id": policyID, "max_runs": maxRuns, "max_bytes": maxRunsBytes})
	if err != nil {
		return fmt.Errorf("delete old test runs: %w", err)
	}
	return nil
}
