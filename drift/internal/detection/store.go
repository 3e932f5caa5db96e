package detection

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// Insert stores the detection. Its evidence must have been added in tx.
func Insert(ctx context.Context, tx pgx.Tx, d Detection) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO drf_detections (id, monitor_id, model_id, baseline_id, baseline_fingerprint, description, status, severity, row_count,
			feature_count, drifted_feature_count, false_discovery_rate, min_rows, min_drifted_features, document, document_sha256,
			entry_id, create_time)
		VALUES (@id, @monitor_id, @model_id, @baseline_id, @baseline_fingerprint, @description, @status, @severity, @row_count,
			@feature_count, @drifted_feature_count, @false_discovery_rate, @min_rows, @min_drifted_features, @document, @document_sha256,
			@entry_id, @create_time)`,
		pgx.NamedArgs{
			"id": d.ID, "monitor_id": d.MonitorID, "model_id": d.ModelID, "baseline_id": d.BaselineID,
			"baseline_fingerprint": d.BaselineFingerprint, "description": d.Description, "status": d.Status, "severity": d.Severity,
			"row_count": d.RowCount, "feature_count": d.FeatureCount, "drifted_feature_count": d.DriftedFeatureCount,
			"false_discovery_rate": d.Rule.FalseDiscoveryRate, "min_rows": d.Rule.MinRows, "min_drifted_features": d.Rule.MinDriftedFeatures,
			"document": d.Document, "document_sha256": d.DocumentSHA256[:], "entry_id": d.EntryID, "create_time": d.CreateTime,
		})
	if err != nil {
		return fmt.Errorf("insert detection: %w", err)
	}
	return nil
}

// Record is a detection as stored, with the state of its evidence.
type Record struct {
	Detection

	Evidence evidence.Status
}

// Get returns a detection of the tenant with its document.
func Get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Record, error) {
	return postgres.Get(ctx, tx, "detection", id, `
		SELECT d.id, d.monitor_id, d.model_id, d.baseline_id, d.baseline_fingerprint, d.description, d.status, d.severity, d.row_count,
			d.feature_count, d.drifted_feature_count, d.false_discovery_rate, d.min_rows, d.min_drifted_features, d.document,
			d.document_sha256, d.entry_id, d.create_time, e.state, e.leaf_index, e.leaf_hash, e.receipt, e.record_time
		FROM drf_detections d
		JOIN drf_evidence e ON e.tenant_id = d.tenant_id AND e.entry_id = d.entry_id
		WHERE d.id = @id`, scan)
}

// Filter narrows a list; its parts combine with AND, and empty ones match everything.
type Filter struct {
	MonitorID uuid.UUID
	Status    detect.Status
}

// List returns at most limit detections without their documents, newest first, that are older than the given one (uuid.Max: from the start).
func List(ctx context.Context, tx pgx.Tx, f Filter, before uuid.UUID, limit int) ([]Record, error) {
	sql := `
		SELECT d.id, d.monitor_id, d.model_id, d.baseline_id, d.baseline_fingerprint, d.description, d.status, d.severity, d.row_count,
			d.feature_count, d.drifted_feature_count, d.false_discovery_rate, d.min_rows, d.min_drifted_features, NULL::bytea AS document,
			d.document_sha256, d.entry_id, d.create_time, e.state, e.leaf_index, e.leaf_hash, e.receipt, e.record_time
		FROM drf_detections d
		JOIN drf_evidence e ON e.tenant_id = d.tenant_id AND e.entry_id = d.entry_id
		WHERE d.id < @before`
	if f.MonitorID != uuid.Nil {
		sql += `
		AND d.monitor_id = @monitor_id`
	}
	if f.Status != "" {
		sql += `
		AND d.status = @status`
	}
	sql += `
		ORDER BY d.id DESC
		LIMIT @limit`
	rows, err := tx.Query(ctx, sql, pgx.NamedArgs{"before": before, "monitor_id": f.MonitorID, "status": f.Status, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("select detections: %w", err)
	}
	records, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("select detections: %w", err)
	}
	return records, nil
}

func scan(row pgx.CollectableRow) (r Record, err error) {
	var sum []byte
	var e evidence.Columns
	err = row.Scan(&r.ID, &r.MonitorID, &r.ModelID, &r.BaselineID, &r.BaselineFingerprint, &r.Description, &r.Status, &r.Severity, &r.RowCount,
		&r.FeatureCount, &r.DriftedFeatureCount, &r.Rule.FalseDiscoveryRate, &r.Rule.MinRows, &r.Rule.MinDriftedFeatures, &r.Document,
		&sum, &r.EntryID, &r.CreateTime, &e.State, &e.LeafIndex, &e.LeafHash, &e.Receipt, &e.RecordTime)
	if err != nil {
		return Record{}, err
	}
	r.DocumentSHA256 = [32]byte(sum)
	r.Evidence = e.Status(r.EntryID)
	return r, nil
}
