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

// Definition is what a client says of a new policy.
type Definition struct {
	Name                 string
	Description          string
	DecisionPoints       []string
	Labels               map[string]string
	RegulationReferences []string
	MinCoveragePercent   int32
}

// check refuses what cannot be stored or would disturb a terminal. The contract's limits were kept already.
func (d Definition) check() error {
	if err := prose("description", d.Description); err != nil {
		return err
	}
	return labelText(d.Labels)
}

// Create adds a policy without a version. A name in use is ALREADY_EXISTS.
func Create(ctx context.Context, tx pgx.Tx, d Definition) (Policy, error) {
	if err := d.check(); err != nil {
		return Policy{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Policy{}, fmt.Errorf("make policy id: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO gov_policies (id, name, description, labels, regulation_references, min_coverage_percent)
		VALUES (@id, @name, @description, @labels, @regulation_references, @min_coverage_percent)`, d.args(id))
	if err != nil {
		return Policy{}, nameInUse(err, "insert policy")
	}
	if err := insertDecisionPoints(ctx, tx, id, d.DecisionPoints); err != nil {
		return Policy{}, err
	}
	return Get(ctx, tx, id)
}

// args are the columns of gov_policies that a definition sets; no labels and no references are stored as empty, not as NULL.
func (d Definition) args(id uuid.UUID) pgx.NamedArgs {
	labels, references := d.Labels, d.RegulationReferences
	if labels == nil {
		labels = map[string]string{}
	}
	if references == nil {
		references = []string{}
	}
	return pgx.NamedArgs{
		"id": id, "name": d.Name, "description": d.Description, "labels": labels, "regulation_references": references,
		"min_coverage_percent": d.MinCoveragePercent,
	}
}

// nameInUse is ALREADY_EXISTS when err says that another policy has the name.
func nameInUse(err error, doing string) error {
	if postgres.IsUniqueViolation(err, "gov_policies_name_key") {
		return errs.Duplicate("policy", "name").Field("name", "is in use by another policy of the tenant: archived ones keep theirs")
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func insertDecisionPoints(ctx context.Context, tx pgx.Tx, id uuid.UUID, points []string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO gov_policy_decision_points (policy_id, ordinal, decision_point)
		SELECT @policy_id, ordinal, decision_point
		FROM unnest(@decision_points::text[]) WITH ORDINALITY AS d (decision_point, ordinal)`,
		pgx.NamedArgs{"policy_id": id, "decision_points": points})
	if err != nil {
		return fmt.Errorf("insert decision points: %w", err)
	}
	return nil
}

// row is a policy as queries return it.
type row struct {
	ID                   uuid.UUID
	Name                 string
	Description          string
	DecisionPoints       []string
	Labels               map[string]string
	RegulationReferences []string
	MinCoveragePercent   int32
	ActiveVersionID      uuid.NullUUID
	SuiteRevision        int64
	Revision             int64
	CreateTime           time.Time
	UpdateTime           time.Time
	ArchiveTime          *time.Time
}

func (r row) policy() Policy {
	p := Policy{
		ID: r.ID, Name: r.Name, Description: r.Description, DecisionPoints: r.DecisionPoints, MinCoveragePercent: r.MinCoveragePercent,
		ActiveVersionID: r.ActiveVersionID.UUID, SuiteRevision: r.SuiteRevision, Revision: r.Revision, CreateTime: r.CreateTime,
		UpdateTime: r.UpdateTime, ArchiveTime: r.ArchiveTime,
	}
	if len(r.Labels) > 0 {
		p.Labels = r.Labels
	}
	if len(r.RegulationReferences) > 0 {
		p.RegulationReferences = r.RegulationReferences
	}
	return p
}

const selectPolicies = `
		SELECT p.id, p.name, p.description,
			ARRAY(
				SELECT d.decision_point
				FROM gov_policy_decision_points d
				WHERE d.tenant_id = p.tenant_id AND d.policy_id = p.id
				ORDER BY d.ordinal
			) AS decision_points,
			p.labels, p.regulation_references, p.min_coverage_percent, v.id AS active_version_id, p.suite_revision, p.revision,
			p.create_time, p.update_time, p.archive_time
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

// Lock reads a policy, whose row stays locked until the transaction ends: whoever changes it, its versions, its test cases or what is tried beside them waits
// for each other. A stale etag is STALE_ETAG; an empty one is never stale.
func Lock(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string) (Policy, error) {
	tag, err := tx.Exec(ctx, `
		SELECT id
		FROM gov_policies
		WHERE id = @id
		FOR NO KEY UPDATE`, pgx.NamedArgs{"id": id})
	if err != nil {
		return Policy{}, fmt.Errorf("lock policy: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return Policy{}, notFound(id)
	}
	p, err := Get(ctx, tx, id)
	if err != nil {
		return Policy{}, err
	}
	return p, p.CheckETag(etag)
}

func notFound(id uuid.UUID) error { return errs.ResourceNotFound("policy", id.String()) }
