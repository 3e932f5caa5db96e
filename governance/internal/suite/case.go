package suite

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

const columns = `id, policy_id, name, spec AS content, tags, revision, create_time, update_time`

// Create adds a case to a policy. A name in use is ALREADY_EXISTS.
func Create(ctx context.Context, tx pgx.Tx, policyID uuid.UUID, s Spec) (Case, error) {
	if err := s.check("spec"); err != nil {
		return Case{}, err
	}
	if err := lockPolicy(ctx, tx, policyID); err != nil {
		return Case{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Case{}, fmt.Errorf("make test case id: %w", err)
	}
	c, err := write(ctx, tx, insertCase, s.args(pgx.NamedArgs{"id": id, "policy_id": policyID}))
	if err != nil {
		return Case{}, err
	}
	return c, finish(ctx, tx, policyID, "spec")
}

// Update replaces what a case asks and expects, and reports whether anything was different. A stale etag is STALE_ETAG.
func Update(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string, s Spec) (c Case, changed bool, err error) {
	if err := s.check("spec"); err != nil {
		return Case{}, false, err
	}
	if c, err = lockCase(ctx, tx, id, etag); err != nil {
		return Case{}, false, err
	}
	if string(c.Content) == string(s.Content) {
		return c, false, nil
	}
	if c, err = write(ctx, tx, updateCase, s.args(pgx.NamedArgs{"id": id})); err != nil {
		return Case{}, false, err
	}
	return c, true, finish(ctx, tx, c.PolicyID, "spec")
}

// Delete removes a case and returns what it was. A stale etag is STALE_ETAG.
func Delete(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string) (Case, error) {
	c, err := lockCase(ctx, tx, id, etag)
	if err != nil {
		return Case{}, err
	}
	if _, err := tx.Exec(ctx, deleteCases, pgx.NamedArgs{"ids": []uuid.UUID{id}}); err != nil {
		return Case{}, fmt.Errorf("delete test case: %w", err)
	}
	return c, finish(ctx, tx, c.PolicyID, "")
}

// lockPolicy makes changes of a suite wait for each other, and for an activation that looks at it. A policy that is archived is POLICY_ARCHIVED.
func lockPolicy(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	p, err := policy.Lock(ctx, tx, id, "")
	if err != nil {
		return err
	}
	return p.CheckInUse()
}

// lockCase reads a case once its policy is locked.
func lockCase(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string) (Case, error) {
	c, err := Get(ctx, tx, id)
	if err != nil {
		return Case{}, err
	}
	if err := lockPolicy(ctx, tx, c.PolicyID); err != nil {
		return Case{}, err
	}
	if c, err = Get(ctx, tx, id); err != nil { // it may have changed until the lock was there
		return Case{}, err
	}
	return c, c.checkETag(etag)
}

// finish ends a change of the suite: it grows the revision, which takes from earlier runs that they open the way to activation, and refuses what is over
// the limits. field is the part of the request that is.
func finish(ctx context.Context, tx pgx.Tx, policyID uuid.UUID, field string) error {
	_, err := tx.Exec(ctx, `
		UPDATE gov_policies
		SET suite_revision = suite_revision + 1, revision = revision + 1, update_time = statement_timestamp()
		WHERE id = @id`, pgx.NamedArgs{"id": policyID})
	if err != nil {
		return fmt.Errorf("update suite revision: %w", err)
	}
	var cases, bytes int64
	err = tx.QueryRow(ctx, `
		SELECT count(*), coalesce(sum(octet_length(spec)), 0)
		FROM gov_policy_test_cases
		WHERE policy_id = @id`, pgx.NamedArgs{"id": policyID}).Scan(&cases, &bytes)
	switch {
	case err != nil:
		return fmt.Errorf("count test cases: %w", err)
	case cases > MaxCases:
		return errs.InvalidField(field, "a policy has at most %d test cases", MaxCases)
	case bytes > MaxBytes:
		return tooLarge(field, bytes)
	}
	return nil
}

func tooLarge(field string, bytes int64) error {
	return errs.InvalidField(field, "the policy's test cases would have %d bytes together, at most %d", bytes, MaxBytes)
}

// The statements that change cases.
const (
	insertCase = `
		INSERT INTO gov_policy_test_cases (id, policy_id, name, spec, tags)
		VALUES (@id, @policy_id, @name, @spec, @tags)
		RETURNING ` + columns
	updateCase = `
		UPDATE gov_policy_test_cases
		SET name = @name, spec = @spec, tags = @tags, revision = revision + 1, update_time = statement_timestamp()
		WHERE id = @id
		RETURNING ` + columns
	deleteCases = `
		DELETE FROM gov_policy_test_cases
		WHERE id = ANY(@ids)`
)

// args adds what the spec says to the statement's arguments.
func (s Spec) args(args pgx.NamedArgs) pgx.NamedArgs {
	args["name"], args["spec"], args["tags"] = s.Name, s.Content, append([]string{}, s.Tags...)
	return args
}

func write(ctx context.Context, tx pgx.Tx, statement string, args pgx.NamedArgs) (Case, error) {
	rows, err := tx.Query(ctx, statement, args)
	if err != nil {
		return Case{}, fmt.Errorf("write test case: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Case])
	if postgres.IsUniqueViolation(err, "gov_policy_test_cases_name_key") {
		return Case{}, errs.Duplicate("test case", "name").Field("spec.name", "is in use by another test case of the policy")
	}
	if err != nil {
		return Case{}, fmt.Errorf("write test case: %w", err)
	}
	return c, nil
}
