// Package sidecar owns what is known of the sidecars that load tenants' bundles: the last that each said of itself. It is no record of what was
// decided, so nothing of it stands on the wall.
package sidecar

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

const (
	// Alive is how long after its last word a sidecar counts as alive.
	Alive = 5 * time.Minute
	// forgetAfter is when a sidecar that says nothing any more is forgotten. OPA makes itself a new name at every start unless it is given one.
	forgetAfter = 7 * 24 * time.Hour
	// maxSidecars bounds those of one tenant.
	maxSidecars = 10_000
)

// Report is what a sidecar says of itself.
type Report struct {
	ID             string // within the tenant
	Version        string // for example "opa/1.22.2"
	LoadedRevision string // of the bundle; empty for none
	Healthy        bool
	Message        string // what is wrong
}

// Sidecar is what is known of one.
type Sidecar struct {
	Report

	FirstSeenTime time.Time
	LastSeenTime  time.Time
	Alive         bool
}

// Record keeps the report in place of the sidecar's last one. It fails with OVERLOADED for a new sidecar of a tenant that has too many.
func Record(ctx context.Context, tx pgx.Tx, r Report) error {
	args := pgx.NamedArgs{
		"id": r.ID, "version": text(r.Version, 128), "loaded_revision": text(r.LoadedRevision, 128), "healthy": r.Healthy, "message": text(r.Message, 1000),
	}
	tag, err := tx.Exec(ctx, `
		UPDATE gov_sidecars
		SET version = @version, loaded_revision = @loaded_revision, healthy = @healthy, message = @message, last_seen_time = statement_timestamp()
		WHERE id = @id`, args)
	if err != nil {
		return fmt.Errorf("update sidecar: %w", err)
	}
	if tag.RowsAffected() > 0 {
		return nil
	}
	if err := makeRoom(ctx, tx); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO gov_sidecars (id, version, loaded_revision, healthy, message)
		VALUES (@id, @version, @loaded_revision, @healthy, @message)
		ON CONFLICT (tenant_id, id) DO UPDATE
		SET version = @version, loaded_revision = @loaded_revision, healthy = @healthy, message = @message, last_seen_time = statement_timestamp()`, args)
	if err != nil {
		return fmt.Errorf("insert sidecar: %w", err)
	}
	return nil
}

// makeRoom forgets the tenant's sidecars that have been silent for long, and fails when too many are left.
func makeRoom(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM gov_sidecars
		WHERE last_seen_time < statement_timestamp() - @forget_after::interval`, pgx.NamedArgs{"forget_after": forgetAfter})
	if err != nil {
		return fmt.Errorf("delete silent sidecars: %w", err)
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM gov_sidecars`).Scan(&n); err != nil {
		return fmt.Errorf("count sidecars: %w", err)
	}
	if n >= maxSidecars {
		return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded,
			"the tenant has %d sidecars: give each a name that it keeps when it starts again", n)
	}
	return nil
}

// Key is a sidecar's place in the list.
type Key struct {
	LastSeenTime time.Time
	ID           string
}

// List returns at most limit sidecars, last heard of first, that come after the key (zero: from the start), and whether there are more. One that is heard of
// between two pages moves to the front.
func List(ctx context.Context, tx pgx.Tx, after Key, limit int) (sidecars []Sidecar, more bool, err error) {
	rows, err := tx.Query(ctx, `
		SELECT id, version, loaded_revision, healthy, message, first_seen_time, last_seen_time,
			last_seen_time > statement_timestamp() - @alive::interval AS alive
		FROM gov_sidecars
		WHERE @id = '' OR (last_seen_time, id) < (@at, @id)
		ORDER BY last_seen_time DESC, id DESC
		LIMIT @limit`, pgx.NamedArgs{"alive": Alive, "at": after.LastSeenTime, "id": after.ID, "limit": limit + 1})
	if err != nil {
		return nil, false, fmt.Errorf("select sidecars: %w", err)
	}
	sidecars, err = pgx.CollectRows(rows, pgx.RowToStructByName[Sidecar])
	if err != nil {
		return nil, false, fmt.Errorf("select sidecars: %w", err)
	}
	if len(sidecars) > limit {
		return sidecars[:limit], true, nil
	}
	return sidecars, false, nil
}
