package cli_test

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

// historyDouble knows one policy: created, changed and corrected, deleted.
type historyDouble struct {
	governancev1.UnimplementedTimeMachineServiceServer

	got    *governancev1.GetResourceAtRequest
	listed *governancev1.ListResourcesAtRequest
	diffed *governancev1.DiffResourcesRequest
}

func value(v any) *structpb.Value {
	converted, err := structpb.NewValue(v)
	if err != nil {
		panic(err)
	}
	return converted
}

func changes() []*governancev1.ResourceChange {
	recorded := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	version := func(index int64, event string, state map[string]any) *governancev1.ResourceVersion {
		v := &governancev1.ResourceVersion{
			ResourceType: "policy", ResourceId: "p-1", Name: "limits", EventType: event,
			Existence: governancev1.ResourceExistence_RESOURCE_EXISTENCE_DELETED,
			Entry:     &governancev1.LogPosition{EntryId: entryID(int(index)), LeafIndex: index, LeafHash: []byte{0xab, byte(index)}, Position: index + 1},
			Actor:     &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_USER, Id: "ann"}, RecordedTime: timestamppb.New(recorded.Add(time.Duration(index) * time.Hour)),
			EffectiveTime: timestamppb.New(recorded),
		}
		if state != nil {
			v.Existence, v.State = governancev1.ResourceExistence_RESOURCE_EXISTENCE_PRESENT, value(state).GetStructValue()
		}
		return v
	}
	corrected := version(4, "policy.changed", map[string]any{"limit": 2.0, "text": "\x1b[2J"})
	corrected.Corrections = []*governancev1.Correction{{
		Position: &governancev1.LogPosition{LeafIndex: 7}, RecordedTime: timestamppb.New(recorded), Actor: &typev1.Actor{Id: "eve"}, Reason: "the limit was 20",
	}}
	return []*governancev1.ResourceChange{
		{Version: version(0, "policy.created", map[string]any{"limit": 1.0}), Differences: []*governancev1.FieldDifference{
			{Path: "/limit", Kind: governancev1.DifferenceKind_DIFFERENCE_KIND_ADDED, After: value(1.0)},
		}},
		{Version: corrected, Differences: differences()},
		{Version: version(9, "policy.deleted", nil), Differences: []*governancev1.FieldDifference{
			{Path: "/limit", Kind: governancev1.DifferenceKind_DIFFERENCE_KIND_REMOVED, Before: value(2.0)},
		}},
	}
}

func differences() []*governancev1.FieldDifference {
	return []*governancev1.FieldDifference{
		{Path: "/limit", Kind: governancev1.DifferenceKind_DIFFERENCE_KIND_CHANGED, Before: value(1.0), After: value(2.0)},
		{Path: "/text", Kind: governancev1.DifferenceKind_DIFFERENCE_KIND_ADDED, After: value("\x1b[2J")},
	}
}

func known(r *governancev1.ResourceReference) bool {
	return r.GetType() == "policy" && r.GetId() == "p-1"
}

// ListResourceHistory returns one change a page, to see that pages are followed.
func (d *historyDouble) ListResourceHistory(
	_ context.Context, req *governancev1.ListResourceHistoryRequest,
) (*governancev1.ListResourceHistoryResponse, error) {
	if !known(req.GetResource()) {
		return &governancev1.ListResourceHistoryResponse{}, nil
	}
	all := changes()
	if req.GetNewestFirst() {
		all[0], all[2] = all[2], all[0]
	}
	at := len(req.GetPageToken())
	res := &governancev1.ListResourceHistoryResponse{Changes: all[at : at+1]}
	if at < len(all)-1 {
		res.NextPageToken = "xx"[:at+1]
	}
	return res, nil
}

func (d *historyDouble) GetResourceAt(_ context.Context, req *governancev1.GetResourceAtRequest) (*governancev1.GetResourceAtResponse, error) {
	d.got = req
	if !known(req.GetResource()) {
		return nil, refuse(codes.NotFound, "NOT_FOUND", "policy not found")
	}
	return &governancev1.GetResourceAtResponse{Version: changes()[1].GetVersion()}, nil
}

// ListResourcesAt begins with a page that has no resource, as one that passes over deleted ones does.
func (d *historyDouble) ListResourcesAt(_ context.Context, req *governancev1.ListResourcesAtRequest) (*governancev1.ListResourcesAtResponse, error) {
	d.listed = req
	if req.GetPageToken() == "" {
		return &governancev1.ListResourcesAtResponse{NextPageToken: "x"}, nil
	}
	return &governancev1.ListResourcesAtResponse{Versions: []*governancev1.ResourceVersion{changes()[0].GetVersion(), changes()[2].GetVersion()}}, nil
}

func (d *historyDouble) DiffResources(_ context.Context, req *governancev1.DiffResourcesRequest) (*governancev1.DiffResourcesResponse, error) {
	d.diffed = req
	res := &governancev1.DiffResourcesResponse{}
	if known(req.GetBefore().GetResource()) {
		res.Before = changes()[0].GetVersion()
	}
	if known(req.GetAfter().GetResource()) {
		res.After = changes()[1].GetVersion()
		if req.GetAfter().GetAt().GetLeafIndex() != 0 {
			res.Differences = differences()
		}
	}
	return res, nil
}
