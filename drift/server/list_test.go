package server_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestLists walks through every list page by page: newest first, nothing twice, nothing left out.
func TestLists(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	ctx := t.Context()
	data := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(30, 0, 1)...))
	var models, monitors, baselines, detections []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		m := c.Monitor(t, name, drifttest.Numeric("x"))
		monitors, models = append(monitors, m.GetId()), append(models, m.GetModelId())
	}
	for range 5 {
		m, err := c.GetMonitor(ctx, &driftv1.GetMonitorRequest{MonitorId: monitors[0]})
		if err != nil {
			t.Fatal(err)
		}
		baselines = append(baselines, c.Active(t, m.GetMonitor(), data).GetId())
		d, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: monitors[0]}, data)
		if err != nil {
			t.Fatal(err)
		}
		detections = append(detections, d.GetId())
	}
	for _, list := range []struct {
		name string
		want []string
		page func(token string) (ids []string, next string, err error)
	}{
		{"models", models, func(token string) (ids []string, next string, err error) {
			resp, err := c.ListModels(ctx, &driftv1.ListModelsRequest{PageSize: 2, PageToken: token})
			for _, m := range resp.GetModels() {
				ids = append(ids, m.GetId())
			}
			return ids, resp.GetNextPageToken(), err
		}},
		{"monitors", monitors, func(token string) (ids []string, next string, err error) {
			resp, err := c.ListMonitors(ctx, &driftv1.ListMonitorsRequest{PageSize: 2, PageToken: token})
			for _, m := range resp.GetMonitors() {
				ids = append(ids, m.GetId())
				if len(m.GetFeatures()) != 1 || len(m.GetFeatures()[0].GetTests()) != 2 {
					t.Errorf("got %v", m)
				}
			}
			return ids, resp.GetNextPageToken(), err
		}},
		{"baselines", baselines, func(token string) (ids []string, next string, err error) {
			resp, err := c.ListBaselines(ctx, &driftv1.ListBaselinesRequest{MonitorId: monitors[0], PageSize: 2, PageToken: token})
			for _, b := range resp.GetBaselines() {
				ids = append(ids, b.GetId())
				if len(b.GetFeatures()) != 0 {
					t.Errorf("got %v", b)
				}
			}
			return ids, resp.GetNextPageToken(), err
		}},
		{"detections", detections, func(token string) (ids []string, next string, err error) {
			resp, err := c.ListDetections(ctx, &driftv1.ListDetectionsRequest{PageSize: 2, PageToken: token})
			for _, d := range resp.GetDetections() {
				ids = append(ids, d.GetId())
			}
			return ids, resp.GetNextPageToken(), err
		}},
	} {
		t.Run(list.name, func(t *testing.T) {
			var got []string
			pages := 0
			for token := ""; pages == 0 || token != ""; pages++ {
				var ids []string
				var err error
				if ids, token, err = list.page(token); err != nil {
					t.Fatal(err)
				}
				got = append(got, ids...)
			}
			slices.Reverse(got)
			if !slices.Equal(got, list.want) || pages != 3 {
				t.Errorf("got %q on %d pages, want %q", got, pages, list.want)
			}
		})
	}
	t.Run("filters", func(t *testing.T) {
		byName, err := c.ListModels(ctx, &driftv1.ListModelsRequest{Name: "c"})
		if err != nil || len(byName.GetModels()) != 1 || byName.GetModels()[0].GetId() != models[2] {
			t.Errorf("models by name: got %v, %v", byName, err)
		}
		byModel, err := c.ListMonitors(ctx, &driftv1.ListMonitorsRequest{ModelId: models[3], Name: "d"})
		if err != nil || len(byModel.GetMonitors()) != 1 || byModel.GetMonitors()[0].GetId() != monitors[3] {
			t.Errorf("monitors by model and name: got %v, %v", byModel, err)
		}
		none, err := c.ListMonitors(ctx, &driftv1.ListMonitorsRequest{ModelId: models[3], Name: "c"})
		if err != nil || len(none.GetMonitors()) != 0 {
			t.Errorf("got %v, %v", none, err)
		}
		byMonitor, err := c.ListDetections(ctx, &driftv1.ListDetectionsRequest{MonitorId: monitors[0], Status: driftv1.DriftStatus_DRIFT_STATUS_OK})
		if err != nil || len(byMonitor.GetDetections()) != 5 {
			t.Errorf("detections by monitor and status: got %v, %v", byMonitor, err)
		}
	})
}

// TestBaselines follows baselines through their life.
func TestBaselines(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	ctx := t.Context()
	m := c.Monitor(t, "m", drifttest.Numeric("x"))
	values := drifttest.Sequence(60, 0, 1)
	first, err := c.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: m.GetId(), Description: "spring"}, drifttest.Batch(drifttest.Numbers("x", values...)))
	if err != nil {
		t.Fatal(err)
	}
	if first.GetState() != driftv1.BaselineState_BASELINE_STATE_READY || first.GetNumber() != 1 || first.GetDescription() != "spring" || first.GetRowCount() != 60 ||
		first.GetActivateTime() != nil || len(first.GetFeatures()) != 1 || first.GetFeatures()[0].GetDistinctCount() != 60 {
		t.Errorf("got %v", first)
	}
	slices.Reverse(values)
	second, err := c.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: m.GetId()},
		drifttest.Batch(drifttest.Numbers("x", values[:7]...)), drifttest.Batch(drifttest.Numbers("x", values[7:]...)))
	if err != nil {
		t.Fatal(err)
	}
	if string(first.GetFingerprintSha256()) != string(second.GetFingerprintSha256()) || second.GetNumber() != 2 {
		t.Errorf("the same data in another order: got %x, want %x", second.GetFingerprintSha256(), first.GetFingerprintSha256())
	}
	activate := func(id, etag string) *driftv1.ActivateBaselineResponse {
		t.Helper()
		resp, err := c.ActivateBaseline(ctx, &driftv1.ActivateBaselineRequest{BaselineId: id, Etag: etag})
		if err != nil {
			t.Fatal(err)
		}
		if resp.GetMonitor().GetActiveBaselineId() != id || resp.GetBaseline().GetState() != driftv1.BaselineState_BASELINE_STATE_ACTIVE ||
			resp.GetBaseline().GetActivateTime() == nil || len(resp.GetBaseline().GetFeatures()) != 1 {
			t.Errorf("got %v", resp)
		}
		return resp
	}
	one := activate(first.GetId(), m.GetEtag())
	again := activate(first.GetId(), one.GetMonitor().GetEtag())
	if !proto.Equal(one, again) {
		t.Errorf("activating the active baseline changed something: %v, %v", one, again)
	}
	two := activate(second.GetId(), one.GetMonitor().GetEtag())
	if two.GetMonitor().GetEtag() == one.GetMonitor().GetEtag() {
		t.Error("the etag did not change")
	}
	got, err := c.GetBaseline(ctx, &driftv1.GetBaselineRequest{BaselineId: first.GetId()})
	if err != nil || got.GetBaseline().GetState() != driftv1.BaselineState_BASELINE_STATE_RETIRED {
		t.Errorf("got %v, %v", got, err)
	}
	activate(first.GetId(), "")
	// Registered, created, twice uploaded, three changes, of the monitor and its baselines: the activation that changed nothing left no entry.
	entries := s.Governance.AwaitEntries(t, c.Tenant, 12)
	activations := 0
	for _, e := range entries {
		if e.GetEventType() == "drift.baseline_activated" {
			activations++
		}
	}
	if len(entries) != 12 || activations != 3 {
		t.Errorf("got %d entries, %d of activations", len(entries), activations)
	}
}
