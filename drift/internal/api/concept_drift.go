package api

import (
	"context"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/conceptdrift"
	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/idempotency"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// CreateStream implements driftv1.ConceptDriftServiceServer.
func (s conceptDrift) CreateStream(ctx context.Context, req *driftv1.CreateStreamRequest) (*driftv1.CreateStreamResponse, error) {
	modelID, err := parseOptionalID("model_id", req.GetModelId())
	if err != nil {
		return nil, err
	}
	key := idempotency.Key{RequestID: req.GetRequestId(), Method: driftv1.ConceptDriftService_CreateStream_FullMethodName, RequestSHA256: idempotency.Digest(req)}
	return mutate(ctx, s.Pool, key, &driftv1.CreateStreamResponse{}, func(ctx context.Context, tx pgx.Tx) (*driftv1.CreateStreamResponse, error) {
		created, err := conceptdrift.Create(ctx, tx, conceptdrift.Definition{
			Name: req.GetName(), ModelID: modelID,
			Config: stream.Config{
				Kind: detectorFrom[req.GetDetector()], Convention: req.GetConvention(), Parameters: req.GetParameters(), Policy: policyFrom[req.GetPolicy()],
				Seed: uint64(req.GetSeed()),
			},
		})
		if err != nil {
			return nil, err
		}
		entry, err := created.Evidence(ctx)
		if err != nil {
			return nil, err
		}
		return &driftv1.CreateStreamResponse{Stream: streamTo(created)}, s.Evidence.Add(ctx, tx, entry)
	})
}

// UpdateStream implements driftv1.ConceptDriftServiceServer.
func (s conceptDrift) UpdateStream(ctx context.Context, req *driftv1.UpdateStreamRequest) (*driftv1.UpdateStreamResponse, error) {
	id, err := parseID("stream_id", req.GetStreamId())
	if err != nil {
		return nil, err
	}
	release, err := s.changes.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	var outcome conceptdrift.Outcome
	err = postgres.TenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		if outcome, err = conceptdrift.Update(ctx, tx, id, req.GetFirstSequence(), req.GetValues()); err != nil {
			return err
		}
		entries, err := outcome.Prove(ctx)
		if err != nil || outcome.Repeated {
			return err
		}
		for _, entry := range entries {
			if err := s.Evidence.Add(ctx, tx, entry); err != nil {
				return err
			}
		}
		return conceptdrift.Insert(ctx, tx, outcome.Drifts)
	})
	if err != nil {
		return nil, err
	}
	return outcomeTo(outcome), nil
}

// GetStream implements driftv1.ConceptDriftServiceServer.
func (s conceptDrift) GetStream(ctx context.Context, req *driftv1.GetStreamRequest) (*driftv1.GetStreamResponse, error) {
	id, err := parseID("stream_id", req.GetStreamId())
	if err != nil {
		return nil, err
	}
	found, err := read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (conceptdrift.Stream, error) {
		return conceptdrift.Get(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return &driftv1.GetStreamResponse{Stream: streamTo(found)}, nil
}

// ListStreams implements driftv1.ConceptDriftServiceServer.
func (s conceptDrift) ListStreams(ctx context.Context, req *driftv1.ListStreamsRequest) (*driftv1.ListStreamsResponse, error) {
	before, limit, err := readPage(ctx, req, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	modelID, err := parseOptionalID("model_id", req.GetModelId())
	if err != nil {
		return nil, err
	}
	found, err := read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) ([]conceptdrift.Stream, error) {
		return conceptdrift.List(ctx, tx, conceptdrift.Filter{ModelID: modelID, Name: req.GetName()}, before, limit+1)
	})
	if err != nil {
		return nil, err
	}
	resp := &driftv1.ListStreamsResponse{}
	resp.Streams, resp.NextPageToken = fill(ctx, req, found, limit, func(s conceptdrift.Stream) uuid.UUID { return s.ID }, streamTo)
	return resp, nil
}

// ResetStream implements driftv1.ConceptDriftServiceServer.
func (s conceptDrift) ResetStream(ctx context.Context, req *driftv1.ResetStreamRequest) (*driftv1.ResetStreamResponse, error) {
	id, err := parseID("stream_id", req.GetStreamId())
	if err != nil {
		return nil, err
	}
	release, err := s.changes.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	key := idempotency.Key{RequestID: req.GetRequestId(), Method: driftv1.ConceptDriftService_ResetStream_FullMethodName, RequestSHA256: idempotency.Digest(req)}
	return mutate(ctx, s.Pool, key, &driftv1.ResetStreamResponse{}, func(ctx context.Context, tx pgx.Tx) (*driftv1.ResetStreamResponse, error) {
		reset, err := conceptdrift.Reset(ctx, tx, id, req.GetEtag())
		if err != nil {
			return nil, err
		}
		entry, err := reset.ResetEvidence(ctx)
		if err != nil {
			return nil, err
		}
		return &driftv1.ResetStreamResponse{Stream: streamTo(reset)}, s.Evidence.Add(ctx, tx, entry)
	})
}

// ListStreamDrifts implements driftv1.ConceptDriftServiceServer.
func (s conceptDrift) ListStreamDrifts(ctx context.Context, req *driftv1.ListStreamDriftsRequest) (*driftv1.ListStreamDriftsResponse, error) {
	id, err := parseID("stream_id", req.GetStreamId())
	if err != nil {
		return nil, err
	}
	before, ok, err := page.Decode[int64](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if !ok {
		before = math.MaxInt64
	}
	limit := page.Size(req.GetPageSize())
	found, err := read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) ([]conceptdrift.Drift, error) {
		return conceptdrift.ListDrifts(ctx, tx, id, before, limit+1)
	})
	if err != nil {
		return nil, err
	}
	resp := &driftv1.ListStreamDriftsResponse{}
	resp.Drifts, resp.NextPageToken = fill(ctx, req, found, limit, func(d conceptdrift.Drift) int64 { return d.Index },
		func(d conceptdrift.Drift) *driftv1.StreamDrift { return streamDriftTo(d, true) })
	return resp, nil
}

// ListDetectors implements driftv1.ConceptDriftServiceServer.
func (s conceptDrift) ListDetectors(context.Context, *driftv1.ListDetectorsRequest) (*driftv1.ListDetectorsResponse, error) {
	resp := &driftv1.ListDetectorsResponse{}
	for _, spec := range stream.Catalog() {
		resp.Detectors = append(resp.Detectors, detectorTo(spec))
	}
	return resp, nil
}
