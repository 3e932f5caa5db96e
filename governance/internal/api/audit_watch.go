package api

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// heartbeatInterval is how long a watch is silent unless its request says otherwise.
const heartbeatInterval = 10 * time.Second

// WatchEntries streams entries until the caller or the server ends the call.
func (s *AuditService) WatchEntries(
	req *governancev1.WatchEntriesRequest, stream grpc.ServerStreamingServer[governancev1.WatchEntriesResponse],
) error {
	ctx := stream.Context()
	filter, names, err := entryFilterOf(req)
	if err != nil {
		return err
	}
	interval := heartbeatInterval
	if req.GetHeartbeatInterval() != nil {
		interval = req.GetHeartbeatInterval().AsDuration()
	}
	watch, err := s.Wall.Watch(ctx, filter, req.GetFromLeafIndex())
	if err != nil {
		return err
	}
	defer watch.Close()
	read := reading.Read{RPC: "WatchEntries", Filters: names}
	if err := s.Reading.Note(ctx, read); err != nil {
		return err
	}
	read.Continued = true
	for {
		entries, next, err := watch.Next(ctx, interval)
		if err != nil {
			return err
		}
		read.Indexes = indexesOf(entries)
		if err := s.Reading.Note(ctx, read); err != nil { // of a silence too: it keeps the session of who goes on watching
			return err
		}
		if err := show(stream, entries, next); err != nil {
			return err
		}
	}
}

// show sends entries, or a heartbeat for none. It waits for a caller that is slow, and nothing more is read meanwhile.
func show(stream grpc.ServerStreamingServer[governancev1.WatchEntriesResponse], entries []audit.LogEntry, next int64) error {
	for _, e := range entries {
		if err := stream.Send(&governancev1.WatchEntriesResponse{Event: &governancev1.WatchEntriesResponse_Entry{Entry: logEntryMessage(e)}}); err != nil {
			return err
		}
	}
	if len(entries) > 0 {
		return nil
	}
	return stream.Send(&governancev1.WatchEntriesResponse{Event: &governancev1.WatchEntriesResponse_Heartbeat{
		Heartbeat: &governancev1.WatchHeartbeat{NextLeafIndex: next, Time: timestamppb.Now()},
	}})
}
