package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

func TestDecisionList(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	golden(t, "decision_list.txt", p.run(t, "decision", "list").expect(t, 0).stdout)
	lines := strings.Split(strings.TrimSpace(p.run(t, "decision", "list", "-o", "jsonl").expect(t, 0).stdout), "\n")
	if len(lines) != 2 || decode(t, lines[1])["id"] != entryID(3) {
		t.Errorf("got %d lines, the last %s", len(lines), lines[len(lines)-1])
	}
	p.run(t, "decision", "list", "--policy", id(100), "--policy-version", id(200), "--decision-point", "drift.retrain", "--outcome", "deny", "--resource", "model/a/b",
		"--subject", "ann", "--correlation", "run-1", "--violation", "A", "--since", "2026-11-20T10:00:00Z", "--until", "2026-11-21T10:00:00Z",
		"--limit", "1").expect(t, 0)
	want := &governancev1.ListDecisionsRequest{
		PageSize: 1, PolicyId: id(100), PolicyVersionId: id(200), DecisionPoint: "drift.retrain", Outcome: governancev1.DecisionOutcome_DECISION_OUTCOME_DENY,
		ResourceType: "model", ResourceId: "a/b", Subject: "ann", CorrelationId: "run-1", ViolationCode: "A", TimeRange: &typev1.TimeRange{
			StartTime: timestamppb.New(time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)), EndTime: timestamppb.New(time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)),
		},
	}
	if diff := cmp.Diff(want, p.policy.read.list, protocmp.Transform()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	for _, args := range [][]string{{"--outcome", "maybe"}, {"--since", "yesterday"}, {"--until", "x"}, {"--policy", "unknown"}, {"--limit", "-1"}} {
		p.run(t, append([]string{"decision", "list"}, args...)...).expect(t, 3)
	}
}

func TestDecisionGet(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	golden(t, "decision_get.txt", p.run(t, "decision", "get", entryID(7)).expect(t, 0).stdout)
	if d := decode(t, p.run(t, "decision", "get", entryID(3), "-o", "json").expect(t, 0).stdout)["decision"]; d == nil {
		t.Error("no decision is printed")
	}
	p.run(t, "decision", "get", entryID(4)).expect(t, 3).says(t, "decision not found")
	p.run(t, "decision", "get", "7").expect(t, 3).says(t, "not the id of a decision")
}

// TestDecisionReceipt verifies the receipt offline, and refuses one that is of another entry.
func TestDecisionReceipt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	file := filepath.Join(t.TempDir(), "decision.tlog-proof")
	p.run(t, "decision", "get", entryID(7), "--receipt", file).expect(t, 3).says(t, "the receipt is of another entry")
	p.policy.read.log = p.audit
	p.run(t, "decision", "get", entryID(7), "--receipt", file).expect(t, 0)
	p.run(t, "audit", "verify", file, "--key", writeFile(t, "wall.vkey", p.audit.vkey(t)+"\n")).expect(t, 0)
}

func TestDecisionStats(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	args := []string{"decision", "stats", "--since", "2026-11-20T10:30:00Z", "--until", "2026-11-21T10:00:00Z"}
	golden(t, "decision_stats.txt", p.run(t, append(args, "--hourly")...).expect(t, 0).stdout)
	golden(t, "decision_stats.json", p.run(t, append(args, "-o", "json")...).expect(t, 0).stdout)
	p.run(t, append(args, "--decision-point", "nobody.asks")...).expect(t, 0).says(t, "decisions  0", "the first 9 entries")
	now := time.Now() // an hour may begin while it runs
	p.run(t, "decision", "stats", "--policy", id(100), "--top", "3", "--since", "90m").expect(t, 0)
	got := p.policy.read.stats
	from, until := got.GetTimeRange().GetStartTime().AsTime(), got.GetTimeRange().GetEndTime().AsTime()
	if got.GetPolicyId() != id(100) || got.GetTop() != 3 || got.GetHourly() || !from.Equal(from.Truncate(time.Hour)) || until.Before(now) ||
		until.Sub(from) > 3*time.Hour {
		t.Errorf("asked for %v", got)
	}
	for _, args := range [][]string{{"--since", ""}, {"--since", "2100-01-01T00:00:00Z"}, {"--since", "0s", "--until", "2h"}, {"--until", "soon"}, {"--policy", "unknown"}} {
		p.run(t, append([]string{"decision", "stats"}, args...)...).expect(t, 3)
	}
}
