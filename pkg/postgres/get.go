package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Get returns the one row that sql finds by @id. When there is none, the tenant has no such resource.
func Get[T any](ctx context.Context, tx pgx.Tx, resource string, id uuid.UUID, sql string, scan pgx.RowToFunc[T]) (T, error) {
	var none T
	rows, err := tx.Query(ctx, sql, pgx.NamedArgs{"id": id})
	if err != nil {
		return none, fmt.Errorf("select %s: %w", resource, err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return none, errs.ResourceNotFound(resource, id.String())
	}
	if err != nil {
		return none, fmt.Errorf("select %s: %w", resource, err)
	}
	return found, nil
}
