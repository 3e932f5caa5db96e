package wallattack_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	prefix       = "audit.example.com/log"
	entries      = 20 // of the watched log
	firstHead    = 15 // the size that was signed first
	otherEntries = 8
)

func wallTables() []string {
	return []string{
		"gov_audit_trail_entries", "gov_audit_trail_entries_p0", "gov_audit_trail_entries_p1", "gov_audit_trail_entries_p2",
		"gov_audit_trail_entries_p3", "gov_audit_checkpoints", "gov_audit_cosignatures",
	}
}

// ground is a database with logs on it, and what its defenders hold.
type ground struct {
	t             *testing.T
	url           func(role string) string // an empty role is the superuser
	name          string
	db            audit.Databases
	cfg           audit.Config
	admin         *pgx.Conn
	wall          *audit.Wall
	tenant, other tenant.ID
	keys          auditlog.Keyring
	kept          []string // checkpoints of the watched log that an auditor holds, oldest first
	sessions      map[role]*pgx.Conn
	seen          string // the state after the attack before, unless something else has happened since
}

// cloned returns a ground in a database of its own.
func cloned(t *testing.T) *ground {
	t.Helper()
	db := postgrestest.Audit(t)
	url := func(role string) string {
		if role == "" {
			return db.AdminURL
		}
		return db.URL(role)
	}
	return prepare(&ground{t: t, url: url, name: db.Name, db: audit.Databases{Writer: db.Writer, Reader: db.Reader}})
}

// ownServer returns a ground on a server of its own.
func ownServer(t *testing.T) *ground {
	t.Helper()
	server := postgrestest.Server(t)
	if err := postgres.Bootstrap(t.Context(), server.AdminURL(), migrations.Bootstrap(), server.RolePasswords()); err != nil {
		t.Fatal(err)
	}
	g := &ground{t: t, name: postgres.DatabaseAudit, url: func(role string) string {
		if role == "" {
			role = "postgres"
		}
		return server.URL(postgres.DatabaseAudit, role)
	}}
	if _, err := postgres.Migrate(t.Context(), g.connect(""), migrations.Audit(), postgres.RoleAuditOwner); err != nil {
		t.Fatal(err)
	}
	g.db = audit.Databases{Writer: g.pool(postgres.RoleAuditWriter), Reader: g.pool(postgres.RoleAuditReader)}
	return prepare(g)
}

// pool connects as a role, whatever an attack has made of it: looking at such a role is the posture's part.
func (g *ground) pool(role string) *pgxpool.Pool {
	g.t.Helper()
	pool, err := postgres.Open(g.t.Context(), postgres.Config{URL: config.Secret(g.url(role)), AllowPrivilegedRole: true}, "test")
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(pool.Close)
	return pool
}

func (g *ground) connect(role string) *pgx.Conn {
	g.t.Helper()
	conn, err := pgx.Connect(g.t.Context(), g.url(role))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the attack may have broken it
	return conn
}

// prepare fills two logs through the wall and keeps what an auditor keeps.
func prepare(g *ground) *ground {
	g.t.Helper()
	g.admin, g.sessions = g.connect(""), map[role]*pgx.Conn{}
	g.tenant, g.other = tenant.ID(g.newID()), tenant.ID(g.newID())
	g.cfg = audit.Config{
		SigningKeys:        config.Secret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, ed25519.SeedSize))),
		OriginPrefix:       prefix,
		CheckpointInterval: time.Hour, // on demand only
	}
	g.wall = g.startWall(g.db)
	for i := range entries {
		g.append(g.wall, g.tenant, i)
		if i < otherEntries {
			g.append(g.wall, g.other, i)
		}
		if i+1 == firstHead {
			g.keep()
		}
	}
	g.keep()
	keys, err := g.wall.Keys(g.as(g.tenant))
	if err != nil {
		g.t.Fatal(err)
	}
	if g.keys, err = auditlog.ParseKeys(keys[0].VKey); err != nil {
		g.t.Fatal(err)
	}
	g.cosign()
	if r := g.verify(g.kept[1], g.kept...); r.Verdict != auditlog.Verified {
		g.t.Fatalf("before the attack: %+v", r)
	}
	return g
}

// startWall runs a wall with the real key, and with heads of its own, until the test ends.
func (g *ground) startWall(db audit.Databases) *audit.Wall {
	g.t.Helper()
	cfg := g.cfg
	cfg.WitnessPolicyFile = ""
	cfg.HeadsDir = g.t.TempDir()
	wall, err := audit.New(g.t.Context(), cfg, db, slog.New(slog.DiscardHandler))
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = wall.Run(ctx) // at its end it signs, which an attacked database may not allow
	}()
	g.t.Cleanup(func() { cancel(); <-ended })
	return wall
}

func (g *ground) newID() uuid.UUID {
	g.t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		g.t.Fatal(err)
	}
	return id
}

func (g *ground) as(id tenant.ID) context.Context { return tenant.NewContext(g.t.Context(), id) }

func (g *ground) entry(id tenant.ID, i int) auditlog.Entry {
	return auditlog.Entry{
		EntryID: g.newID(), TenantID: id, EventType: "policy.version_activated", Action: "policy.activate", Outcome: auditlog.Success,
		Actor:         auditlog.Actor{Kind: auditlog.ActorUser, ID: "user-1"},
		Resource:      auditlog.Resource{Type: "policy", ID: fmt.Sprintf("p-%d", i), State: map[string]any{"active": true}},
		SourceService: "governance", RequestID: "req-1",
	}
}

func (g *ground) append(wall *audit.Wall, id tenant.ID, i int) {
	g.t.Helper()
	if _, err := wall.Append(g.t.Context(), g.entry(id, i)); err != nil {
		g.t.Fatalf("Append: %v", err)
	}
}

// keep hands the auditor a checkpoint of the watched log.
func (g *ground) keep() {
	g.t.Helper()
	head, err := g.wall.Checkpoint(g.as(g.tenant))
	if err != nil {
		g.t.Fatalf("Checkpoint: %v", err)
	}
	g.kept = append(g.kept, head.Note)
}

// cosign stores a witness's cosignature of the first checkpoint, as the service does.
func (g *ground) cosign() {
	g.t.Helper()
	witness, err := auditlog.NewCosigningKey("witness.example", bytes.Repeat([]byte{9}, ed25519.SeedSize))
	if err != nil {
		g.t.Fatal(err)
	}
	line, err := witness.Cosign(g.kept[0], time.Now())
	if err != nil {
		g.t.Fatal(err)
	}
	g.cfg.WitnessPolicyFile = filepath.Join(g.t.TempDir(), "policy") // for the posture: the service of these tests asks nobody
	if err := os.WriteFile(g.cfg.WitnessPolicyFile, []byte("witness w "+witness.VKey()+"\nquorum w\n"), 0o600); err != nil {
		g.t.Fatal(err)
	}
	_, err = g.db.Writer.Exec(g.t.Context(), `
		INSERT INTO public.gov_audit_cosignatures (tenant_id, tree_size, root_hash, key_name, key_id, line, cosigned_at)
		SELECT tenant_id, tree_size, root_hash, $3, $4, $5, now()
		FROM public.gov_audit_checkpoints
		WHERE tenant_id = $1 AND tree_size = $2`, [16]byte(g.tenant), firstHead, witness.Name(), witness.ID(), line)
	if err != nil {
		g.t.Fatal(err)
	}
}
