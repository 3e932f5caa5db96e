package api

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
)

// GetEntry returns one entry with its corrections.
func (s *AuditService) GetEntry(ctx context.Context, req *governancev1.GetEntryRequest) (*governancev1.GetEntryResponse, error) {
	if err := s.Wall.AwaitPosition(ctx, req.GetMinPosition()); err != nil {
		return nil, err
	}
	e, key, err := s.entry(ctx, req)
	if err != nil {
		return nil, err
	}
	corrections, err := s.Wall.Corrections(ctx, []uuid.UUID{e.EntryID})
	if err != nil {
		return nil, err
	}
	e.Corrections = corrections[e.EntryID]
	if err := s.Reading.Note(ctx, reading.Read{RPC: "GetEntry", Filters: []string{key}, Indexes: []int64{e.LeafIndex}}); err != nil {
		return nil, err
	}
	return &governancev1.GetEntryResponse{Entry: logEntryMessage(e)}, nil
}

// entry returns the entry that a request names, and the name of the field that names it.
func (s *AuditService) entry(ctx context.Context, req *governancev1.GetEntryRequest) (e audit.LogEntry, key string, err error) {
	if _, byIndex := req.GetKey().(*governancev1.GetEntryRequest_LeafIndex); byIndex {
		e, err = s.Wall.GetByIndex(ctx, req.GetLeafIndex())
		return e, "leaf_index", err
	}
	id, err := parseID("entry_id", req.GetEntryId())
	if err != nil {
		return audit.LogEntry{}, "", err
	}
	e, err = s.Wall.Get(ctx, id)
	return e, "entry_id", err
}

// ListEntries lists entries in the order of their index, or against it.
func (s *AuditService) ListEntries(ctx context.Context, req *governancev1.ListEntriesRequest) (*governancev1.ListEntriesResponse, error) {
	after, ok, err := page.Decode[int64](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if !ok {
		after = -1
	}
	filter, names, err := listFilterOf(req)
	if err != nil {
		return nil, err
	}
	if err := s.Wall.AwaitPosition(ctx, req.GetMinPosition()); err != nil {
		return nil, err
	}
	entries, more, err := s.Wall.List(ctx, filter, after, page.Size(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	messages := make([]*governancev1.LogEntry, len(entries))
	for i, e := range entries {
		messages[i] = logEntryMessage(e)
	}
	res := &governancev1.ListEntriesResponse{}
	res.Entries, res.NextPageToken = page.Cut(ctx, req, messages, more, func(last int) int64 { return entries[last].LeafIndex })
	read := reading.Read{RPC: "ListEntries", Filters: names, Indexes: indexesOf(entries[:len(res.GetEntries())])}
	return res, s.Reading.Note(ctx, read)
}

// ListCheckpoints lists the stored checkpoints, newest first.
func (s *AuditService) ListCheckpoints(
	ctx context.Context, req *governancev1.ListCheckpointsRequest,
) (*governancev1.ListCheckpointsResponse, error) {
	before, _, err := page.Decode[int64](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	heads, more, err := s.Wall.Checkpoints(ctx, before, page.Size(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	messages := make([]*governancev1.Checkpoint, len(heads))
	for i, h := range heads {
		messages[i] = checkpointMessage(h)
	}
	res := &governancev1.ListCheckpointsResponse{}
	res.Checkpoints, res.NextPageToken = page.Cut(ctx, req, messages, more, func(last int) int64 { return heads[last].Size })
	return res, nil
}

func indexesOf(entries []audit.LogEntry) []int64 {
	indexes := make([]int64, len(entries))
	for i, e := range entries {
		indexes[i] = e.LeafIndex
	}
	return indexes
}

// logEntryMessage decodes the leaf for people. A leaf that is not an entry is shown as its bytes alone.
func logEntryMessage(e audit.LogEntry) *governancev1.LogEntry {
	m := &governancev1.LogEntry{
		Leaf: e.Leaf, StoredHashes: e.StoredHashes, MismatchedColumns: e.Mismatched, Corrections: correctionMessages(e.Corrections),
	}
	var entry governancev1.AuditEntry
	if proto.Unmarshal(e.Leaf, &entry) == nil {
		m.Entry = &entry
	}
	return m
}

func correctionMessages(corrections []audit.Correction) []*governancev1.Correction {
	messages := make([]*governancev1.Correction, len(corrections))
	for i, c := range corrections {
		messages[i] = &governancev1.Correction{
			Position: positionMessage(c.Position), RecordedTime: timestamppb.New(c.RecordedTime), Actor: actorMessage(c.Actor), Reason: c.Reason,
			Corrected: structMessage(c.Corrected),
		}
	}
	return messages
}

// actorMessage relies on the kinds of actor having the contract's numbers.
func actorMessage(a auditlog.Actor) *typev1.Actor {
	return &typev1.Actor{Kind: typev1.ActorKind(a.Kind), Id: a.ID, OnBehalfOf: a.OnBehalfOf}
}
