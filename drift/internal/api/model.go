package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/drift/internal/model"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/idempotency"
)

// RegisterModel implements driftv1.ModelServiceServer.
func (s models) RegisterModel(ctx context.Context, req *driftv1.RegisterModelRequest) (*driftv1.RegisterModelResponse, error) {
	key := idempotency.Key{RequestID: req.GetRequestId(), Method: driftv1.ModelService_RegisterModel_FullMethodName, RequestSHA256: idempotency.Digest(req)}
	return mutate(ctx, s.Pool, key, &driftv1.RegisterModelResponse{}, func(ctx context.Context, tx pgx.Tx) (*driftv1.RegisterModelResponse, error) {
		m, err := model.Register(ctx, tx, model.Registration{
			Name: req.GetName(), Task: taskFrom[req.GetTask()], Owner: req.GetOwner(), Description: req.GetDescription(),
		})
		if err != nil {
			return nil, err
		}
		entry, err := m.Evidence(ctx)
		if err != nil {
			return nil, err
		}
		return &driftv1.RegisterModelResponse{Model: modelTo(m)}, s.Evidence.Add(ctx, tx, entry)
	})
}

// GetModel implements driftv1.ModelServiceServer.
func (s models) GetModel(ctx context.Context, req *driftv1.GetModelRequest) (*driftv1.GetModelResponse, error) {
	id, err := parseID("model_id", req.GetModelId())
	if err != nil {
		return nil, err
	}
	m, err := read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (model.Model, error) {
		return model.Get(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return &driftv1.GetModelResponse{Model: modelTo(m)}, nil
}

// ListModels implements driftv1.ModelServiceServer.
func (s models) ListModels(ctx context.Context, req *driftv1.ListModelsRequest) (*driftv1.ListModelsResponse, error) {
	before, limit, err := readPage(ctx, req, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	found, err := read(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) ([]model.Model, error) {
		return model.List(ctx, tx, model.Filter{Name: req.GetName()}, before, limit+1)
	})
	if err != nil {
		return nil, err
	}
	resp := &driftv1.ListModelsResponse{}
	resp.Models, resp.NextPageToken = fill(ctx, req, found, limit, func(m model.Model) uuid.UUID { return m.ID }, modelTo)
	return resp, nil
}

func modelTo(m model.Model) *driftv1.Model {
	return &driftv1.Model{
		Id: m.ID.String(), Name: m.Name, Task: taskTo[m.Task], Owner: m.Owner, Description: m.Description, CreateTime: timestamppb.New(m.CreateTime),
	}
}
