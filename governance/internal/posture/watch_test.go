package posture_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// watch runs a watch of a database's real posture until the test ends.
func watch(t *testing.T, db postgrestest.AuditDB, wall *audit.Wall, interval time.Duration, log *slog.Logger) (*posture.Watch, *atomic.Int64) {
	t.Helper()
	var looks atomic.Int64
	look := func(ctx context.Context) ([]posture.Check, error) {
		looks.Add(1)
		return posture.Look(ctx, audittest.Databases(db), posture.Options{})
	}
	checks, err := look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := posture.NewWatch(wall, posture.Report{Checks: checks, CheckTime: time.Now()}, interval, look, log)
	audittest.Run(t, w.Run)
	return w, &looks
}

// awaitPlatform waits until the platform's log has n entries about the posture and returns the last.
func awaitPlatform(t *testing.T, wall *audit.Wall, n int) auditlog.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(tenant.NewContext(t.Context(), auditlog.PlatformTenant), 20*time.Second)
	defer cancel()
	for {
		found, _, err := wall.List(ctx, audit.Filter{}, -1, 100)
		if err != nil {
			t.Fatalf("%d entries about the posture: %v", n, err)
		}
		var about []auditlog.Entry
		for _, f := range found {
			e, err := auditlog.Unmarshal(f.Leaf)
			if err != nil {
				t.Fatal(err)
			}
			if e.EventType == "audit.wall_started" || e.EventType == "audit.posture_changed" {
				about = append(about, e)
			}
		}
		if len(about) >= n {
			return about[n-1]
		}
	}
}

func TestWatchRecordsStartAndChanges(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	var out lockedBuffer
	w, _ := watch(t, db, wall, 20*time.Millisecond, slog.New(slog.NewTextHandler(&out, nil)))
	sound, err := w.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sound.SHA256()
	e := awaitPlatform(t, wall, 1)
	checks, _ := e.Details["checks"].(map[string]any)
	if e.EventType != "audit.wall_started" || e.Details["posture_sha256"] != hex.EncodeToString(sum[:]) || checks["triggers"] != "ok" {
		t.Errorf("%+v", e)
	}

	audittest.Lift(t, db, `ALTER TABLE gov_audit_trail_entries_p1 DISABLE TRIGGER aumos_audit_deny_statement`)
	for i := 2; ; i++ { // a look in the middle of the change sees the event triggers disabled, and is recorded, too
		e = awaitPlatform(t, wall, i)
		checks, _ = e.Details["checks"].(map[string]any)
		if checks["triggers"] == "failed" && checks["event_triggers_enabled"] == "ok" {
			break
		}
	}
	problems, _ := e.Details["problems"].(map[string]any)
	list, _ := problems["triggers"].([]any)
	if e.EventType != "audit.posture_changed" || e.Details["posture_sha256_before"] == e.Details["posture_sha256"] || len(list) != 1 ||
		!strings.Contains(list[0].(string), "gov_audit_trail_entries_p1") {
		t.Errorf("%+v", e)
	}
	if !strings.Contains(out.String(), "level=ERROR msg=\"the audit wall is less protected") || !strings.Contains(out.String(), "check=triggers") {
		t.Errorf("the log says %q", out.String())
	}
	if err := wall.Ready(); err != nil {
		t.Errorf("the wall goes on recording: %v", err)
	}
}

// Asking often is one look.
func TestWatchAnswersFromMemory(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	w, looks := watch(t, db, wall, time.Hour, audittest.Quiet())
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if _, err := w.Report(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := looks.Load(); n != 1 {
		t.Errorf("the database was looked at %d times", n)
	}
}

func TestWatchTriesAgain(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	gone := errors.New("the database is gone")
	w := posture.NewWatch(wall, posture.Report{}, time.Hour, func(context.Context) ([]posture.Check, error) { return nil, gone }, audittest.Quiet())
	if _, err := w.Report(t.Context()); !errors.Is(err, gone) {
		t.Errorf("Report: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Run(ended); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	base := posture.Report{Checks: []posture.Check{{Name: "a", OK: true}, {Name: "b", Required: true, Problems: []string{"x", "y"}}}}
	same := base
	same.CheckTime = time.Now()
	if base.SHA256() != same.SHA256() {
		t.Error("the time changes the digest")
	}
	seen := map[[32]byte]int{base.SHA256(): 0}
	for i, checks := range [][]posture.Check{
		{{Name: "a", OK: true}, {Name: "b", Required: true, Problems: []string{"x"}}},
		{{Name: "a", OK: true}, {Name: "b", Required: true, Problems: []string{"x\n1 y"}}},
		{{Name: "a", OK: true}, {Name: "b", Problems: []string{"x", "y"}}},
		{{Name: "a"}, {Name: "b", Required: true, Problems: []string{"x", "y"}}},
		{{Name: "b", Required: true, Problems: []string{"x", "y"}}},
		{{Name: "c", OK: true}, {Name: "b", Required: true, Problems: []string{"x", "y"}}},
	} {
		sum := posture.Report{Checks: checks}.SHA256()
		if other, ok := seen[sum]; ok {
			t.Errorf("%d has the digest of %d", i+1, other)
		}
		seen[sum] = i + 1
	}
}

// lockedBuffer is a buffer that a logger writes to while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
