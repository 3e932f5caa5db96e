// Package model owns the models of a tenant: what they are called, what they predict and who answers for them. What is watched about a
// model belongs to package monitor.
package model

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/text"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// Task says what a model predicts.
type Task string

// The tasks.
const (
	BinaryClassification     Task = "BINARY_CLASSIFICATION"
	MulticlassClassification Task = "MULTICLASS_CLASSIFICATION"
	Regression               Task = "REGRESSION"
	Ranking                  Task = "RANKING"
	Generation               Task = "GENERATION"
)

// Model is a model whose data is watched.
type Model struct {
	ID          uuid.UUID
	Name        string // unique within the tenant
	Task        Task
	Owner       string // a team or a pseudonymous subject
	Description string
	CreateTime  time.Time
}

// Registration is what a client says of a new model.
type Registration struct {
	Name        string
	Task        Task
	Owner       string
	Description string
}

// Register adds a model to the tenant. A name in use is ALREADY_EXISTS.
func Register(ctx context.Context, tx pgx.Tx, r Registration) (Model, error) {
	if err := text.Line("owner", r.Owner); err != nil {
		return Model{}, err
	}
	if err := text.Prose("description", r.Description); err != nil {
		return Model{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Model{}, fmt.Errorf("make model id: %w", err)
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO drf_models (id, name, task, owner, description)
		VALUES (@id, @name, @task, @owner, @description)
		RETURNING id, name, task, owner, description, create_time`,
		pgx.NamedArgs{"id": id, "name": r.Name, "task": r.Task, "owner": r.Owner, "description": r.Description})
	if err != nil {
		return Model{}, fmt.Errorf("insert model: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Model])
	if postgres.IsUniqueViolation(err, "drf_models_name_key") {
		return Model{}, errs.Duplicate("model", "name").Field("name", "is in use by another model of the tenant")
	}
	if err != nil {
		return Model{}, fmt.Errorf("insert model: %w", err)
	}
	return m, nil
}

// Get returns a model of the tenant.
func Get(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Model, error) {
	return postgres.Get(ctx, tx, "model", id, `
		SELECT id, name, task, owner, description, create_time
		FROM drf_models
		WHERE id = @id`, pgx.RowToStructByName[Model])
}

// Filter narrows a list; its parts combine with AND, and empty ones match everything.
type Filter struct {
	Name string
}

// List returns at most limit models, newest first, that are older than the given one (uuid.Max: from the start).
func List(ctx context.Context, tx pgx.Tx, f Filter, before uuid.UUID, limit int) ([]Model, error) {
	if err := text.Line("name", f.Name); err != nil {
		return nil, err
	}
	sql := `
		SELECT id, name, task, owner, description, create_time
		FROM drf_models
		WHERE id < @before`
	if f.Name != "" {
		sql += `
		AND name = @name`
	}
	sql += `
		ORDER BY id DESC
		LIMIT @limit`
	rows, err := tx.Query(ctx, sql, pgx.NamedArgs{"before": before, "name": f.Name, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("select models: %w", err)
	}
	models, err := pgx.CollectRows(rows, pgx.RowToStructByName[Model])
	if err != nil {
		return nil, fmt.Errorf("select models: %w", err)
	}
	return models, nil
}
