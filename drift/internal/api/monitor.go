package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/drift/internal/monitor"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/idempotency"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// CreateMonitor implements driftv1.MonitorServiceServer.
func (s monitors) CreateMonitor(ctx context.Context, req *driftv1.CreateMonitorRequest) (*driftv1.CreateMonitorResponse, error) {
	definition, err := definitionFrom(req)
	if err != nil {
		return nil, err
	}
	key := idempotency.Key{RequestID: req.GetRequestId(), Method: driftv1.MonitorService_CreateMonitor_FullMethodName, RequestSHA256: idempotency.Digest(req)}
	return mutate(ctx, s.Pool, key, &driftv1.CreateMonitorResponse{}, func(ctx context.Context, tx pgx.Tx) (*driftv1.CreateMonitorResponse, error) {
		m, err := monitor.Create(ctx, tx, definition)
		if err != nil {
			return nil, err
		}
		entry, err := m.Evidence(ctx)
		if err != nil {
			return nil, err
		}
		return &driftv1.CreateMonitorResponse{Monitor: monitorTo(m)}, s.Evidence.Add(ctx, tx, entry)
	})
}

// GetMonitor implements driftv1.MonitorServiceServer.
func (s monitors) GetMonitor(ctx context.Context, req *driftv1.GetMonitorRequest) (*driftv1.GetMonitorResponse, error) {
	id, err := parseID("monitor_id", req.GetMonitorId())
	if err != nil {
		return nil, err
	}
	m, err := read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (monitor.Monitor, error) {
		return monitor.Get(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return &driftv1.GetMonitorResponse{Monitor: monitorTo(m)}, nil
}

// ListMonitors implements driftv1.MonitorServiceServer.
func (s monitors) ListMonitors(ctx context.Context, req *driftv1.ListMonitorsRequest) (*driftv1.ListMonitorsResponse, error) {
	before, limit, err := readPage(ctx, req, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	modelID, err := parseOptionalID("model_id", req.GetModelId())
	if err != nil {
		return nil, err
	}
	var found []monitor.Monitor
	var more bool
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		found, more, err = monitor.List(ctx, tx, monitor.Filter{ModelID: modelID, Name: req.GetName()}, before, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	resp := &driftv1.ListMonitorsResponse{}
	for _, m := range found {
		resp.Monitors = append(resp.Monitors, monitorTo(m))
	}
	resp.Monitors, resp.NextPageToken = page.Cut(ctx, req, resp.GetMonitors(), more, func(last int) uuid.UUID { return found[last].ID })
	return resp, nil
}

func definitionFrom(req *driftv1.CreateMonitorRequest) (monitor.Definition, error) {
	modelID, err := parseID("model_id", req.GetModelId())
	if err != nil {
		return monitor.Definition{}, err
	}
	d := monitor.Definition{
		ModelID: modelID, Name: req.GetName(),
		Rule: ruleFrom(req.GetRule()),
	}
	for _, f := range req.GetFeatures() {
		d.Features = append(d.Features, monitor.Feature{Name: f.GetName(), Type: typeFrom[f.GetType()], Tests: testsFrom(f.GetTests())})
	}
	return d, nil
}

func monitorTo(m monitor.Monitor) *driftv1.Monitor {
	p := &driftv1.Monitor{
		Id: m.ID.String(), ModelId: m.ModelID.String(), Name: m.Name, Rule: ruleTo(m.Rule), Etag: m.ETag(),
		CreateTime: timestamppb.New(m.CreateTime), UpdateTime: timestamppb.New(m.UpdateTime),
	}
	if m.ActiveBaselineID != uuid.Nil {
		p.ActiveBaselineId = m.ActiveBaselineID.String()
	}
	for _, f := range m.Features {
		feature := &driftv1.Feature{Name: f.Name, Type: typeTo[f.Type]}
		for _, t := range f.Tests {
			feature.Tests = append(feature.Tests, testSettingTo(t))
		}
		p.Features = append(p.Features, feature)
	}
	return p
}

func ruleTo(r monitor.Rule) *driftv1.DecisionRule {
	return &driftv1.DecisionRule{
		FalseDiscoveryRate: new(r.FalseDiscoveryRate),
		MinRows:            new(int32(r.MinRows)),            // at most 1,000,000
		MinDriftedFeatures: new(int32(r.MinDriftedFeatures)), // at most 500
	}
}
