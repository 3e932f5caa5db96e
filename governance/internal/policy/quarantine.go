package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Quarantine is that a version overran its deadline repeatedly and gives no answers until an operator lifts it, in whatever state the version is.
type Quarantine struct {
	Overruns int32 // how often it overran before
	Time     time.Time
}

// Standing is what decisions need to know of a version's quarantine.
type Standing struct {
	Quarantined bool
	Lifts       int64 // how often a quarantine of the version was lifted
}

// Standings returns how the versions stand. Those that were never quarantined are not in the map: the zero value is right for them.
func Standings(ctx context.Context, tx pgx.Tx, versionIDs []uuid.UUID) (map[uuid.UUID]Standing, error) {
	rows, err := tx.Query(ctx, `
		SELECT version_id, quarantine_time IS NOT NULL, lift_count
		FROM gov_policy_quarantines
		WHERE version_id = ANY(@ids)`, pgx.NamedArgs{"ids": versionIDs})
	if err != nil {
		return nil, fmt.Errorf("select quarantines: %w", err)
	}
	standings := make(map[uuid.UUID]Standing)
	var id uuid.UUID
	var s Standing
	_, err = pgx.ForEachRow(rows, []any{&id, &s.Quarantined, &s.Lifts}, func() error {
		standings[id] = s
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select quarantines: %w", err)
	}
	return standings, nil
}

// readQuarantines sets the quarantines of versions that were just read.
func readQuarantines(ctx context.Context, tx pgx.Tx, versions []Version) error {
	at := make(map[uuid.UUID]int, len(versions))
	ids := make([]uuid.UUID, len(versions))
	for i, v := range versions {
		ids[i], at[v.ID] = v.ID, i
	}
	rows, err := tx.Query(ctx, `
		SELECT version_id, overruns, quarantine_time
		FROM gov_policy_quarantines
		WHERE version_id = ANY(@ids)
		AND quarantine_time IS NOT NULL`, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return fmt.Errorf("select quarantines: %w", err)
	}
	var id uuid.UUID
	var q Quarantine
	_, err = pgx.ForEachRow(rows, []any{&id, &q.Overruns, &q.Time}, func() error {
		versions[at[id]].Quarantine = new(q)
		return nil
	})
	if err != nil {
		return fmt.Errorf("select quarantines: %w", err)
	}
	return nil
}

// QuarantineChange is what quarantining a version, or lifting its quarantine, did.
type QuarantineChange struct {
	Policy  Policy
	Version Version // with its modules
	Changed bool
	Lifted  Quarantine // what was lifted
}

// Hold quarantines the version after so many overruns. lifts is how often its quarantine had been lifted when it overran: overruns from before the last lift,
// and those of a version that is quarantined already, change nothing. With the commit, ChangedChannel tells every decision cache.
func Hold(ctx context.Context, tx pgx.Tx, versionID uuid.UUID, lifts int64, overruns int) (QuarantineChange, error) {
	c, err := lockForQuarantine(ctx, tx, versionID)
	if err != nil {
		return c, err
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO gov_policy_quarantines AS q (version_id, quarantine_time, overruns)
		VALUES (@version_id, statement_timestamp(), @overruns)
		ON CONFLICT (tenant_id, version_id) DO UPDATE
		SET quarantine_time = excluded.quarantine_time, overruns = excluded.overruns
		WHERE q.quarantine_time IS NULL AND q.lift_count = @lifts`,
		pgx.NamedArgs{"version_id": versionID, "overruns": overruns, "lifts": lifts})
	if err != nil {
		return c, fmt.Errorf("quarantine policy version: %w", err)
	}
	return c.end(ctx, tx, tag.RowsAffected() > 0)
}

// LiftQuarantine lets the version answer again; one that is not quarantined stays as it is. With the commit, ChangedChannel tells every decision cache.
func LiftQuarantine(ctx context.Context, tx pgx.Tx, versionID uuid.UUID, reason string) (QuarantineChange, error) {
	if err := prose("reason", reason); err != nil {
		return QuarantineChange{}, err
	}
	c, err := lockForQuarantine(ctx, tx, versionID)
	if err != nil {
		return c, err
	}
	if c.Version.Quarantine != nil {
		c.Lifted = *c.Version.Quarantine
	}
	tag, err := tx.Exec(ctx, `
		UPDATE gov_policy_quarantines
		SET quarantine_time = NULL, lift_count = lift_count + 1
		WHERE version_id = @version_id
		AND quarantine_time IS NOT NULL`, pgx.NamedArgs{"version_id": versionID})
	if err != nil {
		return c, fmt.Errorf("lift quarantine: %w", err)
	}
	return c.end(ctx, tx, tag.RowsAffected() > 0)
}

// lockForQuarantine reads the version once everybody else who changes versions of the policy is done.
func lockForQuarantine(ctx context.Context, tx pgx.Tx, versionID uuid.UUID) (c QuarantineChange, err error) {
	c.Policy, c.Version, err = lockVersion(ctx, tx, versionID, "")
	return c, err
}

// end reads the version after the change, and announces it.
func (c QuarantineChange) end(ctx context.Context, tx pgx.Tx, changed bool) (QuarantineChange, error) {
	if !changed {
		return c, nil
	}
	c.Changed = true
	var err error
	if c.Version, err = GetVersion(ctx, tx, c.Version.ID); err != nil {
		return c, err
	}
	return c, Announce(ctx, tx)
}

// QuarantineKey is a version's place in the list of those in quarantine.
type QuarantineKey struct {
	Time    time.Time
	Version uuid.UUID
}

// ListQuarantined returns at most limit versions in quarantine, newest quarantine first and without modules, that come after the key (zero: from the start),
// and whether there are more.
func ListQuarantined(ctx context.Context, tx pgx.Tx, after QuarantineKey, limit int) (versions []Version, more bool, err error) {
	rows, err := tx.Query(ctx, `
		SELECT `+versionColumns+`
		FROM gov_policy_quarantines q
		JOIN gov_policy_versions v ON v.tenant_id = q.tenant_id AND v.id = q.version_id
		WHERE q.quarantine_time IS NOT NULL
		AND (@version = '00000000-0000-0000-0000-000000000000'::uuid OR (q.quarantine_time, q.version_id) < (@time, @version))
		ORDER BY q.quarantine_time DESC, q.version_id DESC
		LIMIT @limit`, pgx.NamedArgs{"time": after.Time, "version": after.Version, "limit": limit + 1})
	if err != nil {
		return nil, false, fmt.Errorf("select quarantined versions: %w", err)
	}
	versions, err = pgx.CollectRows(rows, pgx.RowToStructByName[Version])
	if err != nil {
		return nil, false, fmt.Errorf("select quarantined versions: %w", err)
	}
	if more = len(versions) > limit; more {
		versions = versions[:limit]
	}
	return versions, more, readQuarantines(ctx, tx, versions)
}
