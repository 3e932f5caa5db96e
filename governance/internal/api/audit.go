package api

import (
	"context"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
)

// AuditService serves aumos.governance.v1.AuditService.
type AuditService struct {
	governancev1.UnimplementedAuditServiceServer

	Wall *audit.Wall
}

// GetEntry returns one entry.
func (s *AuditService) GetEntry(ctx context.Context, req *governancev1.GetEntryRequest) (*governancev1.GetEntryResponse, error) {
	if _, byIndex := req.GetKey().(*governancev1.GetEntryRequest_LeafIndex); byIndex {
		e, err := s.Wall.GetByIndex(ctx, req.GetLeafIndex())
		if err != nil {
			return nil, err
		}
		return &governancev1.GetEntryResponse{Entry: logEntryMessage(e)}, nil
	}
	id, err := parseID("entry_id", req.GetEntryId())
	if err != nil {
		return nil, err
	}
	e, err := s.Wall.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return &governancev1.GetEntryResponse{Entry: logEntryMessage(e)}, nil
}

// ListEntries lists entries in the order of their index.
func (s *AuditService) ListEntries(ctx context.Context, req *governancev1.ListEntriesRequest) (*governancev1.ListEntriesResponse, error) {
	after, ok, err := page.Decode[int64](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if !ok {
		after = -1
	}
	filter, err := entryFilterOf(req)
	if err != nil {
		return nil, err
	}
	entries, more, err := s.Wall.List(ctx, filter, after, page.Size(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListEntriesResponse{Entries: make([]*governancev1.LogEntry, len(entries))}
	for i, e := range entries {
		res.Entries[i] = logEntryMessage(e)
	}
	if more {
		res.NextPageToken = page.Encode(ctx, req, entries[len(entries)-1].LeafIndex)
	}
	return res, nil
}

// GetCheckpoint returns a signed head that covers every entry answered before the call.
func (s *AuditService) GetCheckpoint(ctx context.Context, _ *governancev1.GetCheckpointRequest) (*governancev1.GetCheckpointResponse, error) {
	head, err := s.Wall.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	return &governancev1.GetCheckpointResponse{Checkpoint: checkpointMessage(head)}, nil
}

// GetInclusionProof proves that an entry is in a tree.
func (s *AuditService) GetInclusionProof(
	ctx context.Context, req *governancev1.GetInclusionProofRequest,
) (*governancev1.GetInclusionProofResponse, error) {
	p, err := s.Wall.InclusionProof(ctx, req.GetLeafIndex(), req.GetTreeSize())
	if err != nil {
		return nil, err
	}
	return &governancev1.GetInclusionProofResponse{
		LeafIndex: p.LeafIndex, TreeSize: p.TreeSize, LeafHash: p.LeafHash[:], Hashes: hashMessages(p.Hashes), RootHash: p.Root[:],
	}, nil
}

// GetConsistencyProof proves that one tree is a prefix of another.
func (s *AuditService) GetConsistencyProof(
	ctx context.Context, req *governancev1.GetConsistencyProofRequest,
) (*governancev1.GetConsistencyProofResponse, error) {
	p, err := s.Wall.ConsistencyProof(ctx, req.GetFirstTreeSize(), req.GetSecondTreeSize())
	if err != nil {
		return nil, err
	}
	return &governancev1.GetConsistencyProofResponse{
		FirstTreeSize: p.FirstSize, SecondTreeSize: p.SecondSize, FirstRootHash: p.FirstRoot[:], SecondRootHash: p.SecondRoot[:],
		Hashes: hashMessages(p.Hashes),
	}, nil
}

// GetReceipt returns an entry's receipt.
func (s *AuditService) GetReceipt(ctx context.Context, req *governancev1.GetReceiptRequest) (*governancev1.GetReceiptResponse, error) {
	id, err := parseID("entry_id", req.GetEntryId())
	if err != nil {
		return nil, err
	}
	receipt, position, err := s.Wall.Receipt(ctx, id)
	if err != nil {
		return nil, err
	}
	return &governancev1.GetReceiptResponse{Position: positionMessage(position), Receipt: receipt}, nil
}

// ListLogKeys returns the keys that sign the tenant's checkpoints.
func (s *AuditService) ListLogKeys(ctx context.Context, _ *governancev1.ListLogKeysRequest) (*governancev1.ListLogKeysResponse, error) {
	keys, err := s.Wall.Keys(ctx)
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListLogKeysResponse{Keys: make([]*governancev1.LogKey, len(keys))}
	for i, k := range keys {
		res.Keys[i] = &governancev1.LogKey{Origin: k.Origin, Vkey: k.VKey}
	}
	return res, nil
}
