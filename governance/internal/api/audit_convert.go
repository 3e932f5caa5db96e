package api

import (
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

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
