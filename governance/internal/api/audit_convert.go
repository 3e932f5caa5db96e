package api

import (
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func structMap(s *structpb.Struct) map[string]any {
	if s == nil {
		return nil
	}
	return s.AsMap()
}

// structMessage converts what a leaf holds, which is what JSON has.
func structMessage(values map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(values)
	if values == nil || err != nil {
		return nil
	}
	return s
}

func positionMessage(p audit.Position) *governancev1.LogPosition {
	return &governancev1.LogPosition{EntryId: p.EntryID.String(), LeafIndex: p.LeafIndex, LeafHash: p.LeafHash[:], Position: p.LeafIndex + 1}
}

func checkpointMessage(h auditlog.SignedHead) *governancev1.Checkpoint {
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
