package policy

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Filter narrows a list; its parts combine with AND, and empty ones match everything.
type Filter struct {
	Name                string
	DecisionPoint       string
	Labels              map[string]string // the policy has all of them
	RegulationReference string
	Archived            bool // archived policies too
}

func (f Filter) check() error {
	if err := line("name", f.Name); err != nil {
		return err
	}
	if err := line("decision_point", f.DecisionPoint); err != nil {
		return err
	}
	if err := line("regulation_reference", f.RegulationReference); err != nil {
		return err
	}
	return labelText(f.Labels)
}

func (f Filter) args(after uuid.UUID, limit int) pgx.NamedArgs {
	labels := f.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	return pgx.NamedArgs{
		"after": after, "name": f.Name, "decision_point": f.DecisionPoint, "labels": labels, "regulation_reference": f.RegulationReference,
		"archived": f.Archived, "limit": limit + 1,
	}
}

// List returns at most limit policies, newest first, that come after the given one (uuid.Nil: from the start), and whether there are more.
func List(ctx context.Context, tx pgx.Tx, f Filter, after uuid.UUID, limit int) (policies []Policy, more bool, err error) {
	if err := f.check(); err != nil {
		return nil, false, err
	}
	rows, err := tx.Query(ctx, selectPolicies+`
		WHERE (@after = '00000000-0000-0000-0000-000000000000'::uuid OR p.id < @after)
		AND (@name = '' OR p.name = @name)
		AND (@decision_point = '' OR EXISTS (
			SELECT FROM gov_policy_decision_points d
			WHERE d.tenant_id = p.tenant_id AND d.policy_id = p.id AND d.decision_point = @decision_point))
		AND p.labels @> @labels::jsonb
		AND (@regulation_reference = '' OR @regulation_reference = ANY(p.regulation_references))
		AND (@archived OR p.archive_time IS NULL)
		ORDER BY p.id DESC
		LIMIT @limit`, f.args(after, limit))
	if err != nil {
		return nil, false, fmt.Errorf("select policies: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, false, fmt.Errorf("select policies: %w", err)
	}
	for _, r := range found[:min(limit, len(found))] {
		policies = append(policies, r.policy())
	}
	return policies, len(found) > limit, nil
}
