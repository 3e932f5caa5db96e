package cli_test

import (
	"context"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// directory writes a policy's directory with one test case.
func directory(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"policy.yaml": "name: promotion\ndata: data.json\ncases: cases\n", "main.rego": source, "data.json": `{"limit": 5}`,
		"cases/a.yaml": "- name: with a report\n  input: {n: 1}\n  now: 2026-01-31T09:00:00Z\n  expect: ALLOW\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// promotion makes the platform have a policy of that name with a version.
func (p *platform) promotion(t *testing.T) {
	t.Helper()
	created, err := p.policy.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: "promotion"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.policy.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{
		PolicyId: created.GetPolicy().GetId(), Modules: []*governancev1.RegoModule{{Path: "p.rego", Source: "package p\nallow := true"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPolicySimulate(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.promotion(t)
	dir := directory(t, "package p\nallow := true\n")
	p.run(t, "policy", "simulate", "promotion", "--dir", dir).expect(t, 0).says(t, "compared with  version 1 ("+id(200)+")\n", "all 1 the same", "with a report")
	sent := p.simulation.simulated[0]
	if sent.GetModules().GetData().GetFields()["limit"].GetNumberValue() != 5 || sent.GetInputs()[0].GetNow().AsTime().Year() != 2026 {
		t.Errorf("sent %v", sent)
	}

	inputs := filepath.Join(t.TempDir(), "today.jsonl")
	if err := os.WriteFile(inputs, []byte("{\"n\": 1}\n\n{\"n\": 2, \"bias\": true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	junit := filepath.Join(t.TempDir(), "simulation.xml")
	out := p.run(t, "policy", "simulate", "promotion", "--version", "1", "--input", inputs, "--junit", junit, "--explain", "rules").expect(t, 1).
		says(t, "1 of 2 differ: 1 allow -> deny", "ALLOW -> DENY", "+BIAS, -obligation log", "today.jsonl:3")
	if strings.Contains(out.stdout, "\x1b") {
		t.Errorf("control characters: %q", out.stdout)
	}
	sent = p.simulation.simulated[1]
	if sent.GetPolicyVersionId() == "" || sent.GetExplain() != governancev1.ExplainLevel_EXPLAIN_LEVEL_RULES {
		t.Errorf("sent %v", sent)
	}
	data, err := os.ReadFile(junit)
	if err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Suite struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(data, &suites); err != nil || suites.Suite.Tests != 2 || suites.Suite.Failures != 1 {
		t.Errorf("JUnit %s, %v", data, err)
	}
	p.runWithInput(t, `{"bias": 1}`, "policy", "simulate", "promotion", "--input", "-", "-o", "json").expect(t, 1).says(t, `"allow_to_deny": 1`)
	broken := directory(t, "package p\nallow := missing\n")
	place := filepath.Join(broken, "main.rego") + ":2:10"
	p.run(t, "policy", "simulate", "promotion", "--dir", broken, "--junit", junit).expect(t, 1).says(t, place, "does not compile")
	if text := readFile(t, junit); !strings.Contains(text, `tests="1" failures="0" errors="1"`) || !strings.Contains(text, place) {
		t.Errorf("JUnit of what does not compile: %s", text)
	}
	for _, wrong := range [][]string{
		{"simulate", "promotion"},
		{"simulate", "promotion", "--dir", dir, "--version", "1"},
		{"simulate", "promotion", "--version", "-1", "--input", inputs},
		{"simulate", "promotion", "--version", "9", "--input", inputs},
		{"simulate", "promotion", "--input", inputs, "--explain", "all"},
		{"simulate", "nothing", "--input", inputs},
		{"simulate", "promotion", "--dir", t.TempDir()},
	} {
		p.run(t, append([]string{"policy"}, wrong...)...).expect(t, 3)
	}
}

func TestPolicyReplay(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.promotion(t)
	p.simulation.replay = doneReplay(&governancev1.DifferenceSummary{Compared: 4, Same: 2, AllowToDeny: 2})
	p.run(t, "policy", "replay", "start", "promotion", "--since", "24h", "--decision-point", "model.promote").expect(t, 0).says(t, id(700), "PENDING")
	if sent := p.simulation.created[0]; sent.GetTimeRange().GetStartTime() == nil || sent.GetTimeRange().GetEndTime() != nil ||
		sent.GetDecisionPoint() != "model.promote" || sent.GetRequestId() == "" || sent.GetPolicyVersionId() == "" {
		t.Errorf("sent %v", sent)
	}
	p.simulation.looks = 1
	p.run(t, "policy", "replay", "start", "promotion", "--dir", directory(t, "package p\nallow := true\n"), "--wait").expect(t, 1).
		says(t, "SUCCEEDED", "2 of 4 differ: 2 allow -> deny", "(none)", "BIAS", "12 of 12 entries", "modules that are not stored")
	p.run(t, "policy", "replay", "show", id(700)).expect(t, 0).says(t, "model/m-1")
	p.run(t, "policy", "replay", "show", id(1)).expect(t, 3)
	p.run(t, "policy", "replay", "list", "--policy", "promotion").expect(t, 0).says(t, "SUCCEEDED  promotion", id(700), id(699), "FAILED", "2 of 4 differ")
	p.run(t, "policy", "replay", "differences", id(700)).expect(t, 0).says(t, id(800), "ALLOW -> DENY", "+BIAS")
	p.run(t, "policy", "replay", "cancel", id(700)).expect(t, 0).says(t, "CANCELLED", "all 5 the same")
	p.run(t, "policy", "replay", "start", "promotion", "--since", "yesterday").expect(t, 3)

	for code, r := range map[int]*governancev1.Replay{
		0: doneReplay(&governancev1.DifferenceSummary{Compared: 4, Same: 4}),
		2: {Id: id(700), State: governancev1.ReplayState_REPLAY_STATE_SUCCEEDED, EndTime: p.simulation.replay.GetEndTime()},
		3: {Id: id(700), State: governancev1.ReplayState_REPLAY_STATE_FAILED, Error: "it does not compile", EndTime: p.simulation.replay.GetEndTime()},
	} {
		p.simulation.replay = r
		p.run(t, "policy", "replay", "start", "promotion", "--wait").expect(t, code).says(t, r.GetError())
	}
}

func TestPolicyImpact(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.promotion(t)
	p.simulation.replay = doneReplay(&governancev1.DifferenceSummary{Compared: 4, Same: 2, AllowToDeny: 2})
	p.run(t, "policy", "impact", "promotion", "--days", "30", "--dir", directory(t, "package p\nallow := true\n")).expect(t, 1).
		says(t, "2 of 4 differ", "BIAS", id(800))
	if sent := p.simulation.analyzed[0]; sent.GetDays() != 30 || len(sent.GetModules().GetModules()) != 1 {
		t.Errorf("sent %v", sent)
	}
	p.simulation.replay = doneReplay(&governancev1.DifferenceSummary{Compared: 4, Same: 4})
	p.run(t, "policy", "impact", "promotion", "-o", "json").expect(t, 0).says(t, `"same": 4`)
	p.run(t, "policy", "impact", "promotion", "--days", "0").expect(t, 3)
	p.simulation.replay, p.simulation.expires = doneReplay(&governancev1.DifferenceSummary{Compared: 4, Same: 2, AllowToDeny: 2}), true
	p.run(t, "policy", "impact", "promotion").expect(t, 1).says(t, "2 of 4 differ", "BIAS", id(800)) // asked for until it is done
	p.simulation.replay, p.simulation.expires = nil, false
	p.run(t, "policy", "impact", "promotion").expect(t, 3).says(t, "replay "+id(700)+" goes on")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.runInContext(t, ctx, "policy", "impact", "promotion").expect(t, 3)
}
