package monitor

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
)

// stateBudget bounds the features that an entry spells out, in bytes of JSON; entries are limited to 60,000 bytes. The digest covers all.
const stateBudget = 16 << 10

// featureState is a feature as an entry shows it.
type featureState struct {
	Name  string               `json:"name"`
	Type  detect.FeatureType   `json:"type"`
	Tests []detect.TestSetting `json:"tests"`
}

// Evidence returns the entry that documents the creation.
func (m Monitor) Evidence(ctx context.Context) (evidence.Entry, error) {
	return m.evidence(ctx, evidence.MonitorCreated, m.CreateTime)
}

// ChangeEvidence returns the entry that documents a change.
func (m Monitor) ChangeEvidence(ctx context.Context) (evidence.Entry, error) {
	return m.evidence(ctx, evidence.MonitorChanged, m.UpdateTime)
}

func (m Monitor) evidence(ctx context.Context, kind evidence.Kind, effective time.Time) (evidence.Entry, error) {
	state, digest, err := m.State()
	if err != nil {
		return evidence.Entry{}, err
	}
	e, err := evidence.NewEntry(ctx, kind, effective,
		evidence.Resource{Type: "monitor", ID: m.ID, Name: m.Name, State: state})
	if err != nil {
		return evidence.Entry{}, err
	}
	e.Digests = []evidence.Digest{{Name: "features", SHA256: digest}}
	return e, nil
}

// State returns the monitor as entries show it, and the SHA-256 of the JSON array of all its features.
func (m Monitor) State() (state map[string]any, features evidence.SHA256, err error) {
	all := make([]featureState, len(m.Features))
	shown := make([]any, 0, len(m.Features))
	budget := stateBudget
	for i, f := range m.Features {
		all[i] = featureState(f)
		encoded, err := json.Marshal(all[i])
		if err != nil {
			return nil, evidence.SHA256{}, fmt.Errorf("encode feature %q: %w", f.Name, err)
		}
		if budget -= len(encoded); budget >= 0 {
			shown = append(shown, json.RawMessage(encoded))
		}
	}
	encoded, err := json.Marshal(all)
	if err != nil {
		return nil, evidence.SHA256{}, fmt.Errorf("encode features: %w", err)
	}
	state = map[string]any{
		"name": m.Name, "model_id": m.ModelID.String(), "rule": m.Rule, "active_baseline_id": nil, "feature_count": len(m.Features),
		"features": shown, "etag": m.ETag(), "create_time": m.CreateTime.UTC().Format(time.RFC3339Nano), "update_time": m.UpdateTime.UTC().Format(time.RFC3339Nano),
	}
	if m.ActiveBaselineID != uuid.Nil {
		state["active_baseline_id"] = m.ActiveBaselineID.String()
	}
	return state, sha256.Sum256(encoded), nil
}
