package baseline

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/monitor"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/drift/internal/text"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// Upload is a baseline to be stored.
type Upload struct {
	Description string
	Set         sample.Set
	Fingerprint [32]byte // of Set
}

// Store adds the upload as the monitor's next baseline, in state READY.
func Store(ctx context.Context, tx pgx.Tx, m monitor.Monitor, u Upload) (Baseline, []Feature, error) {
	if err := text.Prose("header.description", u.Description); err != nil {
		return Baseline{}, nil, err
	}
	if err := check(m.Rule.MinRows, u.Set); err != nil {
		return Baseline{}, nil, err
	}
	number, err := monitor.NextBaselineNumber(ctx, tx, m.ID)
	if err != nil {
		return Baseline{}, nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Baseline{}, nil, fmt.Errorf("make baseline id: %w", err)
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO drf_baselines (id, monitor_id, number, description, row_count, fingerprint_sha256)
		VALUES (@id, @monitor_id, @number, @description, @row_count, @fingerprint)
		RETURNING id, monitor_id, number, description, state, row_count, fingerprint_sha256, create_time, activate_time`,
		pgx.NamedArgs{
			"id": id, "monitor_id": m.ID, "number": number, "description": u.Description, "row_count": u.Set.Rows,
			"fingerprint": u.Fingerprint[:],
		})
	if err != nil {
		return Baseline{}, nil, fmt.Errorf("insert baseline: %w", err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Baseline])
	if err != nil {
		return Baseline{}, nil, fmt.Errorf("insert baseline: %w", err)
	}
	features := make([]Feature, len(u.Set.Features))
	for i, f := range u.Set.Features {
		features[i] = Feature{Name: f.Name, Type: f.Type, Summary: u.Set.Summary(i)}
		if err := insertFeature(ctx, tx, id, i, features[i], u.Set.Content(i)); err != nil {
			return Baseline{}, nil, err
		}
	}
	return b, features, nil
}

// insertFeature writes one feature at a time: together they may be larger than one message to the server.
func insertFeature(ctx context.Context, tx pgx.Tx, id uuid.UUID, index int, f Feature, content []byte) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO drf_baseline_features (baseline_id, ordinal, name, type, value_count, missing_count, distinct_count,
			min, max, mean, standard_deviation, content)
		VALUES (@baseline_id, @ordinal, @name, @type, @value_count, @missing_count, @distinct_count,
			@min, @max, @mean, @standard_deviation, @content)`,
		pgx.NamedArgs{
			"baseline_id": id, "ordinal": index + 1, "name": f.Name, "type": f.Type,
			"value_count": f.Values, "missing_count": f.Missing, "distinct_count": f.Distinct,
			"min": f.Min, "max": f.Max, "mean": f.Mean, "standard_deviation": f.StandardDeviation, "content": content,
		})
	if err != nil {
		return fmt.Errorf("insert feature %q: %w", f.Name, err)
	}
	return nil
}

// Get returns a baseline of the tenant.
func Get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Baseline, error) {
	return postgres.Get(ctx, tx, "baseline", id, `
		SELECT id, monitor_id, number, description, state, row_count, fingerprint_sha256, create_time, activate_time
		FROM drf_baselines
		WHERE id = @id`, pgx.RowToStructByName[Baseline])
}

// Features returns what the baseline knows of its features, in their order.
func Features(ctx context.Context, tx pgx.Tx, id uuid.UUID) ([]Feature, error) {
	rows, err := tx.Query(ctx, `
		SELECT name, type, value_count, missing_count, distinct_count, min, max, mean, standard_deviation
		FROM drf_baseline_features
		WHERE baseline_id = @id
		ORDER BY ordinal`, pgx.NamedArgs{"id": id})
	if err != nil {
		return nil, fmt.Errorf("select baseline features: %w", err)
	}
	features, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Feature, err error) {
		return f, row.Scan(&f.Name, &f.Type, &f.Values, &f.Missing, &f.Distinct, &f.Min, &f.Max, &f.Mean, &f.StandardDeviation)
	})
	if err != nil {
		return nil, fmt.Errorf("select baseline features: %w", err)
	}
	return features, nil
}

// List returns at most limit baselines of the monitor, newest first, that are older than the given one (uuid.Max: from the start).
func List(ctx context.Context, tx pgx.Tx, monitorID, before uuid.UUID, limit int) ([]Baseline, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, monitor_id, number, description, state, row_count, fingerprint_sha256, create_time, activate_time
		FROM drf_baselines
		WHERE monitor_id = @monitor_id
		AND id < @before
		ORDER BY id DESC
		LIMIT @limit`, pgx.NamedArgs{"monitor_id": monitorID, "before": before, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("select baselines: %w", err)
	}
	baselines, err := pgx.CollectRows(rows, pgx.RowToStructByName[Baseline])
	if err != nil {
		return nil, fmt.Errorf("select baselines: %w", err)
	}
	return baselines, nil
}
