package api_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/governance/internal/api"
	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// startPosture serves the posture of a real database, in which somebody put checkpoints that are none.
func startPosture(t *testing.T) (server *auditServer, looks *atomic.Int64) {
	t.Helper()
	db := postgrestest.Audit(t)
	dbs := audittest.Databases(db)
	cfg := audit.Config{HeadsDir: t.TempDir(), OriginPrefix: "audit.example.com"}
	wall, _ := audittest.Start(t, dbs, cfg)
	for _, id := range []any{tenantA.String(), tenantB.String()} {
		_, err := db.Writer.Exec(t.Context(), `
			INSERT INTO gov_audit_checkpoints (tenant_id, tree_size, root_hash, note, key_ids, created_at)
			VALUES ($1::uuid, 1, sha256('x'), 'x', '{00000000}', now())`, id)
		if err != nil {
			t.Fatal(err)
		}
	}
	looks = new(atomic.Int64)
	look := func(ctx context.Context) ([]posture.Check, error) {
		looks.Add(1)
		return posture.Look(ctx, dbs, posture.Options{Logs: &cfg})
	}
	watch := posture.NewWatch(wall, posture.Report{}, time.Hour, look, slog.New(slog.DiscardHandler))
	run(t, watch.Run)
	chain := grpcservertest.Start(t, "governance.aumos", grpcservertest.Options{}, func(s *grpc.Server) {
		governancev1.RegisterAuditServiceServer(s, &api.AuditService{Wall: wall, Posture: watch})
	})
	return &auditServer{Server: chain, t: t, db: db}, looks
}

func TestGetWallPosture(t *testing.T) {
	t.Parallel()
	s, looks := startPosture(t)
	ask := func(role auth.Role) (*governancev1.GetWallPostureResponse, error) {
		return s.person(tenantA, role).GetWallPosture(t.Context(), &governancev1.GetWallPostureRequest{})
	}
	var first *governancev1.GetWallPostureResponse
	for _, role := range []auth.Role{auth.RoleAuditor, auth.RoleOperator, auth.RoleAuditor} {
		res, err := ask(role)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = res
		}
		if !bytes.Equal(res.GetSha256(), first.GetSha256()) || len(res.GetSha256()) != 32 || !res.GetCheckTime().AsTime().Equal(first.GetCheckTime().AsTime()) {
			t.Errorf("%s got another answer", role)
		}
	}
	if n := looks.Load(); n != 1 {
		t.Errorf("the database was looked at %d times", n)
	}
	checks := map[string]*governancev1.PostureCheck{}
	for _, c := range first.GetChecks() {
		checks[c.GetName()] = c
		if c.GetRemedy() == "" || c.GetOk() != (len(c.GetProblems()) == 0) {
			t.Errorf("%v", c)
		}
	}
	if c := checks["triggers"]; !c.GetOk() || !c.GetRequired() {
		t.Errorf("%v", c)
	}
	problems := strings.Join(checks["checkpoints"].GetProblems(), "\n")
	if !strings.Contains(problems, "log "+tenantA.String()) || strings.Contains(problems, tenantB.String()) || !strings.Contains(problems, "log of another tenant") {
		t.Errorf("the caller's own log alone is named: %s", problems)
	}
	if !strings.Contains(problems, "log "+tenantA.String()+", checkpoint of 1 entries") || !strings.Contains(problems, "another tenant, checkpoint of some entries") {
		t.Errorf("the size of the caller's own log alone is told: %s", problems)
	}
	_, err := ask(auth.RoleViewer)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
}

// When the wall's database cannot be reached, that is the answer.
func TestGetWallPostureWithoutDatabase(t *testing.T) {
	t.Parallel()
	s, _ := startPosture(t)
	admin, err := pgx.Connect(t.Context(), strings.Replace(s.db.AdminURL, "/"+s.db.Name, "/postgres", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	for _, sql := range []string{
		`ALTER DATABASE ` + s.db.Name + ` ALLOW_CONNECTIONS false`,
		`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '` + s.db.Name + `'`,
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.person(tenantA, auth.RoleAuditor).GetWallPosture(t.Context(), &governancev1.GetWallPostureRequest{})
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
}
