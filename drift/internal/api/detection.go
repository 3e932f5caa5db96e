package api

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/drift/internal/baseline"
	"github.com/aumos-enterprise/platform/drift/internal/detection"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/drift/internal/monitor"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/idempotency"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// RunDetection implements driftv1.DetectionServiceServer.
func (s detections) RunDetection(stream grpc.ClientStreamingServer[driftv1.RunDetectionRequest, driftv1.RunDetectionResponse]) error {
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
	// Before the data: whoever names a wrong monitor shall not have to upload first.
	m, b, err := s.comparison(ctx, header.GetMonitorId())
	if err != nil {
		return err
	}
	data, err := receiveData(inlet, stream.Recv, m)
	if err != nil {
		return err
	}
	defer data.Release() // on every way out; the memory is not needed beyond the comparison
	run := detection.Run{Monitor: m, Baseline: b, Description: header.GetDescription(), Engine: s.Engine}
	d, fingerprint, err := s.detect(ctx, run, data)
	data.Release()
	if err != nil {
		return err
	}
	key := uploadKey(header.GetRequestId(), driftv1.DetectionService_RunDetection_FullMethodName, header, fingerprint)
	record, err := s.keep(ctx, key, run, d)
	if err != nil {
		return err
	}
	resp, err := detectionTo(record)
	if err != nil {
		return err
	}
	return stream.SendAndClose(&driftv1.RunDetectionResponse{Detection: resp})
}

// comparison reads what a run of the monitor compares with.
func (s detections) comparison(ctx context.Context, id string) (m monitor.Monitor, b baseline.Baseline, err error) {
	monitorID, err := parseID("header.monitor_id", id)
	if err != nil {
		return monitor.Monitor{}, baseline.Baseline{}, err
	}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		if m, err = monitor.Get(ctx, tx, monitorID); err != nil {
			return err
		}
		if m.ActiveBaselineID == uuid.Nil {
			return detection.ErrNoBaseline(m)
		}
		b, err = baseline.Get(ctx, tx, m.ActiveBaselineID)
		return err
	})
	return m, b, err
}

// detect compares the data with the baseline's in an evaluation slot.
func (s detections) detect(ctx context.Context, run detection.Run, data *sample.Accumulator) (d detection.Detection, fingerprint [32]byte, err error) {
	err = s.evaluate(ctx, func(ctx context.Context) (err error) {
		if run.Current, err = data.Finish(ctx); err != nil {
			return err
		}
		run.Fingerprint = run.Current.Fingerprint()
		err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
			run.Reference, err = s.Baselines.Load(ctx, tx, run.Baseline)
			return err
		})
		if err != nil {
			return err
		}
		d, err = run.Evaluate(ctx)
		return err
	})
	return d, run.Fingerprint, err
}

// keep stores the detection and its evidence, waits a while for the evidence to be recorded, and returns what is stored by then: an earlier
// detection when the request is repeated.
func (s detections) keep(ctx context.Context, key idempotency.Key, run detection.Run, d detection.Detection) (record detection.Record, err error) {
	entry, d, err := d.Prove(ctx, run)
	if err != nil {
		return detection.Record{}, err
	}
	arrival := s.Evidence.Expect(d.EntryID)
	defer arrival.Close()
	var kept []byte
	var replayed bool
	err = postgres.TenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		kept, replayed, err = idempotency.Once(ctx, tx, key, func(ctx context.Context) ([]byte, error) {
			if err := s.Evidence.Add(ctx, tx, entry); err != nil {
				return nil, err
			}
			return d.ID[:], detection.Insert(ctx, tx, d)
		})
		return err
	})
	if err != nil {
		return detection.Record{}, err
	}
	id, err := uuid.FromBytes(kept)
	if err != nil {
		return detection.Record{}, fmt.Errorf("decode kept detection id: %w", err)
	}
	if replayed {
		return s.detection(ctx, id)
	}
	s.metrics.detections.WithLabelValues(string(d.Status)).Inc()
	// An arrival is woken without reason when the listener (re)connects: only the stored state says that the evidence is recorded.
	for until := time.Now().Add(s.EvidenceWait); ; {
		arrival.Wait(ctx, time.Until(until))
		record, err = s.detection(ctx, id)
		if err != nil || record.Evidence.State == evidence.Recorded || !time.Now().Before(until) {
			return record, err
		}
	}
}

// GetDetection implements driftv1.DetectionServiceServer.
func (s detections) GetDetection(ctx context.Context, req *driftv1.GetDetectionRequest) (*driftv1.GetDetectionResponse, error) {
	id, err := parseID("detection_id", req.GetDetectionId())
	if err != nil {
		return nil, err
	}
	record, err := s.detection(ctx, id)
	if err != nil {
		return nil, err
	}
	d, err := detectionTo(record)
	if err != nil {
		return nil, err
	}
	return &driftv1.GetDetectionResponse{Detection: d}, nil
}

// ListDetections implements driftv1.DetectionServiceServer.
func (s detections) ListDetections(ctx context.Context, req *driftv1.ListDetectionsRequest) (*driftv1.ListDetectionsResponse, error) {
	before, limit, err := readPage(ctx, req, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	monitorID, err := parseOptionalID("monitor_id", req.GetMonitorId())
	if err != nil {
		return nil, err
	}
	found, err := read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) ([]detection.Record, error) {
		return detection.List(ctx, tx, detection.Filter{MonitorID: monitorID, Status: statusFrom[req.GetStatus()]}, before, limit+1)
	})
	if err != nil {
		return nil, err
	}
	resp := &driftv1.ListDetectionsResponse{}
	resp.Detections, resp.NextPageToken = fill(ctx, req, found, limit, func(r detection.Record) uuid.UUID { return r.ID }, detectionHeadTo)
	return resp, nil
}

func (s detections) detection(ctx context.Context, id uuid.UUID) (detection.Record, error) {
	return read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (detection.Record, error) { return detection.Get(ctx, tx, id) })
}
