package server_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/server"
)

func TestWritePosture(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.cfg.Auth.Issuer = "" // not needed to look
	var sound bytes.Buffer
	if err := server.WritePosture(t.Context(), s.cfg, &sound); err != nil || strings.Contains(sound.String(), "FAILED") {
		t.Errorf("a sound wall: %v\n%s", err, &sound)
	}
	s.weaken(t, `ALTER TABLE gov_audit_trail_entries_p1 DISABLE TRIGGER aumos_audit_deny_statement`)
	var weak bytes.Buffer
	err := server.WritePosture(t.Context(), s.cfg, &weak)
	if err == nil || !strings.HasPrefix(err.Error(), "1 of ") {
		t.Errorf("a weakened wall: %v", err)
	}
	for _, want := range []string{"FAILED   triggers\n", "gov_audit_trail_entries_p1: trigger aumos_audit_deny_statement", "remedy: ", "ok       tables\n", "warning  own_server\n"} {
		if !strings.Contains(weak.String(), want) {
			t.Errorf("a weakened wall: %q is missing in\n%s", want, &weak)
		}
	}
	s.cfg.Audit.Reader.URL = ""
	if err := server.WritePosture(t.Context(), s.cfg, &weak); err == nil || !strings.Contains(err.Error(), "AUDIT__READER__URL is not set") {
		t.Errorf("without a URL: %v", err)
	}
}
