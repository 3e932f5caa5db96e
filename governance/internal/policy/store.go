package policy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// pageBytes bounds the text on one page of policies, so that a page of policies with long descriptions still fits into one message.
const pageBytes = 2 << 20

// Definition is what a client says of a new policy.
type Definition struct {
	Name           string
	Description    string
	DecisionPoints []string
}

// Create adds a policy without a version. A name in use is ALREADY_EXISTS.
func Create(ctx context.Context, tx pgx.Tx, d Definition) (Policy, error) {
	if err := prose("description", d.Description); err != nil {
		return Policy{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Policy{}, fmt.Errorf("make policy id: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO gov_policies (id, name, description)
		VALUES (@id, @name, @description)`,
		pgx.NamedArgs{"id": id, "name": d.Name, "description": d.Description})
	if postgres.IsUniqueViolation(err, "gov_policies_name_key") {
		return Policy{}, errs.Duplicate("policy", "name").Field("name", "is in use by another policy of the tenant")
	}
	if err != nil {
		return Policy{}, fmt.Errorf("insert policy: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO gov_policy_decision_points (policy_id, ordinal, decision_point)
		SELECT @policy_id, ordinal, decision_point
		FROM unnest(@decision_points::text[]) WITH ORDINALITY AS d (decision_point, ordinal)`,
		pgx.NamedArgs{"policy_id": id, "decision_points": d.DecisionPoints})
	if err != nil {
		return Policy{}, fmt.Errorf("insert decision points: %w", err)
	}
	return Get(ctx, tx, id)
}

// row is a policy as queries return it.
type row struct {
	ID              uuid.UUID
	Name            string
	Description     string
	DecisionPoints  []string
	ActiveVersionID uuid.NullUUID
	Revision        int64
	CreateTime      time.Time
	UpdateTime      time.Time
}

func (r row) policy() Policy {
	return Policy{
		ID: r.ID, Name: r.Name, Description: r.Description, DecisionPoints: r.DecisionPoints, ActiveVersionID: r.ActiveVersionID.UUID,
		Revision: r.Revision, CreateTime: r.CreateTime, UpdateTime: r.UpdateTime,
	}
}

// bytes returns how much text the policy has.
func (r row) bytes() int {
	n := len(r.Name) + len(r.Description)
	for _, point := range r.DecisionPoints {
		n += len(point)
	}
	return n
}

const selectPolicies = `
		SELECT p.id, p.name, p.description,
			ARRAY(
				SELECT d.decision_point
				FROM gov_policy_decision_points d
				WHERE d.tenant_id = p.tenant_id AND d.policy_id = p.id
				ORDER BY d.ordinal
			) AS decision_points,
			v.id AS active_version_id, p.revision, p.create_time, p.update_time
		FROM gov_policies p
		LEFT JOIN gov_policy_versions v ON v.tenant_id = p.tenant_id AND v.policy_id = p.id AND v.state = 'ACTIVE'`

// Get returns a policy of the tenant.
func Get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Policy, error) {
	rows, err := tx.Query(ctx, selectPolicies+`
		WHERE p.id = @id`, pgx.NamedArgs{"id": id})
	if err != nil {
		return Policy{}, fmt.Errorf("select policy: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return Policy{}, notFound(id)
	}
	if err != nil {
		return Policy{}, fmt.Errorf("select policy: %w", err)
	}
	return r.policy(), nil
}

func notFound(id uuid.UUID) error { return errs.ResourceNotFound("policy", id.String()) }

// Filter narrows a list; its parts combine with AND, and empty ones match everything.
type Filter struct {
	Name          string
	DecisionPoint string
}

// List returns at most limit policies, newest first, that come after the given one (uuid.Nil: from the start), and whether there are more. It may
// return fewer than limit although there are more: a page holds at most 2 MiB of text.
func List(ctx context.Context, tx pgx.Tx, f Filter, after uuid.UUID, limit int) (policies []Policy, more bool, err error) {
	if err := line("name", f.Name); err != nil {
		return nil, false, err
	}
	if err := line("decision_point", f.DecisionPoint); err != nil {
		return nil, false, err
	}
	rows, err := tx.Query(ctx, selectPolicies+`
		WHERE (@after = '00000000-0000-0000-0000-000000000000'::uuid OR p.id < @after)
		AND (@name = '' OR p.name = @name)
		AND (@decision_point = '' OR EXISTS (
			SELECT FROM gov_policy_decision_points d
			WHERE d.tenant_id = p.tenant_id AND d.policy_id = p.id AND d.decision_point = @decision_point))
		ORDER BY p.id DESC
		LIMIT @limit`, pgx.NamedArgs{"after": after, "name": f.Name, "decision_point": f.DecisionPoint, "limit": limit + 1})
	if err != nil {
		return nil, false, fmt.Errorf("select policies: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, false, fmt.Errorf("select policies: %w", err)
	}
	size := 0
	for _, r := range found {
		size += r.bytes()
		if len(policies) == limit || len(policies) > 0 && size > pageBytes {
			return policies, true, nil
		}
		policies = append(policies, r.policy())
	}
	return policies, false, nil
}
