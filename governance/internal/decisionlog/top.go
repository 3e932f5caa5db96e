package decisionlog

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
)

// noPolicy is the id of rows that are of decisions as a whole.
const noPolicy = `'00000000-0000-0000-0000-000000000000'`

// denials are the rows of the query's scope. A policy that was asked by itself denies as the decision does, which has one row for both.
func (q Query) denials() string {
	switch {
	case q.Policy != uuid.Nil && q.DecisionPoint != "":
		return `policy_id = @policy AND decision_point = @point`
	case q.Policy != uuid.Nil:
		return `policy_id = @policy`
	case q.DecisionPoint != "":
		return `policy_id = ` + noPolicy + ` AND decision_point = @point`
	}
	return `(policy_id = ` + noPolicy + ` OR decision_point = '')`
}

func readDenied(ctx context.Context, tx pgx.Tx, q Query) (denied []DeniedResource, err error) {
	rows, err := tx.Query(ctx, `
		SELECT resource_type, resource_id, sum(denied)::bigint AS denied
		FROM gov_decision_denials
		WHERE hour >= @from AND hour < @until AND `+q.denials()+`
		GROUP BY resource_type, resource_id
		ORDER BY denied DESC, resource_type, resource_id
		LIMIT @top`, q.args())
	if err != nil {
		return nil, err
	}
	var kind string
	var id []byte
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &id, &n}, func() error {
		denied = append(denied, DeniedResource{decision.Resource{Type: kind, ID: string(id)}, n})
		return nil
	})
	return denied, err
}

// violations are the rows of the query's scope.
func (q Query) violations() string {
	where := `true`
	if q.Policy != uuid.Nil {
		where += ` AND policy_id = @policy`
	}
	if q.DecisionPoint != "" {
		where += ` AND decision_point = @point`
	}
	return where
}

func readViolated(ctx context.Context, tx pgx.Tx, q Query) (violated []ViolatedRule, err error) {
	rows, err := tx.Query(ctx, `
		SELECT policy_id, (array_agg(code))[1] AS code, (array_agg(control ORDER BY last_index DESC))[1] AS control, sum(decisions)::bigint AS decisions
		FROM gov_decision_violations
		WHERE hour >= @from AND hour < @until AND `+q.violations()+`
		GROUP BY policy_id, code_sha256
		ORDER BY decisions DESC, policy_id, code, code_sha256
		LIMIT @top`, q.args())
	if err != nil {
		return nil, err
	}
	var policy [16]byte
	var code, control []byte
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&policy, &code, &control, &n}, func() error {
		violated = append(violated, ViolatedRule{policy, string(code), string(control), n})
		return nil
	})
	return violated, err
}
