package cli_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// GetWallPosture answers with a posture that has a warning, and with a failed check when the double is told so.
func (d *auditDouble) GetWallPosture(context.Context, *governancev1.GetWallPostureRequest) (*governancev1.GetWallPostureResponse, error) {
	checks := []*governancev1.PostureCheck{
		{Name: "triggers", Ok: true, Required: true, Remedy: "restore the schema"},
		{Name: "own_server", Problems: []string{"the wall is on the server of the service's own database"}, Remedy: "give the wall a server"},
	}
	if d.weak {
		checks[0].Ok, checks[0].Problems = false, []string{"gov_audit_trail_entries_p1: trigger \x1b[31maumos_audit_deny_row is missing"}
	}
	return &governancev1.GetWallPostureResponse{
		Checks: checks, Sha256: bytes.Repeat([]byte{0xab}, 32), CheckTime: timestamppb.New(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)),
	}, nil
}

func TestAuditPosture(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.run(t, "audit", "posture").expect(t, 0)
	want := "ok       triggers\n" +
		"warning  own_server\n" +
		"           the wall is on the server of the service's own database\n" +
		"           remedy: give the wall a server\n" +
		"posture  sha256:" + strings.Repeat("ab", 32) + " at 2026-11-22 10:00:00Z\n"
	if got.stdout != want {
		t.Errorf("got\n%s\nwant\n%s", got.stdout, want)
	}
	p.audit.weak = true
	got = p.run(t, "audit", "posture").expect(t, 1).says(t, "FAILED   triggers", "gov_audit_trail_entries_p1", "remedy: restore the schema")
	if strings.Contains(got.stdout, "\x1b") {
		t.Error("control characters of the database reach the terminal")
	}
	posture, _ := decode(t, p.run(t, "audit", "posture", "-o", "json").expect(t, 1).stdout)["posture"].(map[string]any)
	checks, _ := posture["checks"].([]any)
	if len(checks) != 2 || posture["sha256"] == "" {
		t.Errorf("got %v", posture)
	}
}
