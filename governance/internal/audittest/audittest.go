// Package audittest runs walls on the tests' databases.
package audittest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/publish"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// OriginPrefix is what the origins of Config begin with.
const OriginPrefix = "audit.example.com/log"

// Config signs only on demand and at the end, so that tests decide when.
func Config(t testing.TB) audit.Config {
	t.Helper()
	return audit.Config{
		SigningKeys:        config.Secret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, ed25519.SeedSize))),
		OriginPrefix:       OriginPrefix,
		HeadsDir:           t.TempDir(),
		CheckpointInterval: time.Hour,
	}
}

// Databases returns a test's database as a wall takes it.
func Databases(db postgrestest.AuditDB) audit.Databases {
	return audit.Databases{Writer: db.Writer, Reader: db.Reader}
}

// Start runs a wall until the test ends, or until stop, which waits for it.
func Start(t testing.TB, dbs audit.Databases, cfg audit.Config, sinks ...publish.Sink) (wall *audit.Wall, stop func()) {
	t.Helper()
	wall, err := audit.New(t.Context(), cfg, dbs, Quiet())
	if err != nil {
		t.Fatal(err)
	}
	wall.PublishTo(sinks...)
	return wall, Run(t, wall.Run)
}

// Run runs f until the test ends, or until stop, which waits for it.
func Run(t testing.TB, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Quiet returns a logger that says nothing.
func Quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// NewTenant returns the id of a tenant that has no log yet.
func NewTenant(t testing.TB) tenant.ID {
	t.Helper()
	return tenant.ID(newID(t))
}

// NewEntry returns an entry of a tenant, with an id of its own.
func NewEntry(t testing.TB, id tenant.ID) auditlog.Entry {
	t.Helper()
	return auditlog.Entry{
		EntryID:       newID(t),
		TenantID:      id,
		EventType:     "policy.version_activated",
		Action:        "policy.activate",
		Outcome:       auditlog.Success,
		Actor:         auditlog.Actor{Kind: auditlog.ActorUser, ID: "user-1"},
		Resource:      auditlog.Resource{Type: "policy", ID: "p-1", State: map[string]any{"active": true}},
		SourceService: "governance",
		RequestID:     "req-1",
		Details:       map[string]any{"digest": "abc"},
	}
}

// Append appends an entry and returns where it stands.
func Append(t testing.TB, wall *audit.Wall, e auditlog.Entry) audit.Position {
	t.Helper()
	p, err := wall.Append(t.Context(), e)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return p
}

// Lift runs SQL as a superuser with the event triggers out of the way, which is what a determined one does, and puts them back unless the SQL is
// about them.
func Lift(t testing.TB, db postgrestest.AuditDB, sql string) {
	t.Helper()
	admin := db.Admin()
	exec := func(sql string) {
		if _, err := admin.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(`ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE; ALTER EVENT TRIGGER aumos_audit_deny_rewrite DISABLE`)
	exec(sql)
	for _, name := range []string{"aumos_audit_deny_ddl", "aumos_audit_deny_rewrite"} {
		if !strings.Contains(sql, name) {
			exec(`ALTER EVENT TRIGGER ` + name + ` ENABLE ALWAYS`)
		}
	}
}

func newID(t testing.TB) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}
