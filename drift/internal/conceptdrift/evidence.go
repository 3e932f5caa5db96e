package conceptdrift

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/evidence"
)

// digestName is the name under which an entry has the SHA-256 of the batch: its values as little-endian doubles.
const digestName = "batch"

// Evidence returns the entry that documents the creation.
func (s Stream) Evidence(ctx context.Context) (evidence.Entry, error) {
	return evidence.NewEntry(ctx, evidence.StreamCreated, s.CreateTime, s.resource())
}

// ResetEvidence returns the entry that documents a reset.
func (s Stream) ResetEvidence(ctx context.Context) (evidence.Entry, error) {
	return evidence.NewEntry(ctx, evidence.StreamReset, s.UpdateTime, s.resource())
}

// Prove returns the entries that document the drifts of a batch, one for each, and gives the drifts their ids. A batch that was repeated has none.
func (o *Outcome) Prove(ctx context.Context) ([]evidence.Entry, error) {
	if o.Repeated {
		return nil, nil
	}
	entries := make([]evidence.Entry, len(o.Drifts))
	for i := range o.Drifts {
		d := &o.Drifts[i]
		e, err := evidence.NewEntry(ctx, evidence.ConceptDrift, d.CreateTime, o.Stream.resource())
		if err != nil {
			return nil, err
		}
		e.Details = map[string]any{
			"drift_id": d.ID.String(), "sequence": d.Index, "began_sequence": d.Began, "direction": string(d.Direction),
			"mean_before": orNull(d.Before), "mean_after": d.After, "detector": string(o.Stream.Config.Kind), "convention": o.Stream.Config.Convention,
		}
		if o.Stream.ModelID != uuid.Nil {
			e.Details["model_id"] = o.Stream.ModelID.String()
		}
		e.Digests = []evidence.Digest{{Name: digestName, SHA256: o.digest}}
		d.EntryID, d.Evidence = e.EntryID, evidence.Status{State: evidence.Pending, EntryID: e.EntryID}
		entries[i] = e
	}
	return entries, nil
}

// resource is the stream as entries show it: after the batch, for drifts.
func (s Stream) resource() evidence.Resource {
	state := map[string]any{
		"name": s.Name, "model_id": nil, "detector": string(s.Config.Kind), "convention": s.Config.Convention, "parameters": s.Config.Parameters,
		"policy": string(s.Config.Policy), "seed": int64(s.Config.Seed), "next_sequence": s.NextSequence, "zone": s.Zone.String(), "drift_count": s.DriftCount,
		"etag": s.ETag(), "create_time": s.CreateTime.UTC().Format(time.RFC3339Nano), "update_time": s.UpdateTime.UTC().Format(time.RFC3339Nano),
	}
	if s.ModelID != uuid.Nil {
		state["model_id"] = s.ModelID.String()
	}
	return evidence.Resource{Type: "stream", ID: s.ID, Name: s.Name, State: state}
}
