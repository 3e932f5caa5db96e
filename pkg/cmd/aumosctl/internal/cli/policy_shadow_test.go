package cli_test

import (
	"strings"
	"testing"
)

func TestPolicyShadow(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	rego := writeFile(t, "p.rego", "package p\nallow := true\n")
	p.run(t, "policy", "push", "--name", "limit", rego).expect(t, 0)
	p.run(t, "policy", "shadow", "show", "--policy", "limit").expect(t, 3).says(t, `policy "limit" has no shadow`)
	p.run(t, "policy", "shadow", "start", "--policy", "limit", "--rate", "0.0001", "--for", "2h").expect(t, 0).
		says(t, "RUNNING", id(700), "policy       limit\n", "version 1 ("+id(200)+")", "about  0.01% of the decisions", "2026-11-22 10:00:00Z by ann", "by itself at 2026-11-22 12:00:00Z")
	p.run(t, "policy", "shadow", "start", "--policy", id(100), "--version", "1").expect(t, 0).says(t, id(701), "about  100% of", "2026-11-23 10:00:00Z")

	p.run(t, "policy", "shadow", "list").expect(t, 0).says(t, id(700), id(701), "0.0001", "RUNNING  limit")
	if got := p.run(t, "policy", "shadow", "list", "--policy", "limit", "--limit", "1").expect(t, 0).stdout; strings.Contains(got, id(700)) {
		t.Errorf("--limit 1 prints\n%s", got)
	}
	p.run(t, "policy", "shadow", "show", id(700)).expect(t, 1).says(t, "3 of 5 differ: 2 allow -> deny, 1 other obligations", "skipped", "7")
	shown := decode(t, p.run(t, "policy", "shadow", "show", "--policy", "limit", "-o", "json").expect(t, 1).stdout)
	if s := shown["shadow"].(map[string]any); s["id"] != id(701) || s["summary"].(map[string]any)["allow_to_deny"] == nil {
		t.Errorf("shown %v", s)
	}
	p.run(t, "policy", "shadow", "differences", "--policy", "limit").expect(t, 0).
		says(t, id(801), id(800), "order/o-1", "ALLOW -> DENY", "+LIMIT, ~AMOUNT, -too late", "ERROR DEADLINE -> ALLOW", "+obligation log")
	if got := p.run(t, "policy", "shadow", "differences", id(701), "-o", "jsonl").expect(t, 0).stdout; strings.Count(got, "\n") != 2 {
		t.Errorf("printed\n%s", got)
	}
	p.run(t, "policy", "shadow", "stop", "--policy", "limit").expect(t, 0).says(t, id(701), "STOPPED", "2026-11-22 10:01:00Z", "3 of 5 differ")
	p.simulation.shadows.idle = true
	p.run(t, "policy", "shadow", "show", id(700)).expect(t, 2).says(t, "nothing compared")
}

func TestPolicyShadowMistakes(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"start"}, `required flag(s) "policy" not set`},
		{[]string{"start", "--policy", "none"}, `there is no policy "none"`},
		{[]string{"start", "--policy", "none", "--version", "-1"}, "--version counts from 1"},
		{[]string{"start", "--policy", "none", "--for", "soon"}, `--for "soon" is no duration, for example 12h or 30d`},
		{[]string{"stop"}, "name one shadow"},
		{[]string{"stop", id(700), "--policy", "limit"}, "name one shadow"},
		{[]string{"show", id(700)}, "NOT_FOUND"},
		{[]string{"differences", id(700), "--limit", "-1"}, "--limit must not be negative"},
	} {
		p.run(t, append([]string{"policy", "shadow"}, tt.args...)...).expect(t, 3).says(t, tt.says)
	}
}
