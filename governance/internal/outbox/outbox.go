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
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Add writes the entry as an intent in the mutation's tenant transaction. An entry without an effective time takes effect now. Its errors are
// for the client: an entry that the wall would refuse stops the mutation.
//
// Changes of one resource must wait for each other before they call it: their entries are appended in the order of the calls.
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
		INSERT INTO gov_audit_intents (tenant_id, entry_id, entry, resource_type, resource_id)
		VALUES (@tenant_id, @entry_id, @entry, @resource_type, @resource_id)`,
		pgx.NamedArgs{
			"tenant_id": uuid.UUID(e.TenantID), "entry_id": e.EntryID, "entry": serialized,
			"resource_type": e.Resource.Type, "resource_id": e.Resource.ID,
		})
	if err != nil {
		return fmt.Errorf("add audit intent: %w", err)
	}
	return nil
}

// Recorder brings intents to the wall.
type Recorder struct {
	pool    *pgxpool.Pool
	wall    *audit.Wall
	log     *slog.Logger
	metrics *metrics
}

// NewRecorder returns a recorder of the intents in the governance database of pool.
func NewRecorder(pool *pgxpool.Pool, wall *audit.Wall, log *slog.Logger) *Recorder {
	return &Recorder{pool: pool, wall: wall, log: log, metrics: newMetrics()}
}

// Collectors returns the recorder's metrics for the registry of the process.
func (r *Recorder) Collectors() []prometheus.Collector { return r.metrics.all() }

// Settle appends the intent of the tenant in ctx to the wall and removes it: between a mutation's commit and its answer. An intent that was settled
// before is no error, so that retries may settle again; its position is then unknown and zero.
//
// Intents of the same resource that were added before it go first: on the wall a resource's states follow each other as its changes did. One that the wall
// refuses for what it says does not hold up those after it.
//
// When the wall does not answer, the intent stays and Run appends it later. The entry's id makes that harmless, however often it happens.
func (r *Recorder) Settle(ctx context.Context, entryID uuid.UUID) (audit.Position, error) {
	due, err := r.read(ctx, entryID)
	if err != nil {
		return audit.Position{}, err
	}
	return r.bring(ctx, due)
}

// bring settles the intents of a resource, in their order, and returns the position of the last, whose failure alone counts unless those after a failed
// one would have to wait for it.
func (r *Recorder) bring(ctx context.Context, due []intent) (position audit.Position, err error) {
	for i, d := range due {
		position, err = r.append(ctx, d)
		if err != nil && i < len(due)-1 && reachOf(err) == itself {
			continue // it says so when it is its turn
		}
		if err != nil {
			return audit.Position{}, fmt.Errorf("append intent %s: %w", d.EntryID, err)
		}
		if err := r.remove(ctx, d.EntryID); err != nil {
			// The entry is where it belongs. Run finds the intent, appends it to no effect, and removes it.
			r.log.LogAttrs(ctx, slog.LevelWarn, "settled audit intent could not be removed", slog.String("entry_id", d.EntryID.String()), slog.Any("error", err))
		}
	}
	return position, nil
}

func (r *Recorder) append(ctx context.Context, d intent) (audit.Position, error) {
	e, err := auditlog.Unmarshal(d.Entry)
	if err != nil {
		return audit.Position{}, err
	}
	if id, ok := tenant.FromContext(ctx); !ok || id != e.TenantID || d.EntryID != e.EntryID {
		return audit.Position{}, errors.New("its entry is another one's")
	}
	return r.wall.Append(ctx, e)
}

// intent is one as it is stored.
type intent struct {
	EntryID uuid.UUID
	Entry   []byte
}

// read returns the intent, last, and those of the same resource that go before it; none when it is settled.
func (r *Recorder) read(ctx context.Context, entryID uuid.UUID) (due []intent, err error) {
	err = postgres.ReadTenantTx(ctx, r.pool, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT i.entry_id, i.entry
			FROM gov_audit_intents AS asked
			JOIN gov_audit_intents AS i ON i.tenant_id = asked.tenant_id AND (i.entry_id = asked.entry_id
				OR i.resource_type = asked.resource_type AND i.resource_id = asked.resource_id AND i.sequence < asked.sequence AND NOT i.refused)
			WHERE asked.entry_id = @entry_id
			  AND asked.tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid
			ORDER BY i.sequence`,
			pgx.NamedArgs{"entry_id": entryID})
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, pgx.RowToStructByName[intent])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read audit intent: %w", err)
	}
	return due, nil
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
