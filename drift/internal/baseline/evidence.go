package baseline

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/drift/internal/monitor"
)

// Evidence returns the entry that documents the upload.
func (b Baseline) Evidence(ctx context.Context, m monitor.Monitor) (evidence.Entry, error) {
	e, err := evidence.NewEntry(ctx, evidence.BaselineUploaded, b.CreateTime, b.resource())
	if err != nil {
		return evidence.Entry{}, err
	}
	e.Details = map[string]any{"monitor_id": m.ID.String(), "monitor_name": m.Name, "model_id": m.ModelID.String()}
	e.Digests = b.digests()
	return e, nil
}

// Evidence returns the entries that document the activation, one for each resource that it changed: the baseline that was active, this one, the monitor.
func (a Activation) Evidence(ctx context.Context) ([]evidence.Entry, error) {
	var entries []evidence.Entry
	if a.Retired.ID != uuid.Nil {
		retired, err := evidence.NewEntry(ctx, evidence.BaselineRetired, *a.Baseline.ActivateTime, a.Retired.resource())
		if err != nil {
			return nil, err
		}
		retired.Details = map[string]any{"monitor_id": a.Monitor.ID.String(), "active_baseline_id": a.Baseline.ID.String()}
		retired.Digests = a.Retired.digests()
		entries = append(entries, retired)
	}
	activated, err := a.activated(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := a.Monitor.ChangeEvidence(ctx)
	if err != nil {
		return nil, err
	}
	return append(entries, activated, changed), nil
}

func (a Activation) activated(ctx context.Context) (evidence.Entry, error) {
	e, err := evidence.NewEntry(ctx, evidence.BaselineActivated, *a.Baseline.ActivateTime, a.Baseline.resource())
	if err != nil {
		return evidence.Entry{}, err
	}
	e.Details = map[string]any{
		"monitor_id": a.Monitor.ID.String(), "monitor_name": a.Monitor.Name, "model_id": a.Monitor.ModelID.String(),
		"monitor_etag": a.Monitor.ETag(),
	}
	if a.Retired.ID != uuid.Nil {
		e.Details["retired_baseline_id"] = a.Retired.ID.String()
	}
	e.Digests = a.Baseline.digests()
	return e, nil
}

func (b Baseline) resource() evidence.Resource {
	state := map[string]any{
		"monitor_id": b.MonitorID.String(), "number": b.Number, "description": b.Description, "state": string(b.State),
		"row_count": b.RowCount, "create_time": b.CreateTime.UTC().Format(time.RFC3339Nano), "activate_time": nil,
	}
	if b.ActivateTime != nil {
		state["activate_time"] = b.ActivateTime.UTC().Format(time.RFC3339Nano)
	}
	return evidence.Resource{Type: "baseline", ID: b.ID, State: state}
}

func (b Baseline) digests() []evidence.Digest {
	return []evidence.Digest{{Name: "fingerprint", SHA256: evidence.SHA256(b.FingerprintSHA256)}}
}
