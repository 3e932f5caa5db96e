package server_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

func TestWritePosture(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.cfg.Auth.Issuer = "" // not needed to look
	var sound bytes.Buffer
	if err := server.WritePosture(t.Context(), s.cfg, server.PostureOutput{}, &sound); err != nil || strings.Contains(sound.String(), "FAILED") {
		t.Errorf("a sound wall: %v\n%s", err, &sound)
	}
	s.weaken(t, `ALTER TABLE gov_audit_trail_entries_p1 DISABLE TRIGGER aumos_audit_deny_statement`)
	var weak bytes.Buffer
	err := server.WritePosture(t.Context(), s.cfg, server.PostureOutput{}, &weak)
	if err == nil || !strings.HasPrefix(err.Error(), "1 of ") {
		t.Errorf("a weakened wall: %v", err)
	}
	for _, want := range []string{"FAILED   triggers\n", "gov_audit_trail_entries_p1: trigger aumos_audit_deny_statement", "remedy: ", "ok       tables\n", "warning  own_server\n"} {
		if !strings.Contains(weak.String(), want) {
			t.Errorf("a weakened wall: %q is missing in\n%s", want, &weak)
		}
	}
	digest := regexp.MustCompile(`posture  sha256:([0-9a-f]{64})\n$`)
	before, after := digest.FindStringSubmatch(sound.String()), digest.FindStringSubmatch(weak.String())
	if before == nil || after == nil || before[1] == after[1] {
		t.Errorf("the digests are %v and %v", before, after)
	}
	var text bytes.Buffer
	if err := server.WritePosture(t.Context(), s.cfg, server.PostureOutput{JSON: true, Deep: true}, &text); err == nil {
		t.Error("a weakened wall is written as JSON without an error")
	}
	var parsed struct {
		SHA256 string `json:"sha256"`
		Checks []struct {
			Name, Verdict, Remedy string
			Required              bool
			Problems              []string
		} `json:"checks"`
	}
	if err := json.Unmarshal(text.Bytes(), &parsed); err != nil || parsed.SHA256 != after[1] {
		t.Errorf("%v, digest %s, want that of the text\n%s", err, parsed.SHA256, &text)
	}
	for _, c := range parsed.Checks {
		if c.Name == "triggers" && (c.Verdict != "failed" || !c.Required || len(c.Problems) != 1 || c.Remedy == "") {
			t.Errorf("%+v", c)
		}
	}
	s.cfg.Audit.Reader.URL = ""
	if err := server.WritePosture(t.Context(), s.cfg, server.PostureOutput{}, &weak); err == nil || !strings.Contains(err.Error(), "AUDIT__READER__URL is not set") {
		t.Errorf("without a URL: %v", err)
	}
}

// TestRunRecordsThePosture: the platform's log says under which posture the service started, and when it changed.
func TestRunRecordsThePosture(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.cfg.Audit.PostureInterval = 50 * time.Millisecond
	s.run(t)
	var sound bytes.Buffer
	if err := server.WritePosture(t.Context(), s.cfg, server.PostureOutput{}, &sound); err != nil {
		t.Fatal(err)
	}
	started := s.awaitPlatformEntry(t, func(e auditlog.Entry) bool { return e.EventType == "audit.wall_started" })
	digest, _ := started.Details["posture_sha256"].(string)
	if len(digest) != 64 || !strings.Contains(sound.String(), "sha256:"+digest) {
		t.Errorf("the service started with %q, and the command says\n%s", digest, &sound)
	}
	s.weaken(t, `GRANT CREATE ON SCHEMA public TO aumos_drift_app`)
	s.awaitPlatformEntry(t, func(e auditlog.Entry) bool {
		checks, _ := e.Details["checks"].(map[string]any)
		return e.EventType == "audit.posture_changed" && checks["grants"] == "failed"
	})
	another := s.cfg
	another.Audit.HeadsDir = t.TempDir()
	err := server.Run(t.Context(), another, slog.New(slog.DiscardHandler), nil)
	if err == nil || !strings.Contains(err.Error(), "grants: aumos_drift_app has CREATE on schema public") {
		t.Errorf("another replica: %v", err)
	}
}

// awaitPlatformEntry waits until the platform's log has an entry.
func (s *stack) awaitPlatformEntry(t *testing.T, wanted func(auditlog.Entry) bool) auditlog.Entry {
	t.Helper()
	admin := s.audit.Admin()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		for _, e := range platformEntries(t, admin) {
			if wanted(e) {
				return e
			}
		}
	}
	t.Fatalf("the platform's log lacks the entry: %+v", platformEntries(t, admin))
	return auditlog.Entry{}
}

// platformEntries reads the platform's log as a superuser.
func platformEntries(t *testing.T, admin *pgx.Conn) []auditlog.Entry {
	t.Helper()
	rows, err := admin.Query(t.Context(), `
		SELECT entry
		FROM public.gov_audit_trail_entries
		WHERE tenant_id = $1
		ORDER BY leaf_index`, [16]byte(auditlog.PlatformTenant))
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	entries := make([]auditlog.Entry, len(leaves))
	for i, leaf := range leaves {
		if entries[i], err = auditlog.Unmarshal(leaf); err != nil {
			t.Fatal(err)
		}
	}
	return entries
}
