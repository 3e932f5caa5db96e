package detection

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
)

// namesBudget bounds the names of drifted features that an entry spells out, in bytes; the document has all.
const namesBudget = 8 << 10

// DigestName is the name under which an entry has the document's SHA-256.
const DigestName = "result"

// Prove returns the entry that documents the detection, and the detection with the entry's id.
func (d Detection) Prove(ctx context.Context, r Run) (evidence.Entry, Detection, error) {
	features, err := d.Features()
	if err != nil {
		return evidence.Entry{}, Detection{}, err
	}
	e, err := evidence.NewEntry(ctx, evidence.Detection, d.CreateTime, evidence.Resource{Type: "detection", ID: d.ID, State: d.state()})
	if err != nil {
		return evidence.Entry{}, Detection{}, err
	}
	e.Details = map[string]any{
		"status": string(d.Status), "severity": d.Severity, "row_count": d.RowCount, "feature_count": d.FeatureCount,
		"drifted_feature_count": d.DriftedFeatureCount, "drifted_features": drifted(features),
		"monitor_id": d.MonitorID.String(), "monitor_name": r.Monitor.Name, "model_id": d.ModelID.String(),
		"baseline_id": d.BaselineID.String(), "baseline_number": r.Baseline.Number,
		"baseline_fingerprint_sha256": hex.EncodeToString(d.BaselineFingerprint),
	}
	e.Digests = []evidence.Digest{{Name: DigestName, SHA256: d.DocumentSHA256}}
	d.EntryID = e.EntryID
	return e, d, nil
}

// state is the detection as entries show it; the document, which has the rest, is named by its digest.
func (d Detection) state() map[string]any {
	return map[string]any{
		"monitor_id": d.MonitorID.String(), "model_id": d.ModelID.String(), "baseline_id": d.BaselineID.String(), "description": d.Description,
		"status": string(d.Status), "severity": d.Severity, "row_count": d.RowCount, "feature_count": d.FeatureCount,
		"drifted_feature_count": d.DriftedFeatureCount, "rule": d.Rule, "document_sha256": hex.EncodeToString(d.DocumentSHA256[:]),
		"create_time": d.CreateTime.UTC().Format(time.RFC3339Nano),
	}
}

// drifted returns the names of the features that drifted, the most severe first, as far as the budget goes.
func drifted(features []detect.FeatureResult) []string {
	names := []string{}
	budget := namesBudget
	for _, f := range features {
		if f.Status != detect.StatusDrift {
			continue
		}
		if budget -= len(f.Name); budget < 0 {
			break
		}
		names = append(names, f.Name)
	}
	return names
}
