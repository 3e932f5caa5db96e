package policy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
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

// Activate makes an approved version the one that decisions use; the one that was active retires. Its tests must have passed, see TESTS_REQUIRED;
// engine is the version of the engine that will answer. Activating the active version changes nothing. A stale etag of the policy is
// STALE_ETAG. With the commit, ChangedChannel tells every decision cache.
func Activate(ctx context.Context, tx pgx.Tx, versionID uuid.UUID, etag, engine string) (Activation, error) {
	p, v, err := lockVersion(ctx, tx, versionID, etag)
	if err != nil {
		return Activation{}, err
	}
	if v.State == Active {
		return Activation{Policy: p, Version: v}, nil
	}
	if err := p.CheckInUse(); err != nil {
		return Activation{}, err
	}
	if v.State == Retired {
		return Activation{}, stateError(v.State, "the version is %s: rolling back to it makes it active again", v.State)
	}
	if err := v.checkState(Approved); err != nil {
		return Activation{}, err
	}
	run, err := checkTested(ctx, tx, p, v, engine)
	if err != nil {
		return Activation{}, err
	}
	return swap(ctx, tx, p, versionID, run)
}

// Rollback makes a retired version of the policy the active one again: the given one, or with uuid.Nil the one that retired last. It was tested
// when it was first activated and is not held against the suite of now.
func Rollback(ctx context.Context, tx pgx.Tx, policyID, versionID uuid.UUID, etag string) (Activation, error) {
	p, err := Lock(ctx, tx, policyID, etag)
	if err != nil {
		return Activation{}, err
	}
	if err := p.CheckInUse(); err != nil {
		return Activation{}, err
	}
	if versionID == uuid.Nil {
		if versionID, err = lastRetired(ctx, tx, policyID); err != nil {
			return Activation{}, err
		}
	}
	v, err := getVersion(ctx, tx, versionID)
	if err != nil {
		return Activation{}, err
	}
	if v.PolicyID != policyID {
		return Activation{}, errs.InvalidField("policy_version_id", "is a version of another policy")
	}
	if err := v.checkState(Retired); err != nil {
		return Activation{}, err
	}
	return swap(ctx, tx, p, versionID, uuid.Nil)
}

func lastRetired(ctx context.Context, tx pgx.Tx, policyID uuid.UUID) (id uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `
		SELECT id
		FROM gov_policy_versions
		WHERE policy_id = @policy_id
		AND state = 'RETIRED'
		ORDER BY retire_time DESC, number DESC
		LIMIT 1`, pgx.NamedArgs{"policy_id": policyID}).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, errs.New(errs.FailedPrecondition, errs.ReasonPolicyVersionState, "the policy has no retired version to go back to").
			With("policy_id", policyID.String())
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("select retired version: %w", err)
	}
	return id, nil
}

// Retire takes the active version out of use, and nothing takes its place.
func Retire(ctx context.Context, tx pgx.Tx, versionID uuid.UUID, etag string) (Policy, Version, error) {
	p, v, err := lockVersion(ctx, tx, versionID, etag)
	if err != nil {
		return Policy{}, Version{}, err
	}
	if err := v.checkState(Active); err != nil {
		return Policy{}, Version{}, err
	}
	if _, err := touch(ctx, tx, p.ID); err != nil {
		return Policy{}, Version{}, err
	}
	if err := retireActive(ctx, tx, p.ID); err != nil {
		return Policy{}, Version{}, err
	}
	if err := Announce(ctx, tx); err != nil {
		return Policy{}, Version{}, err
	}
	if v, err = GetVersion(ctx, tx, versionID); err != nil {
		return Policy{}, Version{}, err
	}
	p, err = Get(ctx, tx, p.ID)
	return p, v, err
}

// swap retires the active version of the locked policy, if there is one, and makes the other active on the strength of the test run; uuid.Nil stands
// for the one that it was first activated on.
func swap(ctx context.Context, tx pgx.Tx, p Policy, versionID, run uuid.UUID) (Activation, error) {
	a := Activation{Changed: true, Retired: p.ActiveVersionID}
	now, err := touch(ctx, tx, p.ID)
	if err != nil {
		return Activation{}, err
	}
	if err := retireActive(ctx, tx, p.ID); err != nil {
		return Activation{}, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE gov_policy_versions
		SET state = 'ACTIVE', activate_time = @now, retire_time = NULL, test_run_id = coalesce(@run, test_run_id)
		WHERE id = @id`, pgx.NamedArgs{"id": versionID, "now": now, "run": uuid.NullUUID{UUID: run, Valid: run != uuid.Nil}})
	if err != nil {
		return Activation{}, fmt.Errorf("activate policy version: %w", err)
	}
	if err := Announce(ctx, tx); err != nil {
		return Activation{}, err
	}
	if a.Version, err = GetVersion(ctx, tx, versionID); err != nil {
		return Activation{}, err
	}
	a.Policy, err = Get(ctx, tx, p.ID)
	return a, err
}

// touch counts a change of the policy and returns its time: the statement's, not the transaction's, which may have begun before a change for
// which it then waited.
func touch(ctx context.Context, tx pgx.Tx, policyID uuid.UUID) (now time.Time, err error) {
	err = tx.QueryRow(ctx, `
		UPDATE gov_policies
		SET revision = revision + 1, update_time = statement_timestamp()
		WHERE id = @id
		RETURNING update_time`, pgx.NamedArgs{"id": policyID}).Scan(&now)
	if err != nil {
		return now, fmt.Errorf("update policy: %w", err)
	}
	return now, nil
}

func retireActive(ctx context.Context, tx pgx.Tx, policyID uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		UPDATE gov_policy_versions
		SET state = 'RETIRED', retire_time = statement_timestamp()
		WHERE policy_id = @policy_id
		AND state = 'ACTIVE'`, pgx.NamedArgs{"policy_id": policyID})
	if err != nil {
		return fmt.Errorf("retire policy version: %w", err)
	}
	return nil
}

// Announce tells every decision cache, with the commit, that what decisions use of the tenant has changed.
func Announce(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_notify(@channel, current_setting('aumos.tenant_id'))`, pgx.NamedArgs{"channel": ChangedChannel})
	if err != nil {
		return fmt.Errorf("notify decision caches: %w", err)
	}
	return nil
}
