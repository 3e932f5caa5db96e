package cli_test

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// streamDouble keeps streams, and finds a drift at every value over 1.
type streamDouble struct {
	driftv1.UnimplementedConceptDriftServiceServer

	failAt int64 // a batch that begins here is refused, if set

	mu      sync.Mutex // guards what follows
	streams []*driftv1.Stream
	created *driftv1.CreateStreamRequest
	values  []float64
	batches int
	drifts  []*driftv1.StreamDrift
}

func (d *streamDouble) CreateStream(_ context.Context, req *driftv1.CreateStreamRequest) (*driftv1.CreateStreamResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &driftv1.Stream{
		Id: id(800 + len(d.streams)), Name: req.GetName(), ModelId: req.GetModelId(), Detector: req.GetDetector(), Convention: "page-hinkley/river",
		Parameters: req.GetParameters(), Policy: req.GetPolicy(), Zone: driftv1.StreamZone_STREAM_ZONE_STABLE, Etag: "1",
	}
	d.streams, d.created = append(d.streams, s), req
	return &driftv1.CreateStreamResponse{Stream: s}, nil
}

func (d *streamDouble) ListStreams(_ context.Context, req *driftv1.ListStreamsRequest) (*driftv1.ListStreamsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	res := &driftv1.ListStreamsResponse{}
	for _, s := range d.streams {
		if req.GetName() == "" || s.GetName() == req.GetName() {
			res.Streams = append(res.Streams, proto.CloneOf(s))
		}
	}
	return res, nil
}

func (d *streamDouble) GetStream(_ context.Context, req *driftv1.GetStreamRequest) (*driftv1.GetStreamResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.streams {
		if s.GetId() == req.GetStreamId() {
			return &driftv1.GetStreamResponse{Stream: proto.CloneOf(s)}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "stream not found")
}

func (d *streamDouble) UpdateStream(_ context.Context, req *driftv1.UpdateStreamRequest) (*driftv1.UpdateStreamResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.streams[0]
	if req.GetFirstSequence() != s.GetNextSequence() {
		return nil, refuse(codes.FailedPrecondition, "STREAM_SEQUENCE", "a gap")
	}
	if d.failAt > 0 && req.GetFirstSequence() == d.failAt {
		return nil, refuse(codes.Internal, "INTERNAL", "oops")
	}
	d.batches++
	res := &driftv1.UpdateStreamResponse{}
	for i, x := range req.GetValues() {
		if x > 1 {
			res.Drifts = append(res.Drifts, &driftv1.StreamDrift{
				Id: id(900), StreamId: s.GetId(), Sequence: req.GetFirstSequence() + int64(i), BeganSequence: req.GetFirstSequence(),
				Direction: driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE, MeanBefore: new(0.5), MeanAfter: x, Evidence: &driftv1.Evidence{},
			})
		}
	}
	d.values, d.drifts = append(d.values, req.GetValues()...), append(d.drifts, res.GetDrifts()...)
	s.NextSequence, s.DriftCount = int64(len(d.values)), int64(len(d.drifts))
	if n := len(d.drifts); n > 0 {
		s.LastDrift = d.drifts[n-1]
	}
	res.Stream = proto.CloneOf(s)
	return res, nil
}

func (d *streamDouble) ResetStream(_ context.Context, req *driftv1.ResetStreamRequest) (*driftv1.ResetStreamResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.streams[0]
	if req.GetEtag() != s.GetEtag() {
		return nil, refuse(codes.Aborted, "STALE_ETAG", "stale")
	}
	s.Zone, s.Etag = driftv1.StreamZone_STREAM_ZONE_STABLE, "2"
	return &driftv1.ResetStreamResponse{Stream: s}, nil
}

func (d *streamDouble) ListStreamDrifts(context.Context, *driftv1.ListStreamDriftsRequest) (*driftv1.ListStreamDriftsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &driftv1.ListStreamDriftsResponse{Drifts: d.drifts}, nil
}

func (d *streamDouble) ListDetectors(context.Context, *driftv1.ListDetectorsRequest) (*driftv1.ListDetectorsResponse, error) {
	return &driftv1.ListDetectorsResponse{Detectors: []*driftv1.DetectorInfo{{
		Detector: driftv1.StreamDetector_STREAM_DETECTOR_HDDM_A, Input: driftv1.StreamInput_STREAM_INPUT_UNIT, Conventions: []string{"hddm-a/river"},
		Parameters: []*driftv1.DetectorParameter{{Name: "drift_confidence", DefaultValue: 0.001}},
	}}}, nil
}
