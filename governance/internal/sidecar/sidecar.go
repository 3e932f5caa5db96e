// Package sidecar owns what is known of the sidecars that load tenants' bundles: the last that each said of itself. It is no record of what was
// decided, so nothing of it stands on the wall.
package sidecar

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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

	// Owner is the subject that speaks for it; empty for one that nobody has spoken for since owners are known.
	Owner         string
	FirstSeenTime time.Time
	LastSeenTime  time.Time
	Alive         bool
}

// Record keeps the report in place of the sidecar's last one. Whoever reports a sidecar first owns it until it is forgotten or released: others fail with
// SIDECAR_OWNED. It fails with LIMIT_REACHED for a new sidecar of a tenant that has too many.
func Record(ctx context.Context, tx pgx.Tx, owner string, r Report) error {
	if owner == "" {
		return errors.New("record sidecar: nobody speaks for it")
	}
	args := pgx.NamedArgs{
		"id": r.ID, "owner": owner, "version": text(r.Version, 128), "loaded_revision": text(r.LoadedRevision, 128), "healthy": r.Healthy, "message": text(r.Message, 1000),
	}
	tag, err := tx.Exec(ctx, `
		UPDATE gov_sidecars
		SET owner = @owner, version = @version, loaded_revision = @loaded_revision, healthy = @healthy, message = @message, last_seen_time = statement_timestamp()
		WHERE id = @id AND owner IN ('', @owner)`, args)
	if err != nil {
		return fmt.Errorf("update sidecar: %w", err)
	}
	if tag.RowsAffected() > 0 {
		return nil
	}
	if err := makeRoom(ctx, tx, r.ID); err != nil {
		return err
	}
	tag, err = tx.Exec(ctx, `
		INSERT INTO gov_sidecars (id, owner, version, loaded_revision, healthy, message)
		VALUES (@id, @owner, @version, @loaded_revision, @healthy, @message)
		ON CONFLICT (tenant_id, id) DO UPDATE
		SET owner = @owner, version = @version, loaded_revision = @loaded_revision, healthy = @healthy, message = @message, last_seen_time = statement_timestamp()
		WHERE gov_sidecars.owner IN ('', @owner)`, args)
	if err != nil {
		return fmt.Errorf("insert sidecar: %w", err)
	}
	if tag.RowsAffected() == 0 { // somebody else was first, just now
		return owned(r.ID)
	}
	return nil
}

// owned reports that another principal speaks for the sidecar.
func owned(id string) error {
	return errs.New(errs.PermissionDenied, errs.ReasonSidecarOwned,
		"another principal speaks for this sidecar: choose another name, or have an operator release it").With("sidecar_id", id)
}

// makeRoom forgets the tenant's sidecars that have been silent for long, and fails when the one of the id is left, since it is another's, or too many are.
func makeRoom(ctx context.Context, tx pgx.Tx, id string) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM gov_sidecars
		WHERE last_seen_time < statement_timestamp() - @forget_after::interval`, pgx.NamedArgs{"forget_after": forgetAfter})
	if err != nil {
		return fmt.Errorf("delete silent sidecars: %w", err)
	}
	var n, known int
	if err := tx.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE id = $1) FROM gov_sidecars`, id).Scan(&n, &known); err != nil {
		return fmt.Errorf("count sidecars: %w", err)
	}
	switch {
	case known > 0:
		return owned(id)
	case n >= maxSidecars:
		return errs.New(errs.ResourceExhausted, errs.ReasonLimitReached,
			"the tenant has %d sidecars: give each a name that it keeps when it starts again", n).With("resource", "sidecar").With("limit", strconv.Itoa(maxSidecars))
	default:
		return nil
	}
}

// Release forgets a sidecar and returns whose it was: whoever reports it next owns it.
func Release(ctx context.Context, tx pgx.Tx, id string) (owner string, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM gov_sidecars WHERE id = $1 RETURNING owner`, id).Scan(&owner)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", errs.ResourceNotFound("sidecar", id)
	case err != nil:
		return "", fmt.Errorf("delete sidecar: %w", err)
	}
	return owner, nil
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
		SELECT id, owner, version, loaded_revision, healthy, message, first_seen_time, last_seen_time,
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
