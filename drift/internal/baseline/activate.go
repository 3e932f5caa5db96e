package baseline

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/monitor"
)

// Activation is what activating a baseline did.
type Activation struct {
	Baseline Baseline
	Monitor  monitor.Monitor
	Changed  bool     // false when the baseline was active already
	Retired  Baseline // the baseline that was active before; with no id if none was
}

// Activate makes the baseline the one that runs compare with; the one that was active retires. A stale etag of the monitor is STALE_ETAG.
func Activate(ctx context.Context, tx pgx.Tx, id uuid.UUID, etag string) (Activation, error) {
	b, err := Get(ctx, tx, id)
	if err != nil {
		return Activation{}, err
	}
	// The lock makes concurrent activations of the monitor's baselines wait for each other; only then is what is read below final.
	if err := monitor.Lock(ctx, tx, b.MonitorID); err != nil {
		return Activation{}, err
	}
	m, err := monitor.Get(ctx, tx, b.MonitorID)
	if err != nil {
		return Activation{}, err
	}
	if err := m.CheckETag(etag); err != nil {
		return Activation{}, err
	}
	if m.ActiveBaselineID == id {
		b, err = Get(ctx, tx, id)
		return Activation{Baseline: b, Monitor: m}, err
	}
	now, err := monitor.Touch(ctx, tx, m.ID)
	if err != nil {
		return Activation{}, err
	}
	if err := swap(ctx, tx, m.ID, id, now); err != nil {
		return Activation{}, err
	}
	a := Activation{Changed: true}
	if m.ActiveBaselineID != uuid.Nil {
		if a.Retired, err = Get(ctx, tx, m.ActiveBaselineID); err != nil {
			return Activation{}, err
		}
	}
	if a.Baseline, err = Get(ctx, tx, id); err != nil {
		return Activation{}, err
	}
	a.Monitor, err = monitor.Get(ctx, tx, m.ID)
	return a, err
}

func swap(ctx context.Context, tx pgx.Tx, monitorID, id uuid.UUID, now time.Time) error {
	_, err := tx.Exec(ctx, `
		UPDATE drf_baselines
		SET state = 'RETIRED'
		WHERE monitor_id = @monitor_id
		AND state = 'ACTIVE'`, pgx.NamedArgs{"monitor_id": monitorID})
	if err != nil {
		return fmt.Errorf("retire baseline: %w", err)
	}
	_, err = tx.Exec(ctx, `
		UPDATE drf_baselines
		SET state = 'ACTIVE', activate_time = @now
		WHERE id = @id`, pgx.NamedArgs{"id": id, "now": now})
	if err != nil {
		return fmt.Errorf("activate baseline: %w", err)
	}
	return nil
}
