package policy

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ChangedChannel is the notification channel on which every commit that changes what decisions use says so; the payload is the tenant's id.
const ChangedChannel = "aumos_policy_changed"

// Activation is what activating a version did.
type Activation struct {
	Policy  Policy
	Version Version   // with its modules
	Changed bool      // false when the version was active already
	Retired uuid.UUID // the version that was active before; uuid.Nil if none was
}

// Activate makes the version the one that decisions use, whatever its state; the one that was active retires. A stale etag of the policy is
// STALE_ETAG. With the commit, ChangedChannel tells every decision cache.
func Activate(ctx context.Context, tx pgx.Tx, versionID uuid.UUID, etag string) (Activation, error) {
	v, err := getVersion(ctx, tx, versionID)
	if err != nil {
		return Activation{}, err
	}
	// The lock makes concurrent activations of the policy's versions wait for each other; only then is what is read below final.
	if err := lock(ctx, tx, v.PolicyID); err != nil {
		return Activation{}, err
	}
	p, err := Get(ctx, tx, v.PolicyID)
	if err != nil {
		return Activation{}, err
	}
	if err := p.CheckETag(etag); err != nil {
		return Activation{}, err
	}
	if p.ActiveVersionID == versionID {
		v, err = GetVersion(ctx, tx, versionID)
		return Activation{Policy: p, Version: v}, err
	}
	a := Activation{Changed: true, Retired: p.ActiveVersionID}
	if err := swap(ctx, tx, p.ID, versionID); err != nil {
		return Activation{}, err
	}
	if a.Version, err = GetVersion(ctx, tx, versionID); err != nil {
		return Activation{}, err
	}
	a.Policy, err = Get(ctx, tx, p.ID)
	return a, err
}

func lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	tag, err := tx.Exec(ctx, `
		SELECT id
		FROM gov_policies
		WHERE id = @id
		FOR NO KEY UPDATE`, pgx.NamedArgs{"id": id})
	if err != nil {
		return fmt.Errorf("lock policy: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return notFound(id)
	}
	return nil
}

func swap(ctx context.Context, tx pgx.Tx, policyID, versionID uuid.UUID) error {
	// The statement's time, not the transaction's: that one may have begun before an activation for which it then waited.
	var now time.Time
	err := tx.QueryRow(ctx, `
		UPDATE gov_policies
		SET revision = revision + 1, update_time = statement_timestamp()
		WHERE id = @id
		RETURNING update_time`, pgx.NamedArgs{"id": policyID}).Scan(&now)
	if err != nil {
		return fmt.Errorf("update policy: %w", err)
	}
	_, err = tx.Exec(ctx, `
		UPDATE gov_policy_versions
		SET state = 'RETIRED', retire_time = statement_timestamp()
		WHERE policy_id = @policy_id
		AND state = 'ACTIVE'`, pgx.NamedArgs{"policy_id": policyID})
	if err != nil {
		return fmt.Errorf("retire policy version: %w", err)
	}
	_, err = tx.Exec(ctx, `
		UPDATE gov_policy_versions
		SET state = 'ACTIVE', activate_time = @now, retire_time = NULL
		WHERE id = @id`, pgx.NamedArgs{"id": versionID, "now": now})
	if err != nil {
		return fmt.Errorf("activate policy version: %w", err)
	}
	_, err = tx.Exec(ctx, `SELECT pg_notify(@channel, current_setting('aumos.tenant_id'))`, pgx.NamedArgs{"channel": ChangedChannel})
	if err != nil {
		return fmt.Errorf("notify decision caches: %w", err)
	}
	return nil
}
