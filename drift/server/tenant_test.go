package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestTenants calls every rpc as one tenant with the ids and page tokens of another, which must look as if they did not exist.
func TestTenants(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	a, b := s.Client(t, drifttest.NewTenant()), s.Client(t, drifttest.NewTenant())
	ctx := t.Context()
	data := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(30, 0, 1)...))
	monitor := a.Monitor(t, "m", drifttest.Numeric("x"))
	baseline := a.Active(t, monitor, data)
	a.Monitor(t, "m2", drifttest.Numeric("x"))
	if _, err := a.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: monitor.GetId()}, data); err != nil {
		t.Fatal(err)
	}
	var detection *driftv1.Detection
	for range 2 {
		var err error
		if detection, err = a.Run(t, &driftv1.RunDetectionHeader{MonitorId: monitor.GetId()}, data); err != nil {
			t.Fatal(err)
		}
	}
	// The same names are free for another tenant.
	own := b.Monitor(t, "m", drifttest.Numeric("x"))

	for _, test := range []struct {
		name string
		call func() error
	}{
		{"GetModel", func() error {
			_, err := b.GetModel(ctx, &driftv1.GetModelRequest{ModelId: monitor.GetModelId()})
			return err
		}},
		{"CreateMonitor", func() error {
			_, err := b.CreateMonitor(ctx, &driftv1.CreateMonitorRequest{ModelId: monitor.GetModelId(), Name: "n", Features: monitor.GetFeatures()})
			return err
		}},
		{"GetMonitor", func() error {
			_, err := b.GetMonitor(ctx, &driftv1.GetMonitorRequest{MonitorId: monitor.GetId()})
			return err
		}},
		{"UploadBaseline", func() error {
			_, err := b.Upload(t, &driftv1.UploadBaselineHeader{MonitorId: monitor.GetId()}, data)
			return err
		}},
		{"ActivateBaseline", func() error {
			_, err := b.ActivateBaseline(ctx, &driftv1.ActivateBaselineRequest{BaselineId: baseline.GetId()})
			return err
		}},
		{"GetBaseline", func() error {
			_, err := b.GetBaseline(ctx, &driftv1.GetBaselineRequest{BaselineId: baseline.GetId()})
			return err
		}},
		{"ListBaselines", func() error {
			_, err := b.ListBaselines(ctx, &driftv1.ListBaselinesRequest{MonitorId: monitor.GetId()})
			return err
		}},
		{"RunDetection", func() error {
			_, err := b.Run(t, &driftv1.RunDetectionHeader{MonitorId: monitor.GetId()}, data)
			return err
		}},
		{"GetDetection", func() error {
			_, err := b.GetDetection(ctx, &driftv1.GetDetectionRequest{DetectionId: detection.GetId()})
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) { drifttest.Want(t, test.call(), codes.NotFound, "NOT_FOUND", "") })
	}

	t.Run("lists", func(t *testing.T) {
		models, err := b.ListModels(ctx, &driftv1.ListModelsRequest{})
		if err != nil || len(models.GetModels()) != 1 || models.GetModels()[0].GetId() != own.GetModelId() {
			t.Errorf("got %v, %v", models, err)
		}
		monitors, err := b.ListMonitors(ctx, &driftv1.ListMonitorsRequest{})
		if err != nil || len(monitors.GetMonitors()) != 1 || monitors.GetMonitors()[0].GetId() != own.GetId() {
			t.Errorf("got %v, %v", monitors, err)
		}
		if monitors, err = b.ListMonitors(ctx, &driftv1.ListMonitorsRequest{ModelId: monitor.GetModelId()}); err != nil || len(monitors.GetMonitors()) != 0 {
			t.Errorf("got %v, %v", monitors, err)
		}
		detections, err := b.ListDetections(ctx, &driftv1.ListDetectionsRequest{MonitorId: monitor.GetId()})
		if err != nil || len(detections.GetDetections()) != 0 {
			t.Errorf("got %v, %v", detections, err)
		}
	})
	t.Run("page tokens", func(t *testing.T) {
		models, err := a.ListModels(ctx, &driftv1.ListModelsRequest{PageSize: 1})
		if err != nil || models.GetNextPageToken() == "" {
			t.Fatalf("got %v, %v", models, err)
		}
		_, err = b.ListModels(ctx, &driftv1.ListModelsRequest{PageSize: 1, PageToken: models.GetNextPageToken()})
		drifttest.Want(t, err, invalid, "INVALID_PAGE_TOKEN", "page_token")
		monitors, err := a.ListMonitors(ctx, &driftv1.ListMonitorsRequest{PageSize: 1})
		if err != nil || monitors.GetNextPageToken() == "" {
			t.Fatalf("got %v, %v", monitors, err)
		}
		_, err = b.ListMonitors(ctx, &driftv1.ListMonitorsRequest{PageSize: 1, PageToken: monitors.GetNextPageToken()})
		drifttest.Want(t, err, invalid, "INVALID_PAGE_TOKEN", "page_token")
		baselines, err := a.ListBaselines(ctx, &driftv1.ListBaselinesRequest{MonitorId: monitor.GetId(), PageSize: 1})
		if err != nil || baselines.GetNextPageToken() == "" {
			t.Fatalf("got %v, %v", baselines, err)
		}
		_, err = b.ListBaselines(ctx, &driftv1.ListBaselinesRequest{MonitorId: monitor.GetId(), PageSize: 1, PageToken: baselines.GetNextPageToken()})
		drifttest.Want(t, err, invalid, "INVALID_PAGE_TOKEN", "page_token")
		detections, err := a.ListDetections(ctx, &driftv1.ListDetectionsRequest{PageSize: 1})
		if err != nil || detections.GetNextPageToken() == "" {
			t.Fatalf("got %v, %v", detections, err)
		}
		_, err = b.ListDetections(ctx, &driftv1.ListDetectionsRequest{PageSize: 1, PageToken: detections.GetNextPageToken()})
		drifttest.Want(t, err, invalid, "INVALID_PAGE_TOKEN", "page_token")
		_, err = a.ListDetections(ctx, &driftv1.ListDetectionsRequest{PageSize: 1, MonitorId: monitor.GetId(), PageToken: detections.GetNextPageToken()})
		drifttest.Want(t, err, invalid, "INVALID_PAGE_TOKEN", "page_token")
	})
	t.Run("governance", func(t *testing.T) {
		s.Governance.AwaitEntries(t, b.Tenant, 2)
		s.Governance.AwaitEntries(t, a.Tenant, 8)
		for _, entry := range s.Governance.Entries(b.Tenant) {
			if id := entry.GetResource().GetId(); id != own.GetId() && id != own.GetModelId() {
				t.Errorf("an entry about %s stands in another tenant's log", id)
			}
		}
	})
}
