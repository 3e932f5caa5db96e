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
