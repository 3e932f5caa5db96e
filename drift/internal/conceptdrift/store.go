package conceptdrift

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
	"github.com/aumos-enterprise/platform/drift/internal/text"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// columns are those that scan reads.
const columns = `
	s.id, s.name, s.model_id, s.detector, s.convention, s.parameters, s.policy, s.seed, s.next_sequence, s.zone, s.warning_began, s.drift_count,
	s.revision, s.create_time, s.update_time, d.id, d.sequence, d.began, d.direction, d.mean_before, d.mean_after, d.entry_id, d.create_time
	FROM drf_streams s
	LEFT JOIN LATERAL (
		SELECT *
		FROM drf_stream_drifts l
		WHERE l.tenant_id = s.tenant_id AND l.stream_id = s.id
		ORDER BY l.sequence DESC
		LIMIT 1
	) d ON true`

// Get returns a stream of the tenant.
func Get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Stream, error) {
	return postgres.Get(ctx, tx, "stream", id, `
		SELECT`+columns+`
		WHERE s.id = @id`, scan)
}

// Filter narrows a list; its parts combine with AND, and empty ones match everything.
type Filter struct {
	ModelID uuid.UUID
	Name    string
}

// List returns at most limit streams, newest first, that are older than the given one (uuid.Max: from the start).
func List(ctx context.Context, tx pgx.Tx, f Filter, before uuid.UUID, limit int) ([]Stream, error) {
	if err := text.Line("name", f.Name); err != nil {
		return nil, err
	}
	sql := `
		SELECT` + columns + `
		WHERE s.id < @before`
	if f.ModelID != uuid.Nil {
		sql += `
		AND s.model_id = @model_id`
	}
	if f.Name != "" {
		sql += `
		AND s.name = @name`
	}
	sql += `
		ORDER BY s.id DESC
		LIMIT @limit`
	rows, err := tx.Query(ctx, sql, pgx.NamedArgs{"before": before, "model_id": f.ModelID, "name": f.Name, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("select streams: %w", err)
	}
	streams, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("select streams: %w", err)
	}
	return streams, nil
}

// driftColumns are a drift's, none of which need be there.
type driftColumns struct {
	id, entryID     uuid.NullUUID
	sequence, began *int64
	direction       *stream.Direction
	before, after   *float64
	createTime      *time.Time
}

func scan(row pgx.CollectableRow) (s Stream, err error) {
	var modelID uuid.NullUUID
	var parameters []byte
	var seed int64
	var zone string
	var warning *int64
	var d driftColumns
	err = row.Scan(&s.ID, &s.Name, &modelID, &s.Config.Kind, &s.Config.Convention, &parameters, &s.Config.Policy, &seed, &s.NextSequence, &zone, &warning,
		&s.DriftCount, &s.Revision, &s.CreateTime, &s.UpdateTime, &d.id, &d.sequence, &d.began, &d.direction, &d.before, &d.after, &d.entryID, &d.createTime)
	if err != nil {
		return Stream{}, err
	}
	if err := json.Unmarshal(parameters, &s.Config.Parameters); err != nil {
		return Stream{}, errDamaged(fmt.Errorf("decode parameters: %w", err))
	}
	s.ModelID, s.Config.Seed, s.WarningBegan = modelID.UUID, uint64(seed), -1
	s.Zone = stream.Zone(max(0, slices.IndexFunc(zones, func(z stream.Zone) bool { return z.String() == zone })))
	if warning != nil {
		s.WarningBegan = *warning
	}
	if d.id.Valid {
		s.LastDrift = &Drift{
			Drift: stream.Drift{Index: *d.sequence, Began: *d.began, Direction: *d.direction, Before: orNaN(d.before), After: *d.after},
			ID:    d.id.UUID, StreamID: s.ID, EntryID: d.entryID.UUID, CreateTime: *d.createTime,
		}
	}
	return s, nil
}

// zones are in the order of their numbers.
var zones = []stream.Zone{stream.Stable, stream.Warning, stream.Drifted} //nolint:gochecknoglobals // a constant table

// orNaN reads a mean that may be unknown.
func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// orNull writes one.
func orNull(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
