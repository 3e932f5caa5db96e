package posture_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// TestMigratedSchema compares the text of the schema with what the migrations make. UPDATE_SCHEMA=1 writes it anew.
func TestMigratedSchema(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	lines, err := posture.SchemaLines(t.Context(), db.Writer)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n") + "\n"
	if os.Getenv("UPDATE_SCHEMA") != "" {
		if err := os.WriteFile("schema.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile("schema.txt")
	if err != nil || string(written) != text {
		t.Errorf("schema.txt is not what the migrations make (%v): UPDATE_SCHEMA=1 go test -run TestMigratedSchema ./governance/internal/posture writes it anew", err)
	}
}

// A database that a newer release has migrated does not keep this one from starting, and is no secret either.
func TestPostureOfANewerSchema(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	audittest.Lift(t, db, `
		INSERT INTO schema_migrations (name, sha256) VALUES ('9999_newer.sql', sha256('newer'));
		ALTER TABLE gov_audit_trail_entries ADD COLUMN newer text;
		CREATE VIEW newer AS SELECT 1;
		ALTER VIEW newer OWNER TO aumos_audit_owner`)
	checks := look(t, db, posture.Options{})
	if err := posture.Refusal(slices.Collect(maps.Values(checks))); err != nil {
		t.Errorf("Refusal: %v", err)
	}
	for check, want := range map[string]string{"schema": "migration 9999_newer.sql", "objects": "view public.newer"} {
		if c := checks[check]; c.OK || !strings.Contains(strings.Join(c.Problems, "\n"), want) {
			t.Errorf("%s lacks %q: %+v", check, want, c)
		}
	}
}
