package cli_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

// WatchEntries shows three entries and a heartbeat, and breaks off; at the end of the log it waits.
func (d *auditDouble) WatchEntries(req *governancev1.WatchEntriesRequest, stream grpc.ServerStreamingServer[governancev1.WatchEntriesResponse]) error {
	d.watched = append(d.watched, proto.CloneOf(req))
	if d.onWatch != nil {
		d.onWatch()
	}
	from := min(int(req.GetFromLeafIndex()), len(d.entries))
	shown := d.entries[from:min(from+3, len(d.entries))]
	for _, e := range shown {
		if err := stream.Send(&governancev1.WatchEntriesResponse{Event: &governancev1.WatchEntriesResponse_Entry{Entry: e}}); err != nil {
			return err
		}
	}
	next := int64(from + len(shown))
	if err := stream.Send(&governancev1.WatchEntriesResponse{Event: &governancev1.WatchEntriesResponse_Heartbeat{
		Heartbeat: &governancev1.WatchHeartbeat{NextLeafIndex: next, Time: timestamppb.Now()},
	}}); err != nil {
		return err
	}
	if d.expires > 0 {
		d.expires--
		return refuse(codes.Unauthenticated, "TOKEN_EXPIRED", "the token that opened the stream has expired")
	}
	if int(next) < len(d.entries) {
		return refuse(codes.Unavailable, "UNAVAILABLE", "the watch is unavailable: retry")
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

// CorrectEntry remembers what it was asked.
func (d *auditDouble) CorrectEntry(_ context.Context, req *governancev1.CorrectEntryRequest) (*governancev1.CorrectEntryResponse, error) {
	d.corrected = req
	return &governancev1.CorrectEntryResponse{Position: &governancev1.LogPosition{EntryId: entryID(99), LeafIndex: logSize, Position: logSize + 1}}, nil
}

func TestAuditWatch(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.run(t, "audit", "watch", "--from", "2", "--limit", "9", "--type", "drift.", "--outcome", "success", "--resource", "detection", "-o", "jsonl").expect(t, 0)
	var indexes []string
	for line := range strings.Lines(got.stdout) {
		var e struct {
			Entry struct {
				LeafIndex json.Number `json:"leaf_index"`
			} `json:"entry"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		indexes = append(indexes, e.Entry.LeafIndex.String())
	}
	if want := "2 3 4 5 6 7 8 9 10"; strings.Join(indexes, " ") != want {
		t.Errorf("entries %v, want %s", indexes, want)
	}
	var from []int64
	for _, req := range p.audit.watched {
		from = append(from, req.GetFromLeafIndex())
	}
	if diff := cmp.Diff([]int64{2, 5, 8}, from); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	want := &governancev1.WatchEntriesRequest{
		FromLeafIndex: 2, EventType: "drift.", Outcome: governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS, ResourceType: "detection",
	}
	if diff := cmp.Diff(want, p.audit.watched[0], protocmp.Transform()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	p.run(t, "audit", "watch", "--from", "6", "--limit", "5").expect(t, 0).says(t, "    10  2026-11-22 10:00:10Z  SUCCESS", "analyst: detection detection-10", "goes on from entry 9")
	p.run(t, "audit", "watch", "--outcome", "fine").expect(t, 3).says(t, "none of success, denied, failure")
	p.run(t, "audit", "watch", "--type", "Drift").expect(t, 3).says(t, "INVALID_FIELD")
}

// A watch outlasts its tokens: it goes on with a fresh one, and ends when there is none.
func TestAuditWatchOutlastsItsToken(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.audit.expires = 1
	got := p.run(t, "audit", "watch", "--from", "2", "--limit", "7").expect(t, 0)
	if strings.Count(got.stdout, "\n") != 7 || strings.Contains(got.stderr, "goes on from entry 5") || !strings.Contains(got.stderr, "goes on from entry 8") {
		t.Errorf("%s%s", got.stdout, got.stderr)
	}
}

// Without --from a watch begins after the last entry. An interruption ends it, and is no failure.
func TestAuditWatchFromNow(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.audit.entries = p.audit.entries[:logSize:logSize]
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.audit.onWatch = cancel
	if got := p.runInContext(t, ctx, "audit", "watch"); got.code != 0 || got.stdout != "" {
		t.Errorf("exit code %d: %s%s", got.code, got.stdout, got.stderr)
	}
	if len(p.audit.watched) != 1 || p.audit.watched[0].GetFromLeafIndex() != logSize {
		t.Errorf("streams: %v", p.audit.watched)
	}
}

func TestAuditCorrect(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.runWithInput(t, `{"details": {"ticket": "CHG-17"}}`, "audit", "correct", "4", "--reason", "the wrong ticket", "--corrected", "-").
		expect(t, 0).says(t, entryID(4), entryID(99), "11")
	if got := p.audit.corrected; got.GetEntryId() != entryID(4) || got.GetReason() != "the wrong ticket" || got.GetRequestId() == "" ||
		got.GetCorrected().AsMap()["details"].(map[string]any)["ticket"] != "CHG-17" {
		t.Errorf("request: %v", got)
	}
	p.run(t, "audit", "correct", entryID(5), "--reason", "a slip", "-o", "json").expect(t, 0).says(t, `"leaf_index": 11`)
	p.run(t, "audit", "correct", "4").expect(t, 3).says(t, "reason")
	p.run(t, "audit", "correct", "99", "--reason", "a slip").expect(t, 3).says(t, "NOT_FOUND")
	p.run(t, "audit", "correct", "4", "--reason", "a slip", "--corrected", "absent.json").expect(t, 3).says(t, "absent.json")

	p.audit.entries[4].Corrections = []*governancev1.Correction{{
		Position: &governancev1.LogPosition{LeafIndex: 11}, RecordedTime: timestamppb.Now(), Actor: &typev1.Actor{Id: "olga"}, Reason: "the wrong ticket",
		Corrected: p.audit.entries[4].GetEntry().GetDetails(),
	}}
	p.run(t, "audit", "show", "4").expect(t, 0).says(t, "by entry 11", "olga", "the wrong ticket", "should have said {")
	p.run(t, "audit", "list").expect(t, 0).says(t, "entry 4 has 1 correction: see audit show 4")
}
