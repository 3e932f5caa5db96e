package conceptdrift

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
)

// Insert stores new drifts. Their evidence must have been added in tx.
func Insert(ctx context.Context, tx pgx.Tx, drifts []Drift) error {
	if len(drifts) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, d := range drifts {
		batch.Queue(`
			INSERT INTO drf_stream_drifts (stream_id, id, sequence, began, direction, mean_before, mean_after, entry_id, create_time)
			VALUES (@stream_id, @id, @sequence, @began, @direction, @mean_before, @mean_after, @entry_id, @create_time)`,
			pgx.NamedArgs{
				"stream_id": d.StreamID, "id": d.ID, "sequence": d.Index, "began": d.Began, "direction": d.Direction, "mean_before": orNull(d.Before),
				"mean_after": d.After, "entry_id": d.EntryID, "create_time": d.CreateTime,
			})
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("insert drifts: %w", err)
	}
	return nil
}

const selectDrifts = `
	SELECT d.id, d.stream_id, d.sequence, d.began, d.direction, d.mean_before, d.mean_after, d.entry_id, d.create_time,
		e.state, e.leaf_index, e.leaf_hash, e.receipt, e.record_time
	FROM drf_stream_drifts d
	JOIN drf_evidence e ON e.tenant_id = d.tenant_id AND e.entry_id = d.entry_id
	WHERE d.stream_id = @stream_id`

// between returns the drifts at sequences of a range, in order.
func between(ctx context.Context, tx pgx.Tx, streamID uuid.UUID, first, end int64) ([]Drift, error) {
	return selectBy(ctx, tx, selectDrifts+`
	AND d.sequence >= @first AND d.sequence < @end
	ORDER BY d.sequence
	LIMIT @limit`, pgx.NamedArgs{"stream_id": streamID, "first": first, "end": end, "limit": MaxValues})
}

// ListDrifts returns at most limit drifts of a stream, newest first, that were found before the given sequence.
func ListDrifts(ctx context.Context, tx pgx.Tx, streamID uuid.UUID, before int64, limit int) ([]Drift, error) {
	if _, err := Get(ctx, tx, streamID); err != nil {
		return nil, err
	}
	return selectBy(ctx, tx, selectDrifts+`
	AND d.sequence < @before
	ORDER BY d.sequence DESC
	LIMIT @limit`, pgx.NamedArgs{"stream_id": streamID, "before": before, "limit": limit})
}

func selectBy(ctx context.Context, tx pgx.Tx, sql string, args pgx.NamedArgs) ([]Drift, error) {
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("select drifts: %w", err)
	}
	drifts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Drift, err error) {
		var direction stream.Direction
		var before *float64
		var e evidence.Columns
		err = row.Scan(&d.ID, &d.StreamID, &d.Index, &d.Began, &direction, &before, &d.After, &d.EntryID, &d.CreateTime,
			&e.State, &e.LeafIndex, &e.LeafHash, &e.Receipt, &e.RecordTime)
		if err != nil {
			return Drift{}, err
		}
		d.Direction, d.Before, d.Evidence = direction, orNaN(before), e.Status(d.EntryID)
		return d, nil
	})
	if err != nil {
		return nil, fmt.Errorf("select drifts: %w", err)
	}
	return drifts, nil
}
