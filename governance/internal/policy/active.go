package policy

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// ActiveVersion is what decisions need of a policy: its active version.
type ActiveVersion struct {
	PolicyID      uuid.UUID
	PolicyName    string
	VersionID     uuid.UUID
	Number        int32
	Package       string
	ContentSHA256 Digest
	Data          []byte   // canonical JSON of the data document; nil without one
	Modules       []Module `db:"-"`
}

// ActiveByPolicy returns the active version of a policy. Without one it fails with POLICY_NOT_ACTIVE.
func ActiveByPolicy(ctx context.Context, tx pgx.Tx, policyID uuid.UUID) (ActiveVersion, error) {
	rows, err := tx.Query(ctx, `
		SELECT p.id AS policy_id, p.name AS policy_name, v.id AS version_id, v.number, v.package, v.content_sha256, v.data
		FROM gov_policies p
		JOIN gov_policy_versions v ON v.tenant_id = p.tenant_id AND v.policy_id = p.id AND v.state = 'ACTIVE'
		WHERE p.id = @policy_id`, pgx.NamedArgs{"policy_id": policyID})
	if err != nil {
		return ActiveVersion{}, fmt.Errorf("select active version: %w", err)
	}
	active, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[ActiveVersion])
	if errors.Is(err, pgx.ErrNoRows) {
		p, err := Get(ctx, tx, policyID)
		if err != nil {
			return ActiveVersion{}, err
		}
		return ActiveVersion{}, errs.New(errs.FailedPrecondition, errs.ReasonPolicyNotActive, "the policy has no active version: activate one").
			With("policy_id", p.ID.String())
	}
	if err != nil {
		return ActiveVersion{}, fmt.Errorf("select active version: %w", err)
	}
	found := []ActiveVersion{active}
	if err := fill(ctx, tx, found); err != nil {
		return ActiveVersion{}, err
	}
	return found[0], nil
}

// ActiveByDecisionPoint returns the active versions of all policies that are bound to the decision point, ordered by the policies' names, bytewise.
// Policies without an active version are left out; there may be none.
func ActiveByDecisionPoint(ctx context.Context, tx pgx.Tx, decisionPoint string) ([]ActiveVersion, error) {
	if err := line("decision_point", decisionPoint); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		SELECT p.id AS policy_id, p.name AS policy_name, v.id AS version_id, v.number, v.package, v.content_sha256, v.data
		FROM gov_policy_decision_points d
		JOIN gov_policies p ON p.tenant_id = d.tenant_id AND p.id = d.policy_id
		JOIN gov_policy_versions v ON v.tenant_id = p.tenant_id AND v.policy_id = p.id AND v.state = 'ACTIVE'
		WHERE d.decision_point = @decision_point
		ORDER BY p.name COLLATE "C"`, pgx.NamedArgs{"decision_point": decisionPoint})
	if err != nil {
		return nil, fmt.Errorf("select active versions: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[ActiveVersion])
	if err != nil {
		return nil, fmt.Errorf("select active versions: %w", err)
	}
	return found, fill(ctx, tx, found)
}

// fill reads and verifies the modules. Versions never change, so they are the right ones also when another is activated meanwhile.
func fill(ctx context.Context, tx pgx.Tx, found []ActiveVersion) error {
	ids := make([]uuid.UUID, len(found))
	for i, a := range found {
		ids[i] = a.VersionID
	}
	modules, err := loadModules(ctx, tx, ids)
	if err != nil {
		return err
	}
	for i := range found {
		a := &found[i]
		a.Modules = modules[a.VersionID]
		if err := verify(a.Modules, a.Data, a.ContentSHA256); err != nil {
			return err
		}
	}
	return nil
}
