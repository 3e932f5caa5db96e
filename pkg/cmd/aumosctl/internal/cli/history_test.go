package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	golden(t, "history.txt", p.run(t, "history", "policy/p-1").expect(t, 0).stdout)
	newest := p.run(t, "history", "policy/p-1", "--newest", "--limit", "1").expect(t, 0).stdout
	if !strings.HasPrefix(newest, "9 ") || strings.Contains(newest, "policy.created") {
		t.Errorf("the newest:\n%s", newest)
	}
	if got := p.run(t, "history", "policy/p-1", "-o", "jsonl").expect(t, 0).stdout; strings.Count(got, "\n") != 3 || !strings.Contains(got, `"leaf_index":4`) {
		t.Errorf("JSON lines:\n%s", got)
	}
	p.run(t, "history", "policy/p-2").expect(t, 3).says(t, "no entry knows policy/p-2")
	p.run(t, "history", "policy").expect(t, 3).says(t, "say TYPE/ID")
	p.run(t, "history").expect(t, 3)
}

func TestHistoryShow(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	golden(t, "history_show.txt", p.run(t, "history", "show", "policy/p-1").expect(t, 0).stdout)
	if p.history.got.GetAt() != nil {
		t.Errorf("now is %v", p.history.got.GetAt())
	}
	recorded, effective := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	p.run(t, "history", "show", "policy/p-1", "--at", "2026-11-01T00:00:00Z", "--effective", "2026-10-01T00:00:00Z").expect(t, 0)
	want := &governancev1.Moment{Known: &governancev1.Moment_RecordedTime{RecordedTime: timestamppb.New(recorded)}, EffectiveTime: timestamppb.New(effective)}
	if diff := cmp.Diff(want, p.history.got.GetAt(), protocmp.Transform()); diff != "" {
		t.Errorf("moment (-want +got):\n%s", diff)
	}
	p.run(t, "history", "show", "policy/p-1", "--at", "0").expect(t, 0)
	if _, ok := p.history.got.GetAt().GetKnown().(*governancev1.Moment_LeafIndex); !ok {
		t.Errorf("an index is %v", p.history.got.GetAt())
	}
	p.run(t, "history", "show", "policy/p-1", "--at", "1d").expect(t, 0)
	if ago := time.Since(p.history.got.GetAt().GetRecordedTime().AsTime()); ago < 24*time.Hour || ago > 25*time.Hour {
		t.Errorf("24h is %s ago", ago)
	}
	if got := decode(t, p.run(t, "history", "show", "policy/p-1", "-o", "json").expect(t, 0).stdout); got["version"] == nil {
		t.Errorf("got %v", got)
	}
	p.run(t, "history", "show", "policy/p-2").expect(t, 3).says(t, "NOT_FOUND")
	p.run(t, "history", "show", "policy/p-1", "--at", "-1").expect(t, 3).says(t, "they begin at 0")
	p.run(t, "history", "show", "policy/p-1", "--effective", "7").expect(t, 3).says(t, "--effective", "neither a time")
}

func TestHistoryList(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	golden(t, "history_list.txt", p.run(t, "history", "list", "policy", "--at", "9", "--deleted").expect(t, 0).stdout)
	want := &governancev1.ListResourcesAtRequest{
		ResourceType: "policy", At: &governancev1.Moment{Known: &governancev1.Moment_LeafIndex{LeafIndex: 9}}, ShowDeleted: true, PageSize: 50, PageToken: "x",
	}
	if diff := cmp.Diff(want, p.history.listed, protocmp.Transform()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	p.run(t, "history", "list", "Policy").expect(t, 3).says(t, "INVALID_FIELD")
}

func TestHistoryDiff(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	golden(t, "history_diff.txt", p.run(t, "history", "diff", "policy/p-1", "--from", "0", "--to", "4", "--to-effective", "1h").expect(t, 0).stdout)
	if d := p.history.diffed; d.GetBefore().GetAt().GetLeafIndex() != 0 || d.GetAfter().GetAt().GetLeafIndex() != 4 || d.GetAfter().GetAt().GetEffectiveTime() == nil ||
		d.GetAfter().GetResource().GetId() != "p-1" {
		t.Errorf("request %v", d)
	}
	p.run(t, "history", "diff", "policy/p-1").expect(t, 0).says(t, "no field differs")
	p.run(t, "history", "diff", "policy/p-2", "policy/p-1").expect(t, 0).says(t, "not there: no entry up to the moment knows it")
	p.run(t, "history", "diff", "policy/p-2", "policy/p-3").expect(t, 3).says(t, "no entry up to these moments knows policy/p-2 or policy/p-3")
	if got := decode(t, p.run(t, "history", "diff", "policy/p-1", "--to", "4", "-o", "json").expect(t, 0).stdout); got["diff"] == nil {
		t.Errorf("got %v", got)
	}
}
