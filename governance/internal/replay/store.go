package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// columns are those of a Replay.
const columns = `
	id, policy_id, coalesce(version_id, '00000000-0000-0000-0000-000000000000') AS version_id, content_sha256, range_start, range_end, decision_point,
	state, first_index, end_index, next_index, inputs_missing, inputs_masked, overruns, summary, decisions_summary, kept_differences, kept_bytes, error,
	subject, create_time, start_time, end_time`

// Create stores a replay, PENDING; the oldest that are done make room for it. A tenant that has too many that are not done gets OVERLOADED, and one of whose decisions no input was kept
// INPUTS_NOT_KEPT.
func Create(ctx context.Context, tx pgx.Tx, q Request) (Replay, error) {
	if err := checkInputs(ctx, tx); err != nil {
		return Replay{}, err
	}
	if err := checkRoom(ctx, tx); err != nil {
		return Replay{}, err
	}
	if err := prune(ctx, tx); err != nil {
		return Replay{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Replay{}, fmt.Errorf("make replay id: %w", err)
	}
	candidate, err := q.Candidate.column()
	if err != nil {
		return Replay{}, err
	}
	args := pgx.NamedArgs{
		"id": id, "policy_id": q.PolicyID, "version_id": nil, "candidate": candidate, "content_sha256": q.Candidate.ContentSHA256[:],
		"range_start": q.From, "range_end": q.Before, "decision_point": q.DecisionPoint,
		"first_index": q.Span.First, "end_index": q.Span.End, "subject": q.Subject,
	}
	if q.Candidate.VersionID != uuid.Nil {
		args["version_id"] = q.Candidate.VersionID
	}
	return one(ctx, tx, "insert replay", `
		INSERT INTO gov_replays (id, policy_id, version_id, candidate, content_sha256, range_start, range_end, decision_point,
			first_index, end_index, next_index, subject)
		VALUES (@id, @policy_id, @version_id, @candidate, @content_sha256, @range_start, @range_end, @decision_point,
			@first_index, @end_index, @first_index, @subject)
		RETURNING `+columns, args)
}

// checkInputs refuses a tenant that neither keeps inputs nor has any from when it did.
func checkInputs(ctx context.Context, tx pgx.Tx) error {
	keeps, err := vault.Keeps(ctx, tx)
	if err != nil {
		return err
	}
	if !keeps {
		return errs.New(errs.FailedPrecondition, errs.ReasonInputsNotKept,
			"the tenant keeps no inputs of decisions, so there is nothing to replay: turn keep_inputs on in the decision settings")
	}
	return nil
}

// lock makes those who change several of the tenant's replays wait for each other.
func lock(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(current_setting('aumos.tenant_id') || '/replays', 0))`)
	if err != nil {
		return fmt.Errorf("lock replays: %w", err)
	}
	return nil
}

// checkRoom waits for others who are about to create one: two who count at the same time would both find room for the last.
func checkRoom(ctx context.Context, tx pgx.Tx) error {
	if err := lock(ctx, tx); err != nil {
		return err
	}
	var open int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM gov_replays WHERE state IN ('PENDING', 'RUNNING')`).Scan(&open)
	if err != nil {
		return fmt.Errorf("count replays: %w", err)
	}
	if open >= maxOpen {
		return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "%d replays are not done yet: wait for one, or cancel it", open)
	}
	return nil
}

// Get returns a replay.
func Get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Replay, error) {
	r, err := one(ctx, tx, "select replay", `SELECT `+columns+` FROM gov_replays WHERE id = @id`, pgx.NamedArgs{"id": id})
	return r, orNotFound(err, id)
}

// Cancel stops a replay. One that is done stays as it is: changed reports whether it was not.
func Cancel(ctx context.Context, tx pgx.Tx, id uuid.UUID) (r Replay, changed bool, err error) {
	r, err = one(ctx, tx, "cancel replay", `
		UPDATE gov_replays
		SET state = 'CANCELLED', end_time = statement_timestamp(), candidate = NULL, lease_until = statement_timestamp()
		WHERE id = @id AND state IN ('PENDING', 'RUNNING')
		RETURNING `+columns, pgx.NamedArgs{"id": id})
	if errors.Is(err, pgx.ErrNoRows) {
		r, err = Get(ctx, tx, id)
		return r, false, err
	}
	return r, err == nil, err
}

// List returns at most limit replays, newest first, that come after the one with the given id (uuid.Nil: from the start), and whether there are more.
// policyID is uuid.Nil for those of every policy.
func List(ctx context.Context, tx pgx.Tx, policyID, after uuid.UUID, limit int) (replays []Replay, more bool, err error) {
	rows, err := tx.Query(ctx, `
		SELECT `+columns+`
		FROM gov_replays
		WHERE (@policy_id::uuid IS NULL OR policy_id = @policy_id)
		AND (@after::uuid IS NULL OR id < @after)
		ORDER BY id DESC
		LIMIT @limit`, pgx.NamedArgs{"policy_id": nullable(policyID), "after": nullable(after), "limit": limit + 1})
	if err != nil {
		return nil, false, fmt.Errorf("select replays: %w", err)
	}
	replays, err = pgx.CollectRows(rows, pgx.RowToStructByName[Replay])
	if err != nil {
		return nil, false, fmt.Errorf("select replays: %w", err)
	}
	if len(replays) > limit {
		return replays[:limit], true, nil
	}
	return replays, false, nil
}

func nullable(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return id
}

func one(ctx context.Context, tx pgx.Tx, what, sql string, args pgx.NamedArgs) (Replay, error) {
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return Replay{}, fmt.Errorf("%s: %w", what, err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Replay])
	if err != nil {
		return Replay{}, fmt.Errorf("%s: %w", what, err)
	}
	return r, nil
}

func orNotFound(err error, id uuid.UUID) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return errs.ResourceNotFound("replay", id.String())
	}
	return err
}
