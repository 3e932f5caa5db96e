package policy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Changes are what to change of a policy; what is nil stays.
type Changes struct {
	Name                 *string
	Description          *string
	DecisionPoints       *[]string
	Labels               *map[string]string
	RegulationReferences *[]string
	MinCoveragePercent   *int32
	// InForce is whether the caller may change what is in force: who activates versions may, who writes them may not.
	InForce bool
}

// of returns the definition that the changes make of the policy's.
func (c Changes) of(p Policy) Definition {
	d := Definition{
		Name: p.Name, Description: p.Description, DecisionPoints: p.DecisionPoints, Labels: p.Labels, RegulationReferences: p.RegulationReferences,
		MinCoveragePercent: p.MinCoveragePercent,
	}
	set(&d.Name, c.Name)
	set(&d.Description, c.Description)
	set(&d.DecisionPoints, c.DecisionPoints)
	set(&d.Labels, c.Labels)
	set(&d.RegulationReferences, c.RegulationReferences)
	set(&d.MinCoveragePercent, c.MinCoveragePercent)
	return d
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// says reports whether the policy is as the definition says already.
func (p Policy) says(d Definition) bool {
	return p.Name == d.Name && p.Description == d.Description && slices.Equal(p.DecisionPoints, d.DecisionPoints) && maps.Equal(p.Labels, d.Labels) &&
		slices.Equal(p.RegulationReferences, d.RegulationReferences) && p.MinCoveragePercent == d.MinCoveragePercent
}

// Update changes what is said of a policy, and reports whether anything was different. Its decision points are replaced as a whole; with the commit,
// ChangedChannel tells every decision cache. A name in use is ALREADY_EXISTS.
func Update(ctx context.Context, tx pgx.Tx, id uuid.UUID, c Changes, etag string) (p Policy, changed bool, err error) {
	if p, err = Lock(ctx, tx, id, etag); err != nil {
		return Policy{}, false, err
	}
	if err := p.CheckInUse(); err != nil {
		return Policy{}, false, err
	}
	d := c.of(p)
	if err := d.check(); err != nil {
		return Policy{}, false, err
	}
	if p.says(d) {
		return p, false, nil
	}
	if !c.InForce {
		if err := p.checkBinding(d); err != nil {
			return Policy{}, false, err
		}
	}
	_, err = tx.Exec(ctx, `
		UPDATE gov_policies
		SET name = @name, description = @description, labels = @labels, regulation_references = @regulation_references,
			min_coverage_percent = @min_coverage_percent
		WHERE id = @id`, d.args(id))
	if err != nil {
		return Policy{}, false, nameInUse(err, "update policy")
	}
	if !slices.Equal(p.DecisionPoints, d.DecisionPoints) {
		if err := replaceDecisionPoints(ctx, tx, id, d.DecisionPoints); err != nil {
			return Policy{}, false, err
		}
	}
	p, err = changedPolicy(ctx, tx, p)
	return p, true, err
}

// checkBinding refuses a definition by which other decisions would be the active version's, or not be any more. To take a policy from a decision point is to
// retire it there, and to add it to one is to activate it there; sidecars ask by its name.
func (p Policy) checkBinding(d Definition) error {
	if p.ActiveVersionID == uuid.Nil {
		return nil
	}
	var field string
	switch {
	case !slices.Equal(p.DecisionPoints, d.DecisionPoints):
		field = "decision_points"
	case p.Name != d.Name:
		field = "name"
	default:
		return nil
	}
	return errs.New(errs.PermissionDenied, errs.ReasonPermissionMissing,
		"the policy has an active version, and to change its %s changes what is in force, which the caller's roles do not grant: somebody who may write policies and activate versions has to do it, or the version is retired first", field).
		Field(field, "is in force").With("permission", "policy.activate").With("policy_id", p.ID.String())
}

func replaceDecisionPoints(ctx context.Context, tx pgx.Tx, id uuid.UUID, points []string) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM gov_policy_decision_points
		WHERE policy_id = @policy_id`, pgx.NamedArgs{"policy_id": id})
	if err != nil {
		return fmt.Errorf("delete decision points: %w", err)
	}
	return insertDecisionPoints(ctx, tx, id, points)
}

// changedPolicy counts the change and returns the policy after it. Decisions name the policy and find it by its decision points, so their caches learn
// of it if it has a version that they use.
func changedPolicy(ctx context.Context, tx pgx.Tx, p Policy) (Policy, error) {
	if _, err := touch(ctx, tx, p.ID); err != nil {
		return Policy{}, err
	}
	if p.ActiveVersionID != uuid.Nil {
		if err := Announce(ctx, tx); err != nil {
			return Policy{}, err
		}
	}
	return Get(ctx, tx, p.ID)
}

// Archive takes a policy without an active version out of use, and reports whether it was in use.
func Archive(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string) (p Policy, changed bool, err error) {
	return setArchived(ctx, tx, id, etag, true)
}

// Unarchive takes an archived policy back into use, and reports whether it was archived.
func Unarchive(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string) (p Policy, changed bool, err error) {
	return setArchived(ctx, tx, id, etag, false)
}

func setArchived(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string, archived bool) (p Policy, changed bool, err error) {
	if p, err = Lock(ctx, tx, id, etag); err != nil {
		return Policy{}, false, err
	}
	if archived == (p.ArchiveTime != nil) {
		return p, false, nil
	}
	if p.ActiveVersionID != uuid.Nil {
		return Policy{}, false, errs.New(errs.FailedPrecondition, errs.ReasonPolicyInUse, "the policy has an active version: retire it first").
			With("policy_id", id.String())
	}
	_, err = tx.Exec(ctx, `
		UPDATE gov_policies
		SET archive_time = CASE WHEN @archived::boolean THEN statement_timestamp() END
		WHERE id = @id`, pgx.NamedArgs{"id": id, "archived": archived})
	if err != nil {
		return Policy{}, false, fmt.Errorf("archive policy: %w", err)
	}
	p, err = changedPolicy(ctx, tx, p)
	return p, true, err
}
