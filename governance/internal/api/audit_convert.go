package api

import (
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func structMap(s *structpb.Struct) map[string]any {
	if s == nil {
		return nil
	}
	return s.AsMap()
}

func entryFilterOf(req *governancev1.ListEntriesRequest) (audit.Filter, error) {
	f := audit.Filter{
		EventType: req.GetEventType(), ActorID: req.GetActorId(), ResourceType: req.GetResourceType(), ResourceID: req.GetResourceId(),
		MinIndex: req.GetMinLeafIndex(),
	}
	for _, text := range []struct{ field, value string }{
		{"actor_id", f.ActorID}, {"resource_type", f.ResourceType}, {"resource_id", f.ResourceID},
	} {
		if strings.IndexByte(text.value, 0) >= 0 {
			return audit.Filter{}, errs.InvalidField(text.field, "must not contain the character U+0000")
		}
	}
	var err error
	if f.RecordedFrom, err = timeOf("recorded.start_time", req.GetRecorded().GetStartTime()); err != nil {
		return audit.Filter{}, err
	}
	if f.RecordedBefore, err = timeOf("recorded.end_time", req.GetRecorded().GetEndTime()); err != nil {
		return audit.Filter{}, err
	}
	return f, nil
}

// logEntryMessage decodes the leaf for people. A leaf that is not an entry is shown as its bytes alone.
func logEntryMessage(e audit.LogEntry) *governancev1.LogEntry {
	m := &governancev1.LogEntry{Leaf: e.Leaf, StoredHashes: e.StoredHashes, MismatchedColumns: e.Mismatched}
	var entry governancev1.AuditEntry
	if proto.Unmarshal(e.Leaf, &entry) == nil {
		m.Entry = &entry
	}
	return m
}

func positionMessage(p audit.Position) *governancev1.LogPosition {
	return &governancev1.LogPosition{EntryId: p.EntryID.String(), LeafIndex: p.LeafIndex, LeafHash: p.LeafHash[:], Position: p.LeafIndex + 1}
}

func checkpointMessage(h audit.SignedHead) *governancev1.Checkpoint {
	return &governancev1.Checkpoint{TreeSize: h.Size, RootHash: h.Root[:], Note: h.Note, CreateTime: timestamppb.New(h.SignedTime)}
}

func hashMessages(hashes []tlog.Hash) [][]byte {
	messages := make([][]byte, len(hashes))
	for i := range hashes {
		messages[i] = hashes[i][:]
	}
	return messages
}

// timeOf returns the zero time for an unset timestamp.
func timeOf(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if t.CheckValid() != nil {
		return time.Time{}, errs.InvalidField(field, "must be in the years 1 to 9999")
	}
	return t.AsTime(), nil
}
