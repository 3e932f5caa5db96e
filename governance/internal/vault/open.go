package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Ref names a kept input as the wall does: by the decision's id and the digest of its input.
type Ref struct {
	Decision uuid.UUID
	SHA256   [sha256.Size]byte
}

// MaxOpen is how many inputs one call may ask for. It bounds the memory that they take.
const MaxOpen = 256

// Keeps reports whether the tenant of the transaction keeps inputs, or has some from when it did.
func Keeps(ctx context.Context, tx pgx.Tx) (keeps bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM gov_decision_settings WHERE keep_inputs) OR EXISTS (SELECT FROM gov_decision_inputs)`).Scan(&keeps)
	if err != nil {
		return false, fmt.Errorf("look for inputs: %w", err)
	}
	return keeps, nil
}

// keptRow is an input as it is stored, with its key.
type keptRow struct {
	DecisionID  uuid.UUID
	InputSHA256 []byte `db:"input_sha256"`
	Sealed      []byte
	KeyID       uuid.UUID
	WrappingKey string
	Wrapped     []byte
}

// Open returns kept inputs of the tenant in ctx, by decision. Those that were never kept, whose retention has ended, or that were erased are not in
// the answer. Masked places are null. Without the key that wraps the tenant's it fails with INPUTS_KEY_MISSING.
func (v *Vault) Open(ctx context.Context, refs []Ref) (map[uuid.UUID]rego.Input, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok || len(refs) > MaxOpen {
		return nil, fmt.Errorf("open %d inputs: no tenant in context, or over %d", len(refs), MaxOpen)
	}
	kept, err := v.readKept(ctx, refs)
	if err != nil {
		return nil, err
	}
	inputs := make(map[uuid.UUID]rego.Input, len(kept))
	keys := make(map[uuid.UUID]*InputKey, 1)
	for _, k := range kept {
		key := keys[k.KeyID]
		if key == nil {
			var opened Keys
			err := v.take(&opened, id, keyRow{ID: k.KeyID, Purpose: purposeInputs, WrappingKey: k.WrappingKey, Wrapped: k.Wrapped})
			if errors.Is(err, errWrappingKey) {
				return nil, errs.New(errs.FailedPrecondition, errs.ReasonInputsKeyMissing,
					"the inputs kept cannot be read: the operator has to put the key that encrypts the tenant's back into the setting INPUTS__KEY_FILE").
					Because(err)
			}
			if err != nil {
				return nil, err
			}
			key = opened.Inputs
			keys[k.KeyID] = key
		}
		in, err := key.open(k)
		if err != nil { // of this one: somebody has changed it
			v.config.Log.LogAttrs(ctx, slog.LevelError, "a kept input is damaged", slog.String("decision_id", k.DecisionID.String()),
				slog.String("tenant_id", id.String()), slog.Any("error", err))
			continue
		}
		inputs[k.DecisionID] = in
	}
	return inputs, nil
}

var errOtherInput = errors.New("it has another digest")

func (k *InputKey) open(row keptRow) (rego.Input, error) {
	plain, err := k.sealer.open(row.Sealed, itemBound(k.tenant, row.DecisionID))
	if err != nil {
		return rego.Input{}, err
	}
	if sum := sha256.Sum256(plain); string(sum[:]) != string(row.InputSHA256) {
		return rego.Input{}, errOtherInput
	}
	return rego.ParseInput(plain)
}

func (v *Vault) readKept(ctx context.Context, refs []Ref) (kept []keptRow, err error) {
	ids, digests := make([]uuid.UUID, len(refs)), make([][]byte, len(refs))
	for i, r := range refs {
		ids[i], digests[i] = r.Decision, r.SHA256[:]
	}
	err = postgres.ReadTenantTx(ctx, v.config.Pool, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT i.decision_id, i.input_sha256, i.sealed, i.key_id, k.wrapping_key, k.wrapped
			FROM unnest(@ids::uuid[], @digests::bytea[]) AS asked (decision_id, input_sha256)
			JOIN gov_decision_inputs i ON i.decision_id = asked.decision_id AND i.input_sha256 = asked.input_sha256
			JOIN gov_decision_keys k ON k.tenant_id = i.tenant_id AND k.id = i.key_id AND k.wrapped IS NOT NULL
			JOIN gov_decision_settings s ON s.tenant_id = i.tenant_id
			WHERE i.decide_time > @now::timestamptz - make_interval(secs => s.kept_retention)`,
			pgx.NamedArgs{"ids": ids, "digests": digests, "now": time.Now()})
		if err != nil {
			return err
		}
		kept, err = pgx.CollectRows(rows, pgx.RowToStructByName[keptRow])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("select inputs: %w", err)
	}
	return kept, nil
}
