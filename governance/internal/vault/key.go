package vault

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// The purposes of a tenant's keys.
const (
	purposeInputs = "INPUTS"
	purposeDigest = "DIGEST"
)

// Keys are a tenant's keys, ready for use. Those that the tenant does not have, or that cannot be read, are nil.
type Keys struct {
	Inputs *InputKey
	Digest *DigestKey
}

// InputKey encrypts a tenant's inputs.
type InputKey struct {
	id     uuid.UUID
	tenant tenant.ID
	sealer *sealer
}

// DigestKey makes digests of a tenant's inputs from which nobody without it can guess the inputs.
type DigestKey struct{ key []byte }

// Sum returns the HMAC-SHA256 of an input's canonical JSON.
func (k *DigestKey) Sum(input []byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, k.key)
	mac.Write(input)
	mac.Sum(sum[:0])
	return sum
}

// keyRow is a key as it is stored.
type keyRow struct {
	ID          uuid.UUID
	Purpose     string
	WrappingKey string
	Wrapped     []byte
}

// bound ties a wrapped key to its place: it cannot be put into another tenant's row, nor be used for another purpose.
func (r keyRow) bound(id tenant.ID) []byte {
	b := append([]byte("aumos governance key v1\x00"), id[:]...)
	b = append(b, r.ID[:]...)
	return append(b, r.Purpose...)
}

// ReadKeys returns the keys of the tenant of tx. One that cannot be unwrapped is reported in the log.
func (v *Vault) ReadKeys(ctx context.Context, tx pgx.Tx) (keys Keys, err error) {
	id, _ := tenant.FromContext(ctx)
	stored, err := readKeys(ctx, tx)
	if err != nil {
		return keys, err
	}
	for _, r := range stored {
		if err := v.take(&keys, id, r); err != nil {
			v.config.Log.LogAttrs(ctx, slog.LevelWarn, "a tenant's key cannot be used", slog.String("purpose", r.Purpose),
				slog.String("tenant_id", id.String()), slog.Any("error", err))
		}
	}
	return keys, nil
}

// unwrap returns the key of the row. Inputs have none that is not encrypted.
func (v *Vault) unwrap(id tenant.ID, r keyRow) ([]byte, error) {
	if r.WrappingKey == "" && r.Purpose != purposeDigest {
		return nil, errPlain
	}
	return v.config.Wrapping.unwrap(r.WrappingKey, r.Wrapped, r.bound(id))
}

func (v *Vault) take(keys *Keys, id tenant.ID, r keyRow) error {
	key, err := v.unwrap(id, r)
	if err != nil {
		return err
	}
	if r.Purpose == purposeDigest {
		keys.Digest = &DigestKey{key}
		return nil
	}
	s, err := newSealer(key)
	if err != nil {
		return err
	}
	keys.Inputs = &InputKey{id: r.ID, tenant: id, sealer: s}
	return nil
}

func readKeys(ctx context.Context, tx pgx.Tx) ([]keyRow, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, purpose, wrapping_key, wrapped
		FROM gov_decision_keys
		WHERE wrapped IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("select keys: %w", err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByName[keyRow])
	if err != nil {
		return nil, fmt.Errorf("select keys: %w", err)
	}
	return stored, nil
}

// EnsureKeys makes the keys that the tenant of tx lacks; the one for inputs only if they are to be kept. The caller holds the lock of the tenant's
// settings. Without a key that wraps, or without the one that has wrapped the tenant's, inputs cannot be kept: INPUTS_KEY_MISSING.
func (v *Vault) EnsureKeys(ctx context.Context, tx pgx.Tx, inputs bool) error {
	if inputs && !v.config.Wrapping.Present() {
		return errs.New(errs.FailedPrecondition, errs.ReasonInputsKeyMissing,
			"this installation cannot keep inputs: its operator has to give it a key with the setting INPUTS__KEY_FILE first")
	}
	id, _ := tenant.FromContext(ctx)
	stored, err := readKeys(ctx, tx)
	if err != nil {
		return err
	}
	missing := map[string]bool{purposeDigest: true, purposeInputs: inputs}
	for _, r := range stored {
		missing[r.Purpose] = false
		_, err := v.unwrap(id, r)
		if r.Purpose == purposeDigest && errors.Is(err, errPlain) {
			if err := v.replace(ctx, tx, id, r); err != nil {
				return err
			}
			continue
		}
		if inputs && errors.Is(err, errWrappingKey) {
			return errs.New(errs.FailedPrecondition, errs.ReasonInputsKeyMissing,
				"the tenant's key cannot be read: the operator has to put the key that encrypts it back into the setting INPUTS__KEY_FILE, or the inputs kept have to be erased").
				Because(err)
		}
		if inputs && err != nil {
			return err
		}
	}
	for purpose, lacks := range missing {
		if !lacks {
			continue
		}
		if err := v.addKey(ctx, tx, id, purpose); err != nil {
			return err
		}
	}
	return nil
}

// replace makes a new key in place of one for digests that was made when there was no key to wrap it with. To wrap that one would make a secret of what
// everybody who has seen the database knows. Only retries of requests from before are told apart no more: they count as other requests.
func (v *Vault) replace(ctx context.Context, tx pgx.Tx, id tenant.ID, r keyRow) error {
	if _, err := tx.Exec(ctx, `DELETE FROM gov_decision_keys WHERE id = @id`, pgx.NamedArgs{"id": r.ID}); err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	return v.addKey(ctx, tx, id, r.Purpose)
}

func (v *Vault) addKey(ctx context.Context, tx pgx.Tx, id tenant.ID, purpose string) error {
	r := keyRow{ID: uuid.New(), Purpose: purpose}
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	var err error
	if r.WrappingKey, r.Wrapped, err = v.config.Wrapping.wrap(key, r.bound(id)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO gov_decision_keys (id, purpose, wrapping_key, wrapped)
		VALUES (@id, @purpose, @wrapping_key, @wrapped)`,
		pgx.NamedArgs{"id": r.ID, "purpose": r.Purpose, "wrapping_key": r.WrappingKey, "wrapped": r.Wrapped})
	if err != nil {
		return fmt.Errorf("insert key: %w", err)
	}
	return nil
}

// Erase destroys the keys of the tenant of tx and returns how many inputs nobody can read any more with the commit; the upkeep deletes them. The
// caller holds the lock of the tenant's settings, and makes new keys with EnsureKeys. Inputs that are being written are waited for and count.
func (v *Vault) Erase(ctx context.Context, tx pgx.Tx) (erased int64, err error) {
	_, err = tx.Exec(ctx, `DELETE FROM gov_decision_keys WHERE purpose = 'DIGEST'`)
	if err != nil {
		return 0, fmt.Errorf("delete digest key: %w", err)
	}
	var key uuid.UUID
	err = tx.QueryRow(ctx, `
		UPDATE gov_decision_keys
		SET wrapped = NULL, destroy_time = statement_timestamp()
		WHERE purpose = 'INPUTS'
		AND wrapped IS NOT NULL
		RETURNING id`).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("destroy key: %w", err)
	}
	err = tx.QueryRow(ctx, `
		SELECT count(*)
		FROM gov_decision_inputs
		WHERE key_id = @key_id`, pgx.NamedArgs{"key_id": key}).Scan(&erased)
	if err != nil {
		return 0, fmt.Errorf("count inputs: %w", err)
	}
	return erased, nil
}
