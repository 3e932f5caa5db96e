package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/model"
	"github.com/aumos-enterprise/platform/drift/internal/text"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// pageTests bounds the tests on one page of monitors, so that a page of monitors with as many as they may have still fits into one message.
const pageTests = 10_000

// Create adds a monitor for a model of the tenant. A name in use is ALREADY_EXISTS, a model of another tenant NOT_FOUND.
func Create(ctx context.Context, tx pgx.Tx, d Definition) (Monitor, error) {
	d, err := d.complete()
	if err != nil {
		return Monitor{}, err
	}
	if _, err := model.Get(ctx, tx, d.ModelID); err != nil {
		return Monitor{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Monitor{}, fmt.Errorf("make monitor id: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO drf_monitors (id, model_id, name, false_discovery_rate, min_rows, min_drifted_features)
		VALUES (@id, @model_id, @name, @false_discovery_rate, @min_rows, @min_drifted_features)`,
		pgx.NamedArgs{
			"id": id, "model_id": d.ModelID, "name": d.Name, "false_discovery_rate": d.Rule.FalseDiscoveryRate,
			"min_rows": d.Rule.MinRows, "min_drifted_features": d.Rule.MinDriftedFeatures,
		})
	if postgres.IsUniqueViolation(err, "drf_monitors_name_key") {
		return Monitor{}, errs.Duplicate("monitor", "name").Field("name", "is in use by another monitor of the tenant")
	}
	if err != nil {
		return Monitor{}, fmt.Errorf("insert monitor: %w", err)
	}
	if err := insertFeatures(ctx, tx, id, d.Features); err != nil {
		return Monitor{}, err
	}
	return Get(ctx, tx, id)
}

func insertFeatures(ctx context.Context, tx pgx.Tx, id uuid.UUID, features []Feature) error {
	names, types, tests := make([]string, len(features)), make([]string, len(features)), make([]string, len(features))
	for i, f := range features {
		setting, err := json.Marshal(f.Tests)
		if err != nil {
			return fmt.Errorf("encode tests of feature %q: %w", f.Name, err)
		}
		names[i], types[i], tests[i] = f.Name, string(f.Type), string(setting)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO drf_monitor_features (monitor_id, ordinal, name, type, tests)
		SELECT @monitor_id, ordinal, name, type, tests::jsonb
		FROM unnest(@names::text[], @types::text[], @tests::text[]) WITH ORDINALITY AS f (name, type, tests, ordinal)`,
		pgx.NamedArgs{"monitor_id": id, "names": names, "types": types, "tests": tests})
	if err != nil {
		return fmt.Errorf("insert features: %w", err)
	}
	return nil
}

// row is a monitor without its features.
type row struct {
	ID                 uuid.UUID
	ModelID            uuid.UUID
	Name               string
	FalseDiscoveryRate float64
	MinRows            int64
	MinDriftedFeatures int
	ActiveBaselineID   uuid.NullUUID
	TestCount          int
	Revision           int64
	CreateTime         time.Time
	UpdateTime         time.Time
}

func (r row) monitor() Monitor {
	return Monitor{
		ID: r.ID, ModelID: r.ModelID, Name: r.Name, ActiveBaselineID: r.ActiveBaselineID.UUID, Revision: r.Revision,
		Rule:       Rule{FalseDiscoveryRate: r.FalseDiscoveryRate, MinRows: r.MinRows, MinDriftedFeatures: r.MinDriftedFeatures},
		CreateTime: r.CreateTime, UpdateTime: r.UpdateTime,
	}
}

// Get returns a monitor of the tenant.
func Get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Monitor, error) {
	r, err := postgres.Get(ctx, tx, "monitor", id, `
		SELECT m.id, m.model_id, m.name, m.false_discovery_rate, m.min_rows, m.min_drifted_features, b.id AS active_baseline_id,
			0 AS test_count, m.revision, m.create_time, m.update_time
		FROM drf_monitors m
		LEFT JOIN drf_baselines b ON b.tenant_id = m.tenant_id AND b.monitor_id = m.id AND b.state = 'ACTIVE'
		WHERE m.id = @id`, pgx.RowToStructByName[row])
	if err != nil {
		return Monitor{}, err
	}
	monitors := []Monitor{r.monitor()}
	if err := loadFeatures(ctx, tx, monitors); err != nil {
		return Monitor{}, err
	}
	return monitors[0], nil
}

// Lock makes other changes of the monitor wait until the transaction ends.
func Lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	tag, err := tx.Exec(ctx, `
		SELECT id
		FROM drf_monitors
		WHERE id = @id
		FOR NO KEY UPDATE`, pgx.NamedArgs{"id": id})
	if err != nil {
		return fmt.Errorf("lock monitor: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errs.ResourceNotFound("monitor", id.String())
	}
	return nil
}

// NextBaselineNumber counts one more baseline of the monitor and returns its number. The monitor's revision stays: clients see no change.
func NextBaselineNumber(ctx context.Context, tx pgx.Tx, id uuid.UUID) (number int32, err error) {
	err = tx.QueryRow(ctx, `
		UPDATE drf_monitors
		SET baseline_count = baseline_count + 1
		WHERE id = @id
		RETURNING baseline_count`, pgx.NamedArgs{"id": id}).Scan(&number)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errs.ResourceNotFound("monitor", id.String())
	}
	if err != nil {
		return 0, fmt.Errorf("count baseline: %w", err)
	}
	return number, nil
}

// Touch notes that the monitor has changed, and returns when.
func Touch(ctx context.Context, tx pgx.Tx, id uuid.UUID) (now time.Time, err error) {
	// The statement's time, not the transaction's: that one may have begun before a change for which it then waited.
	err = tx.QueryRow(ctx, `
		UPDATE drf_monitors
		SET revision = revision + 1, update_time = statement_timestamp()
		WHERE id = @id
		RETURNING update_time`, pgx.NamedArgs{"id": id}).Scan(&now)
	if err != nil {
		return time.Time{}, fmt.Errorf("update monitor: %w", err)
	}
	return now, nil
}

// Filter narrows a list; its parts combine with AND, and empty ones match everything.
type Filter struct {
	ModelID uuid.UUID
	Name    string
}

// List returns at most limit monitors, newest first, that are older than the given one (uuid.Max: from the start), and whether there are more. It may
// return fewer than limit although there are more: a page holds at most 10,000 tests, or one monitor.
func List(ctx context.Context, tx pgx.Tx, f Filter, before uuid.UUID, limit int) (monitors []Monitor, more bool, err error) {
	if err := text.Line("name", f.Name); err != nil {
		return nil, false, err
	}
	sql := `
		SELECT m.id, m.model_id, m.name, m.false_discovery_rate, m.min_rows, m.min_drifted_features, b.id AS active_baseline_id,
			(SELECT sum(jsonb_array_length(f.tests)) FROM drf_monitor_features f WHERE f.tenant_id = m.tenant_id AND f.monitor_id = m.id) AS test_count,
			m.revision, m.create_time, m.update_time
		FROM drf_monitors m
		LEFT JOIN drf_baselines b ON b.tenant_id = m.tenant_id AND b.monitor_id = m.id AND b.state = 'ACTIVE'
		WHERE m.id < @before`
	if f.ModelID != uuid.Nil {
		sql += `
		AND m.model_id = @model_id`
	}
	if f.Name != "" {
		sql += `
		AND m.name = @name`
	}
	sql += `
		ORDER BY m.id DESC
		LIMIT @limit`
	rows, err := tx.Query(ctx, sql, pgx.NamedArgs{"before": before, "model_id": f.ModelID, "name": f.Name, "limit": limit + 1})
	if err != nil {
		return nil, false, fmt.Errorf("select monitors: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, false, fmt.Errorf("select monitors: %w", err)
	}
	tests := 0
	for _, r := range found {
		tests += r.TestCount
		if len(monitors) == limit || len(monitors) > 0 && tests > pageTests {
			more = true
			break
		}
		monitors = append(monitors, r.monitor())
	}
	return monitors, more, loadFeatures(ctx, tx, monitors)
}

// loadFeatures fills in the features of the monitors.
func loadFeatures(ctx context.Context, tx pgx.Tx, monitors []Monitor) error {
	position := make(map[uuid.UUID]int, len(monitors))
	ids := make([]uuid.UUID, len(monitors))
	for i, m := range monitors {
		position[m.ID], ids[i] = i, m.ID
	}
	rows, err := tx.Query(ctx, `
		SELECT monitor_id, name, type, tests
		FROM drf_monitor_features
		WHERE monitor_id = ANY(@ids)
		ORDER BY monitor_id, ordinal`, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return fmt.Errorf("select features: %w", err)
	}
	var id uuid.UUID
	var f Feature
	var tests []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &f.Name, &f.Type, &tests}, func() error {
		f.Tests = []detect.TestSetting(nil)
		if err := json.Unmarshal(tests, &f.Tests); err != nil {
			return fmt.Errorf("decode tests of feature %q: %w", f.Name, err)
		}
		m := &monitors[position[id]]
		m.Features = append(m.Features, f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("select features: %w", err)
	}
	return nil
}
