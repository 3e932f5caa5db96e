package cli_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// shadowDouble keeps shadows for simulationDouble. All have found the same three differences.
type shadowDouble struct {
	mu      sync.Mutex // guards what follows
	shadows []*governancev1.Shadow
	idle    bool // nothing was compared
}

var shadowStart = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func (d *shadowDouble) StartShadow(_ context.Context, req *governancev1.StartShadowRequest) (*governancev1.StartShadowResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &governancev1.Shadow{
		Id: id(700 + len(d.shadows)), PolicyId: id(100), PolicyVersionId: req.GetPolicyVersionId(), SamplingRate: req.GetSamplingRate(),
		State: governancev1.ShadowState_SHADOW_STATE_RUNNING, Subject: "ann", CreateTime: timestamppb.New(shadowStart),
		ExpireTime: timestamppb.New(shadowStart.Add(req.GetDuration().AsDuration())), Summary: &governancev1.DifferenceSummary{}, Skipped: 7,
	}
	d.shadows = append(d.shadows, s)
	return &governancev1.StartShadowResponse{Shadow: s}, nil
}

func (d *shadowDouble) find(id string) (*governancev1.Shadow, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.shadows {
		if s.GetId() == id {
			if s.Summary = (&governancev1.DifferenceSummary{Compared: 5, Same: 2, AllowToDeny: 2, ObligationsChanged: 1}); d.idle {
				s.Summary = nil
			}
			return s, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "shadow not found")
}

func (d *shadowDouble) StopShadow(_ context.Context, req *governancev1.StopShadowRequest) (*governancev1.StopShadowResponse, error) {
	s, err := d.find(req.GetShadowId())
	if err != nil {
		return nil, err
	}
	s.State, s.EndTime = governancev1.ShadowState_SHADOW_STATE_STOPPED, timestamppb.New(shadowStart.Add(time.Minute))
	s.Summary = nil // what was counted last comes later
	return &governancev1.StopShadowResponse{Shadow: s}, nil
}

func (d *shadowDouble) GetShadow(_ context.Context, req *governancev1.GetShadowRequest) (*governancev1.GetShadowResponse, error) {
	s, err := d.find(req.GetShadowId())
	return &governancev1.GetShadowResponse{Shadow: s}, err
}

// ListShadows returns one shadow a page.
func (d *shadowDouble) ListShadows(_ context.Context, req *governancev1.ListShadowsRequest) (*governancev1.ListShadowsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []*governancev1.Shadow
	for _, s := range slices.Backward(d.shadows) {
		if req.GetPolicyId() == "" || s.GetPolicyId() == req.GetPolicyId() {
			found = append(found, s)
		}
	}
	at, _ := strconv.Atoi(req.GetPageToken())
	if at >= len(found) {
		return &governancev1.ListShadowsResponse{}, nil
	}
	res := &governancev1.ListShadowsResponse{Shadows: found[at : at+1]}
	if at+1 < len(found) {
		res.NextPageToken = strconv.Itoa(at + 1)
	}
	return res, nil
}

func (d *shadowDouble) ListShadowDifferences(
	_ context.Context, req *governancev1.ListShadowDifferencesRequest,
) (*governancev1.ListShadowDifferencesResponse, error) {
	if _, err := d.find(req.GetShadowId()); err != nil {
		return nil, err
	}
	first := &governancev1.ShadowDifference{
		DecisionId: id(801), DecideTime: timestamppb.New(shadowStart), Resource: &governancev1.DecidedResource{Type: "order", Id: "o-1"},
		Difference: &governancev1.AnswerDifference{
			FromOutcome: governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW, ToOutcome: governancev1.DecisionOutcome_DECISION_OUTCOME_DENY,
			ViolationsAdded:   []*governancev1.Violation{{Code: "LIMIT"}, {Code: "AMOUNT", Message: "over 5"}, {Code: "AMOUNT", Message: "over 6"}},
			ViolationsRemoved: []*governancev1.Violation{{Message: "too late"}, {Code: "AMOUNT", Message: "over 7"}},
		},
	}
	second := &governancev1.ShadowDifference{
		DecisionId: id(800), DecideTime: timestamppb.New(shadowStart),
		Difference: &governancev1.AnswerDifference{
			FromOutcome:      governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR,
			FromErrorReason:  governancev1.DecisionErrorReason_DECISION_ERROR_REASON_DEADLINE,
			ToOutcome:        governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW,
			ObligationsAdded: []*governancev1.Obligation{{Id: "log"}},
		},
	}
	if req.GetPageToken() == "" {
		return &governancev1.ListShadowDifferencesResponse{Differences: []*governancev1.ShadowDifference{first}, NextPageToken: "2"}, nil
	}
	return &governancev1.ListShadowDifferencesResponse{Differences: []*governancev1.ShadowDifference{second}}, nil
}

func (d *simulationDouble) StartShadow(ctx context.Context, req *governancev1.StartShadowRequest) (*governancev1.StartShadowResponse, error) {
	return d.shadows.StartShadow(ctx, req)
}

func (d *simulationDouble) StopShadow(ctx context.Context, req *governancev1.StopShadowRequest) (*governancev1.StopShadowResponse, error) {
	return d.shadows.StopShadow(ctx, req)
}

func (d *simulationDouble) GetShadow(ctx context.Context, req *governancev1.GetShadowRequest) (*governancev1.GetShadowResponse, error) {
	return d.shadows.GetShadow(ctx, req)
}

func (d *simulationDouble) ListShadows(ctx context.Context, req *governancev1.ListShadowsRequest) (*governancev1.ListShadowsResponse, error) {
	return d.shadows.ListShadows(ctx, req)
}

func (d *simulationDouble) ListShadowDifferences(
	ctx context.Context, req *governancev1.ListShadowDifferencesRequest,
) (*governancev1.ListShadowDifferencesResponse, error) {
	return d.shadows.ListShadowDifferences(ctx, req)
}
