package server_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	"github.com/aumos-enterprise/platform/drift/server"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const insufficientPrivilege = "42501"

// TestImmutable tries, as the service's role and tenant, to alter what must not be altered.
func TestImmutable(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "m", drifttest.Numeric("x"))
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...))
	c.Active(t, m, batch)
	if _, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batch); err != nil {
		t.Fatal(err)
	}
	exec := func(sql string) error {
		return postgres.TenantTx(tenant.NewContext(t.Context(), c.Tenant), s.DB.App, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
	}
	for _, sql := range []string{
		"UPDATE drf_models SET owner = 'x'",
		"UPDATE drf_monitors SET name = 'x'",
		"UPDATE drf_monitors SET min_rows = 2",
		"UPDATE drf_monitor_features SET tests = '[]'",
		"UPDATE drf_baselines SET fingerprint_sha256 = sha256('')",
		"UPDATE drf_baselines SET row_count = 1",
		"UPDATE drf_baseline_features SET content = ''",
		"UPDATE drf_detections SET status = 'OK'",
		"UPDATE drf_detections SET document = ''",
		"UPDATE drf_evidence SET payload = ''",
		"UPDATE drf_streams SET detector = 'DDM'",
		"UPDATE drf_stream_drifts SET sequence = 0",
		"DELETE FROM drf_streams", "DELETE FROM drf_stream_drifts",
		"UPDATE drf_evidence SET entry_id = gen_random_uuid()",
		"DELETE FROM drf_models", "DELETE FROM drf_monitors", "DELETE FROM drf_monitor_features", "DELETE FROM drf_baselines",
		"DELETE FROM drf_baseline_features", "DELETE FROM drf_detections", "DELETE FROM drf_evidence",
		"TRUNCATE drf_detections", "DROP TABLE drf_detections", "ALTER TABLE drf_detections DISABLE ROW LEVEL SECURITY",
		"CREATE TABLE mine (id int)", "CREATE TABLE river.mine (id int)", "SET LOCAL ROLE aumos_drift_owner",
	} {
		var refused *pgconn.PgError
		if err := exec(sql); !errors.As(err, &refused) || refused.Code != insufficientPrivilege {
			t.Errorf("%s: got %v", sql, err)
		}
	}
	// What may be updated is held by constraints.
	for _, sql := range []string{
		"UPDATE drf_baselines SET state = 'GONE'",
		"UPDATE drf_baselines SET activate_time = NULL",
		"UPDATE drf_evidence SET state = 'RECORDED', receipt = NULL",
		"INSERT INTO drf_models (tenant_id, id, name, task, owner, description) VALUES (gen_random_uuid(), gen_random_uuid(), 'n', 'RANKING', 'o', '')",
	} {
		if err := exec(sql); err == nil {
			t.Errorf("%s: no error", sql)
		}
	}
}

// TestRowSecurity looks that every table with a tenant is under forced row-level security, and shows nothing without a tenant.
func TestRowSecurity(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "m", drifttest.Numeric("x"))
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...))
	c.Active(t, m, batch)
	if _, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId(), RequestId: uuid.NewString()}, batch); err != nil {
		t.Fatal(err)
	}
	rows, err := s.DB.Admin().Query(t.Context(), `
		SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, a.attnotnull
		FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
		WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	var name string
	var forced, notNull bool
	_, err = pgx.ForEachRow(rows, []any{&name, &forced, &notNull}, func() error {
		tables++
		if !forced || !notNull {
			t.Errorf("%s: forced %v, not null %v", name, forced, notNull)
		}
		var n int
		if err := s.DB.App.QueryRow(t.Context(), "SELECT count(*) FROM "+name).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s shows %d rows without a tenant, %v", name, n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if tables != 10 {
		t.Errorf("found %d tables with a tenant", tables)
	}
}

// TestDamagedBaseline alters a stored baseline as only a superuser can: runs must not compare with it.
func TestDamagedBaseline(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...))
	for name, damage := range map[string]string{
		"another value":    "set_byte(content, octet_length(content) - 1, 64)",
		"one value less":   "substr(content, 9)",
		"not even numbers": "'\\x00'::bytea",
	} {
		m := c.Monitor(t, name, drifttest.Numeric("x"))
		b := c.Active(t, m, batch)
		tag, err := s.DB.Admin().Exec(t.Context(), "UPDATE drf_baseline_features SET content = "+damage+" WHERE baseline_id = $1", b.GetId())
		if err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s, %v", tag, err)
		}
		_, err = c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batch)
		drifttest.Want(t, err, codes.DataLoss, "INTERNAL", "")
	}
}

// TestMigrate migrates an empty database twice, as the command does, and serves on it.
func TestMigrate(t *testing.T) {
	t.Parallel()
	db := drifttest.EmptyDatabase(t)
	log := slog.New(slog.DiscardHandler)
	applied, err := server.Migrate(t.Context(), db.AdminURL, log)
	if err != nil || len(applied) == 0 || applied[0] != "0001_idempotency.sql" {
		t.Fatalf("got %q, %v", applied, err)
	}
	if applied, err = server.Migrate(t.Context(), db.AdminURL, log); err != nil || len(applied) != 0 {
		t.Errorf("again: got %q, %v", applied, err)
	}
	var owners string
	err = db.Admin().QueryRow(t.Context(), `
		SELECT string_agg(DISTINCT tableowner, ' ')
		FROM pg_tables
		WHERE schemaname IN ('public', 'river')`).Scan(&owners)
	if err != nil || owners != "aumos_drift_owner" {
		t.Errorf("the tables belong to %q, %v", owners, err)
	}
}

// TestBehind runs on a database without the queue's tables: the service says what to do.
func TestBehind(t *testing.T) {
	t.Parallel()
	stack := drifttest.NewStack(t)
	if _, err := stack.DB.Admin().Exec(t.Context(), "DROP SCHEMA river CASCADE"); err != nil {
		t.Fatal(err)
	}
	err := server.Run(t.Context(), stack.Config(), slog.New(slog.DiscardHandler), nil)
	if err == nil || !strings.Contains(err.Error(), "drift migrate") {
		t.Errorf("got %v", err)
	}
}
