// Package outbox makes a mutation and its audit entry stand or fall together. The entry is written as an intent in the mutation's transaction; after
// the commit it is appended to the Audit Wall and the intent is removed. What a crash leaves in between is appended after it.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Add writes the entry as an intent in the mutation's tenant transaction. An entry without an effective time takes effect now. Its errors are
// for the client: an entry that the wall would refuse stops the mutation.
func Add(ctx context.Context, tx pgx.Tx, e auditlog.Entry) error {
	if e.EffectiveTime.IsZero() {
		e.EffectiveTime = time.Now().UTC().Truncate(time.Microsecond)
	}
	// The position is the sequencer's business and does not count; the format wants a time.
	e.LeafIndex, e.RecordedTime = 0, e.EffectiveTime
	serialized, err := e.Marshal()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO gov_audit_intents (tenant_id, entry_id, entry)
		VALUES (@tenant_id, @entry_id, @entry)`,
		pgx.NamedArgs{"tenant_id": uuid.UUID(e.TenantID), "entry_id": e.EntryID, "entry": serialized})
	if err != nil {
		return fmt.Errorf("add audit intent: %w", err)
	}
	return nil
}

// Recorder brings intents to the wall.
type Recorder struct {
	pool *pgxpool.Pool
	wall *audit.Wall
	log  *slog.Logger
}

// NewRecorder returns a recorder of the intents in the governance database of pool.
func NewRecorder(pool *pgxpool.Pool, wall *audit.Wall, log *slog.Logger) *Recorder {
	return &Recorder{pool: pool, wall: wall, log: log}
}

// Settle appends the intent of the tenant in ctx to the wall and removes it: between a mutation's commit and its answer. An intent that was settled
// before is no error, so that retries may settle again; its position is then unknown and zero.
//
// When the wall does not answer, the intent stays and Run appends it later. The entry's id makes that harmless, however often it happens.
func (r *Recorder) Settle(ctx context.Context, entryID uuid.UUID) (audit.Position, error) {
	e, err := r.read(ctx, entryID)
	if err != nil || e == nil {
		return audit.Position{}, err
	}
	position, err := r.wall.Append(ctx, *e)
	if err != nil {
		return audit.Position{}, fmt.Errorf("append intent %s: %w", entryID, err)
	}
	if err := r.remove(ctx, entryID); err != nil {
		// The entry is where it belongs. Run finds the intent, appends it to no effect, and removes it.
		r.log.LogAttrs(ctx, slog.LevelWarn, "settled audit intent could not be removed", slog.String("entry_id", entryID.String()), slog.Any("error", err))
	}
	return position, nil
}

// read returns the intent's entry, or nil when there is none.
func (r *Recorder) read(ctx context.Context, entryID uuid.UUID) (*auditlog.Entry, error) {
	var serialized []byte
	err := postgres.ReadTenantTx(ctx, r.pool, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			SELECT entry
			FROM gov_audit_intents
			WHERE entry_id = @entry_id
			  AND tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid`,
			pgx.NamedArgs{"entry_id": entryID}).Scan(&serialized)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing is left to do
	}
	if err != nil {
		return nil, fmt.Errorf("read audit intent: %w", err)
	}
	e, err := auditlog.Unmarshal(serialized)
	if err != nil {
		return nil, fmt.Errorf("read audit intent: %w", err)
	}
	if id, ok := tenant.FromContext(ctx); !ok || id != e.TenantID {
		return nil, errors.New("read audit intent: it is of another tenant")
	}
	return &e, nil
}

func (r *Recorder) remove(ctx context.Context, entryID uuid.UUID) error {
	return postgres.TenantTx(ctx, r.pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			DELETE FROM gov_audit_intents
			WHERE entry_id = @entry_id
			  AND tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid`,
			pgx.NamedArgs{"entry_id": entryID})
		return err
	})
}
