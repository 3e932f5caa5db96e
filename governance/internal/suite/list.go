package suite

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// pageBytes bounds the content on one page of cases, so that it fits into one message.
const pageBytes = 2 << 20

// Get returns a case of the tenant.
func Get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Case, error) {
	return postgres.Get(ctx, tx, "test case", id, `
		SELECT `+columns+`
		FROM gov_policy_test_cases
		WHERE id = @id`, pgx.RowToStructByName[Case])
}

// List returns at most limit cases of the policy by name, bytewise, that come after the given name ("": from the start) and have the tag ("": any), and
// whether there are more. It may return fewer than limit although there are more: a page holds at most 2 MiB of content.
func List(ctx context.Context, tx pgx.Tx, policyID uuid.UUID, tag, after string, limit int) (cases []Case, more bool, err error) {
	tags := []string{}
	if tag != "" {
		tags = append(tags, tag)
	}
	cases, err = selectCases(ctx, tx, policyID, tags, after, limit+1)
	if err != nil {
		return nil, false, err
	}
	bytes := 0
	for i, c := range cases {
		if bytes += len(c.Content); i == limit || i > 0 && bytes > pageBytes {
			return cases[:i], true, nil
		}
	}
	return cases, false, nil
}

// All returns the policy's cases by name, those with one of the tags if there are tags.
func All(ctx context.Context, tx pgx.Tx, policyID uuid.UUID, tags []string) ([]Case, error) {
	return selectCases(ctx, tx, policyID, tags, "", MaxCases)
}

func selectCases(ctx context.Context, tx pgx.Tx, policyID uuid.UUID, tags []string, after string, limit int) ([]Case, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+`
		FROM gov_policy_test_cases
		WHERE policy_id = @policy_id
		AND name > @after
		AND (cardinality(@tags::text[]) = 0 OR tags && @tags::text[])
		ORDER BY name
		LIMIT @limit`, pgx.NamedArgs{"policy_id": policyID, "tags": append([]string{}, tags...), "after": after, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("select test cases: %w", err)
	}
	cases, err := pgx.CollectRows(rows, pgx.RowToStructByName[Case])
	if err != nil {
		return nil, fmt.Errorf("select test cases: %w", err)
	}
	return cases, nil
}
