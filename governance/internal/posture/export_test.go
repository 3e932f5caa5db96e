package posture

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// SchemaLines describes the schema of a database as the posture does.
func SchemaLines(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	return findProblems(ctx, pool, schemaLines)
}

// SettingsOfRoles is the statement that finds settings of the database and its roles.
const SettingsOfRoles = settingsOfRoles
