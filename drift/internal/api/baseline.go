package api

import (
	"context"
	"crypto/sha256"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/drift/internal/baseline"
	"github.com/aumos-enterprise/platform/drift/internal/monitor"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/idempotency"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// uploadKey identifies an upload by its header and its data in canonical form, however it was cut into batches.
func uploadKey(requestID, method string, header proto.Message, fingerprint [32]byte) idempotency.Key {
	digest := idempotency.Digest(header)
	return idempotency.Key{RequestID: requestID, Method: method, RequestSHA256: sha256.Sum256(append(digest[:], fingerprint[:]...))}
}

// UploadBaseline implements driftv1.BaselineServiceServer.
func (s baselines) UploadBaseline(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
	ctx := stream.Context()
	inlet, err := s.admit(ctx)
	if err != nil {
		return err
	}
	defer inlet.Release()
	header, err := receiveHeader(stream.Recv)
	if err != nil {
		return err
	}
	m, err := s.monitor(ctx, header.GetMonitorId())
	if err != nil {
		return err
	}
	data, err := receiveData(inlet, stream.Recv, m)
	if err != nil {
		return err
	}
	defer data.Release()
	set, fingerprint, err := s.finish(ctx, data)
	if err != nil {
		return err
	}
	key := uploadKey(header.GetRequestId(), driftv1.BaselineService_UploadBaseline_FullMethodName, header, fingerprint)
	resp, err := mutate(ctx, s.Pool, key, &driftv1.UploadBaselineResponse{}, func(ctx context.Context, tx pgx.Tx) (*driftv1.UploadBaselineResponse, error) {
		b, features, err := baseline.Store(ctx, tx, m, baseline.Upload{Description: header.GetDescription(), Set: set, Fingerprint: fingerprint})
		if err != nil {
			return nil, err
		}
		entry, err := b.Evidence(ctx, m)
		if err != nil {
			return nil, err
		}
		return &driftv1.UploadBaselineResponse{Baseline: baselineTo(b, features)}, s.Evidence.Add(ctx, tx, entry)
	})
	if err != nil {
		return err
	}
	return stream.SendAndClose(resp)
}

// ActivateBaseline implements driftv1.BaselineServiceServer.
func (s baselines) ActivateBaseline(ctx context.Context, req *driftv1.ActivateBaselineRequest) (*driftv1.ActivateBaselineResponse, error) {
	id, err := parseID("baseline_id", req.GetBaselineId())
	if err != nil {
		return nil, err
	}
	key := idempotency.Key{RequestID: req.GetRequestId(), Method: driftv1.BaselineService_ActivateBaseline_FullMethodName, RequestSHA256: idempotency.Digest(req)}
	return mutate(ctx, s.Pool, key, &driftv1.ActivateBaselineResponse{}, func(ctx context.Context, tx pgx.Tx) (*driftv1.ActivateBaselineResponse, error) {
		a, err := baseline.Activate(ctx, tx, id, req.GetEtag())
		if err != nil {
			return nil, err
		}
		features, err := baseline.Features(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		resp := &driftv1.ActivateBaselineResponse{Baseline: baselineTo(a.Baseline, features), Monitor: monitorTo(a.Monitor)}
		if !a.Changed {
			return resp, nil
		}
		entries, err := a.Evidence(ctx)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if err := s.Evidence.Add(ctx, tx, entry); err != nil {
				return nil, err
			}
		}
		return resp, nil
	})
}

// GetBaseline implements driftv1.BaselineServiceServer.
func (s baselines) GetBaseline(ctx context.Context, req *driftv1.GetBaselineRequest) (*driftv1.GetBaselineResponse, error) {
	id, err := parseID("baseline_id", req.GetBaselineId())
	if err != nil {
		return nil, err
	}
	var b baseline.Baseline
	var features []baseline.Feature
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		if b, err = baseline.Get(ctx, tx, id); err != nil {
			return err
		}
		features, err = baseline.Features(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &driftv1.GetBaselineResponse{Baseline: baselineTo(b, features)}, nil
}

// ListBaselines implements driftv1.BaselineServiceServer.
func (s baselines) ListBaselines(ctx context.Context, req *driftv1.ListBaselinesRequest) (*driftv1.ListBaselinesResponse, error) {
	before, limit, err := readPage(ctx, req, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	monitorID, err := parseID("monitor_id", req.GetMonitorId())
	if err != nil {
		return nil, err
	}
	found, err := read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) ([]baseline.Baseline, error) {
		if _, err := monitor.Get(ctx, tx, monitorID); err != nil {
			return nil, err
		}
		return baseline.List(ctx, tx, monitorID, before, limit+1)
	})
	if err != nil {
		return nil, err
	}
	resp := &driftv1.ListBaselinesResponse{}
	resp.Baselines, resp.NextPageToken = fill(ctx, req, found, limit, func(b baseline.Baseline) uuid.UUID { return b.ID },
		func(b baseline.Baseline) *driftv1.Baseline { return baselineTo(b, nil) })
	return resp, nil
}

// monitor reads the monitor that an upload is for.
func (s *service) monitor(ctx context.Context, id string) (monitor.Monitor, error) {
	monitorID, err := parseID("header.monitor_id", id)
	if err != nil {
		return monitor.Monitor{}, err
	}
	return read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (monitor.Monitor, error) { return monitor.Get(ctx, tx, monitorID) })
}

func baselineTo(b baseline.Baseline, features []baseline.Feature) *driftv1.Baseline {
	p := &driftv1.Baseline{
		Id: b.ID.String(), MonitorId: b.MonitorID.String(), Number: b.Number, Description: b.Description, State: baselineStateTo[b.State],
		RowCount: b.RowCount, FingerprintSha256: b.FingerprintSHA256, CreateTime: timestamppb.New(b.CreateTime),
	}
	if b.ActivateTime != nil {
		p.ActivateTime = timestamppb.New(*b.ActivateTime)
	}
	for _, f := range features {
		p.Features = append(p.Features, &driftv1.FeatureSummary{
			Name: f.Name, Type: typeTo[f.Type], ValueCount: f.Values, MissingCount: f.Missing, DistinctCount: f.Distinct,
			Min: f.Min, Max: f.Max, Mean: f.Mean, StandardDeviation: f.StandardDeviation,
		})
	}
	return p
}
