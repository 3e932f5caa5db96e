package api

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/governance/internal/statediff"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
)

// TimeMachineService serves aumos.governance.v1.TimeMachineService.
type TimeMachineService struct {
	governancev1.UnimplementedTimeMachineServiceServer

	Wall    *audit.Wall
	Reading *reading.Recorder
}

// GetResourceAt returns a resource's state at a moment.
func (s *TimeMachineService) GetResourceAt(
	ctx context.Context, req *governancev1.GetResourceAtRequest,
) (*governancev1.GetResourceAtResponse, error) {
	asked, err := resourceAtOf("", req.GetResource(), req.GetAt())
	if err != nil {
		return nil, err
	}
	if err := s.Wall.AwaitPosition(ctx, req.GetMinPosition()); err != nil {
		return nil, err
	}
	states, err := s.Wall.States(ctx, asked)
	if err != nil {
		return nil, err
	}
	versions, err := s.versions(ctx, "GetResourceAt", append([]string{"resource"}, momentFilters("at", req.GetAt())...), states...)
	if err != nil {
		return nil, err
	}
	if versions[0] == nil {
		return nil, errs.ResourceNotFound(asked.Type, asked.ID)
	}
	return &governancev1.GetResourceAtResponse{Version: versions[0].message}, nil
}

// ListResourcesAt lists the resources of a kind as they were at a moment.
func (s *TimeMachineService) ListResourcesAt(
	ctx context.Context, req *governancev1.ListResourcesAtRequest,
) (*governancev1.ListResourcesAtResponse, error) {
	list := audit.StateList{ResourceType: req.GetResourceType(), Deleted: req.GetShowDeleted(), Limit: page.Size(req.GetPageSize())}
	var err error
	if list.At, err = momentOf("at", req.GetAt()); err != nil {
		return nil, err
	}
	after, more, err := page.Decode[audit.StatePlace](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if more {
		list.After = &after
	}
	if err := s.Wall.AwaitPosition(ctx, req.GetMinPosition()); err != nil {
		return nil, err
	}
	found, err := s.Wall.ListStates(ctx, list)
	if err != nil {
		return nil, err
	}
	versions, err := s.versions(ctx, "ListResourcesAt", append([]string{"resource_type"}, momentFilters("at", req.GetAt())...), pointers(found.Entries)...)
	if err != nil {
		return nil, err
	}
	messages := make([]*governancev1.ResourceVersion, len(versions))
	for i, v := range versions {
		messages[i] = v.message
	}
	res := &governancev1.ListResourcesAtResponse{}
	res.Versions, res.NextPageToken = page.Cut(ctx, req, messages, found.Next != nil, func(last int) audit.StatePlace {
		if last < len(messages)-1 {
			return audit.StatePlace{Last: found.Last, Resource: found.Entries[last].LeafIndex}
		}
		return *found.Next
	})
	return res, nil
}

// DiffResources compares two states field by field.
func (s *TimeMachineService) DiffResources(
	ctx context.Context, req *governancev1.DiffResourcesRequest,
) (*governancev1.DiffResourcesResponse, error) {
	before, err := resourceAtOf("before.", req.GetBefore().GetResource(), req.GetBefore().GetAt())
	if err != nil {
		return nil, err
	}
	after, err := resourceAtOf("after.", req.GetAfter().GetResource(), req.GetAfter().GetAt())
	if err != nil {
		return nil, err
	}
	if err := s.Wall.AwaitPosition(ctx, req.GetMinPosition()); err != nil {
		return nil, err
	}
	states, err := s.Wall.States(ctx, before, after)
	if err != nil {
		return nil, err
	}
	filters := append([]string{"before.resource", "after.resource"}, momentFilters("before.at", req.GetBefore().GetAt())...)
	versions, err := s.versions(ctx, "DiffResources", append(filters, momentFilters("after.at", req.GetAfter().GetAt())...), states...)
	if err != nil {
		return nil, err
	}
	differences, err := differenceMessages(statediff.Diff(versions[0].fields(), versions[1].fields()))
	if err != nil {
		return nil, err
	}
	return &governancev1.DiffResourcesResponse{
		Before: versions[0].proto(), After: versions[1].proto(), Differences: differences,
	}, nil
}

// ListResourceHistory lists all states of a resource, each with what it changed.
func (s *TimeMachineService) ListResourceHistory(
	ctx context.Context, req *governancev1.ListResourceHistoryRequest,
) (*governancev1.ListResourceHistoryResponse, error) {
	asked, err := resourceAtOf("", req.GetResource(), nil)
	if err != nil {
		return nil, err
	}
	history := audit.StateHistory{Resource: asked.Resource, NewestFirst: req.GetNewestFirst(), Limit: page.Size(req.GetPageSize())}
	after, ok, err := page.Decode[int64](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if ok {
		history.After = &after
	}
	if err := s.Wall.AwaitPosition(ctx, req.GetMinPosition()); err != nil {
		return nil, err
	}
	entries, earlier, more, err := s.Wall.History(ctx, history)
	if err != nil {
		return nil, err
	}
	versions, err := s.versions(ctx, "ListResourceHistory", []string{"resource"}, append(pointers(entries), earlier)...)
	if err != nil {
		return nil, err
	}
	last := len(entries) // where the version stands that was recorded before all others
	var changes []*governancev1.ResourceChange
	size := 0
	for i, v := range versions[:last] {
		if size > page.MaxBytes { // differences may take many times their states: none are looked for that the page has no room for
			more = true
			break
		}
		previous := i + 1
		if !req.GetNewestFirst() {
			previous = (i + last) % (last + 1)
		}
		differences, err := differenceMessages(statediff.Diff(versions[previous].fields(), v.fields()))
		if err != nil {
			return nil, err
		}
		changes = append(changes, &governancev1.ResourceChange{Version: v.message, Differences: differences})
		size += proto.Size(changes[i])
	}
	res := &governancev1.ListResourceHistoryResponse{}
	res.Changes, res.NextPageToken = page.Cut(ctx, req, changes, more, func(last int) int64 { return entries[last].LeafIndex })
	return res, nil
}
