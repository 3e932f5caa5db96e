package conceptdrift

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
	"github.com/aumos-enterprise/platform/drift/internal/model"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// Create adds a stream. A name in use is ALREADY_EXISTS, a model of another tenant NOT_FOUND, a setting that the detector does not have INVALID_FIELD.
func Create(ctx context.Context, tx pgx.Tx, d Definition) (Stream, error) {
	detector, err := stream.New(d.Config)
	if err != nil {
		return Stream{}, refusal(err)
	}
	if d.ModelID != uuid.Nil {
		if _, err := model.Get(ctx, tx, d.ModelID); err != nil {
			return Stream{}, err
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Stream{}, fmt.Errorf("make stream id: %w", err)
	}
	config := detector.Config()
	parameters, err := json.Marshal(config.Parameters)
	if err != nil {
		return Stream{}, fmt.Errorf("encode parameters: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO drf_streams (id, name, model_id, detector, convention, parameters, policy, seed, state)
		VALUES (@id, @name, @model_id, @detector, @convention, @parameters, @policy, @seed, @state)`,
		pgx.NamedArgs{
			"id": id, "name": d.Name, "model_id": uuid.NullUUID{UUID: d.ModelID, Valid: d.ModelID != uuid.Nil}, "detector": config.Kind,
			"convention": config.Convention, "parameters": parameters, "policy": config.Policy, "seed": int64(config.Seed), "state": detector.State(),
		})
	if postgres.IsUniqueViolation(err, "drf_streams_name_key") {
		return Stream{}, errs.Duplicate("stream", "name").Field("name", "is in use by another stream of the tenant")
	}
	if err != nil {
		return Stream{}, fmt.Errorf("insert stream: %w", err)
	}
	return Get(ctx, tx, id)
}

// refusal tells a client which field of the configuration is wrong.
func refusal(err error) error {
	var field *stream.FieldError
	if !errors.As(err, &field) {
		return err
	}
	path := field.Field
	switch {
	case path == "kind":
		path = "detector"
	case field.Key != "":
		path = fmt.Sprintf("%s[%q]", path, field.Key)
	}
	return errs.InvalidField(path, "%s", field.Problem)
}
