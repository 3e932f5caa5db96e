package shadow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// columns are those of a Shadow. One whose time is over has ended, whether or not its row says so.
const columns = `
	id, policy_id, version_id, sampling_rate, summary, skipped, subject, create_time, expire_time,
	CASE WHEN state = 'RUNNING' AND expire_time <= statement_timestamp() THEN 'EXPIRED' ELSE state END AS state,
	CASE WHEN state = 'RUNNING' AND expire_time <= statement_timestamp() THEN expire_time ELSE end_time END AS end_time`

// Started is what starting a shadow did.
type Started struct {
	Policy  policy.Policy
	Shadow  Shadow
	Stopped *Shadow // whose place it took; nil if none was running
}

// Start makes the version the shadow of its policy. The one that runs stops, and the oldest that have ended make room. With the commit, every decision cache is told.
func Start(ctx context.Context, tx pgx.Tx, q Request) (s Started, err error) {
	v, err := policy.GetVersion(ctx, tx, q.VersionID)
	if err != nil {
		return s, err
	}
	if s.Policy, err = policy.Lock(ctx, tx, v.PolicyID, ""); err != nil {
		return s, err
	}
	if err := s.Policy.CheckInUse(); err != nil {
		return s, err
	}
	if s.Stopped, err = makeWay(ctx, tx, v.PolicyID); err != nil {
		return s, err
	}
	if err := pruneEnded(ctx, tx); err != nil {
		return s, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return s, fmt.Errorf("make shadow id: %w", err)
	}
	s.Shadow, err = one(ctx, tx, "insert shadow", `
		INSERT INTO gov_shadows (id, policy_id, version_id, sampling_rate, subject, create_time, expire_time)
		VALUES (@id, @policy_id, @version_id, @sampling_rate, @subject, statement_timestamp(), statement_timestamp() + @duration)
		RETURNING `+columns, pgx.NamedArgs{
		"id": id, "policy_id": v.PolicyID, "version_id": v.ID, "sampling_rate": q.SamplingRate, "subject": q.Subject, "duration": q.Duration,
	})
	if err != nil {
		return s, err
	}
	return s, policy.Announce(ctx, tx)
}

// makeWay ends what stands as the policy's running shadow, and returns it if it did run.
func makeWay(ctx context.Context, tx pgx.Tx, policyID uuid.UUID) (*Shadow, error) {
	stopped, err := one(ctx, tx, "stop shadow", `
		UPDATE gov_shadows
		SET state = CASE WHEN expire_time <= statement_timestamp() THEN 'EXPIRED' ELSE 'STOPPED' END,
			end_time = least(expire_time, statement_timestamp())
		WHERE policy_id = @policy_id AND state = 'RUNNING'
		RETURNING `+columns, pgx.NamedArgs{"policy_id": policyID})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // none is an answer
	}
	if err != nil || stopped.State == Expired {
		return nil, err
	}
	return &stopped, nil
}

// Stop ends a shadow. One that ended stays as it is: changed reports whether it had not. With the commit, every decision cache is told.
func Stop(ctx context.Context, tx pgx.Tx, id uuid.UUID) (s Shadow, p policy.Policy, changed bool, err error) {
	if s, err = Get(ctx, tx, id); err != nil {
		return s, p, false, err
	}
	if p, err = policy.Lock(ctx, tx, s.PolicyID, ""); err != nil {
		return s, p, false, err
	}
	s, err = one(ctx, tx, "stop shadow", `
		UPDATE gov_shadows
		SET state = 'STOPPED', end_time = statement_timestamp()
		WHERE id = @id AND state = 'RUNNING' AND expire_time > statement_timestamp()
		RETURNING `+columns, pgx.NamedArgs{"id": id})
	if errors.Is(err, pgx.ErrNoRows) {
		s, err = Get(ctx, tx, id)
		return s, p, false, err
	}
	if err != nil {
		return s, p, false, err
	}
	return s, p, true, policy.Announce(ctx, tx)
}

// Get returns a shadow.
func Get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Shadow, error) {
	s, err := one(ctx, tx, "select shadow", `SELECT `+columns+` FROM gov_shadows WHERE id = @id`, pgx.NamedArgs{"id": id})
	if errors.Is(err, pgx.ErrNoRows) {
		return s, errs.ResourceNotFound("shadow", id.String())
	}
	return s, err
}

// List returns at most limit shadows, newest first, that come after the one with the given id (uuid.Nil: from the start), and whether there are more.
// policyID is uuid.Nil for those of every policy.
func List(ctx context.Context, tx pgx.Tx, policyID, after uuid.UUID, limit int) (shadows []Shadow, more bool, err error) {
	shadows, err = all(ctx, tx, `
		SELECT `+columns+`
		FROM gov_shadows
		WHERE (@policy_id = '00000000-0000-0000-0000-000000000000'::uuid OR policy_id = @policy_id)
		AND (@after = '00000000-0000-0000-0000-000000000000'::uuid OR id < @after)
		ORDER BY id DESC
		LIMIT @limit`, pgx.NamedArgs{"policy_id": policyID, "after": after, "limit": limit + 1})
	if len(shadows) > limit {
		return shadows[:limit], true, err
	}
	return shadows, false, err
}

// Samples returns what the running shadows of the policies take, by policy.
func Samples(ctx context.Context, tx pgx.Tx, policyIDs []uuid.UUID) (map[uuid.UUID]*Sample, error) {
	running, err := all(ctx, tx, `
		SELECT `+columns+`
		FROM gov_shadows
		WHERE policy_id = ANY(@policy_ids) AND state = 'RUNNING' AND expire_time > statement_timestamp()`, pgx.NamedArgs{"policy_ids": policyIDs})
	if err != nil || len(running) == 0 {
		return nil, err
	}
	samples := make(map[uuid.UUID]*Sample, len(running))
	for _, s := range running {
		samples[s.PolicyID] = NewSample(s)
	}
	return samples, nil
}

func all(ctx context.Context, tx pgx.Tx, sql string, args pgx.NamedArgs) ([]Shadow, error) {
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("select shadows: %w", err)
	}
	shadows, err := pgx.CollectRows(rows, pgx.RowToStructByName[Shadow])
	if err != nil {
		return nil, fmt.Errorf("select shadows: %w", err)
	}
	return shadows, nil
}

func one(ctx context.Context, tx pgx.Tx, what, sql string, args pgx.NamedArgs) (Shadow, error) {
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return Shadow{}, fmt.Errorf("%s: %w", what, err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Shadow])
	if err != nil {
		return Shadow{}, fmt.Errorf("%s: %w", what, err)
	}
	return s, nil
}

// DifferenceKey is a difference's place in the list.
type DifferenceKey struct {
	Time     time.Time
	Decision uuid.UUID
}
