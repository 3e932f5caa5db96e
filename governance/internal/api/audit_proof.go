package api

import (
	"context"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

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

// GetHeadCommitment returns the proof that the tenant's newest head stands on the platform's log.
func (s *AuditService) GetHeadCommitment(
	ctx context.Context, _ *governancev1.GetHeadCommitmentRequest,
) (*governancev1.GetHeadCommitmentResponse, error) {
	c, err := s.Wall.HeadCommitment(ctx)
	if err != nil {
		return nil, err
	}
	return &governancev1.GetHeadCommitmentResponse{Commitment: &governancev1.HeadCommitment{
		Checkpoint: checkpointMessage(c.Head), Leaf: c.Leaf, Receipt: c.Receipt,
	}}, nil
}

// ListLogKeys returns the keys that sign the tenant's checkpoints, and those of the platform's log.
func (s *AuditService) ListLogKeys(ctx context.Context, _ *governancev1.ListLogKeysRequest) (*governancev1.ListLogKeysResponse, error) {
	keys, err := s.Wall.Keys(ctx)
	if err != nil {
		return nil, err
	}
	platform, err := s.Wall.PlatformKeys()
	if err != nil {
		return nil, err
	}
	return &governancev1.ListLogKeysResponse{Keys: keyMessages(keys), PlatformKeys: keyMessages(platform)}, nil
}

func keyMessages(keys []audit.LogKey) []*governancev1.LogKey {
	messages := make([]*governancev1.LogKey, len(keys))
	for i, k := range keys {
		messages[i] = &governancev1.LogKey{Origin: k.Origin, Vkey: k.VKey}
	}
	return messages
}
