package policy

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Announce tells every decision cache, with the commit, that what decisions use of the tenant has changed.
func Announce(ctx context.Context, tx pgx.Tx) error { return notify(ctx, tx) }

// Lock returns the policy after everybody else who changes it, its versions or what is tried beside them: they wait for each other until the transaction ends.
func Lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Policy, error) {
	return lockPolicy(ctx, tx, id, "")
}

// CheckInUse fails with POLICY_ARCHIVED when the policy is archived.
func (p Policy) CheckInUse() error { return p.checkInUse() }
