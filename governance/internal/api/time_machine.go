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

// maxPageSize bounds a page in bytes: differences and corrections add to the states, which have bounds of their own.
const maxPageSize = 4 << 20

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
	res := &governancev1.ListResourcesAtResponse{}
	size := 0
	for i, v := range versions {
		if size += proto.Size(v.message); size > maxPageSize && i > 0 {
			found.Next = &audit.StatePlace{Last: found.Last, Resource: versions[i-1].message.GetEntry().GetLeafIndex()}
			break
		}
		res.Versions = append(res.Versions, v.message)
	}
	if found.Next != nil {
		res.NextPageToken = page.Encode(ctx, req, *found.Next)
	}
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
	res := &governancev1.ListResourceHistoryResponse{}
	last := len(entries) // where the version stands that was recorded before all others
	size := 0
	for i, v := range versions[:last] {
		previous := i + 1
		if !req.GetNewestFirst() {
			previous = (i + last) % (last + 1)
		}
		differences, err := differenceMessages(statediff.Diff(versions[previous].fields(), v.fields()))
		if err != nil {
			return nil, err
		}
		change := &governancev1.ResourceChange{Version: v.message, Differences: differences}
		if size += proto.Size(change); size > maxPageSize && i > 0 {
			more = true
			break
		}
		res.Changes = append(res.Changes, change)
	}
	if more {
		res.NextPageToken = page.Encode(ctx, req, entries[len(res.GetChanges())-1].LeafIndex)
	}
	return res, nil
}
