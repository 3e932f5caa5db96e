package api

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/replay"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

const (
	// impactDifferences is the number of differences in the last message, as the contract says.
	impactDifferences = 100
	// cancelTimeout bounds the cancellation of a replay whose caller has left.
	cancelTimeout = 10 * time.Second
)

// AnalyzeImpact replays the last days and shows the replay while it goes on.
func (s *PolicySimulationService) AnalyzeImpact(
	req *governancev1.AnalyzeImpactRequest, stream grpc.ServerStreamingServer[governancev1.AnalyzeImpactResponse],
) error {
	ctx := stream.Context()
	create := &governancev1.CreateReplayRequest{
		PolicyId: req.GetPolicyId(), DecisionPoint: req.GetDecisionPoint(),
		TimeRange: &typev1.TimeRange{StartTime: timestamppb.New(time.Now().AddDate(0, 0, -int(req.GetDays())))},
	}
	if m := req.GetModules(); m != nil {
		create.Candidate = &governancev1.CreateReplayRequest_Modules{Modules: m}
	} else {
		create.Candidate = &governancev1.CreateReplayRequest_PolicyVersionId{PolicyVersionId: req.GetPolicyVersionId()}
	}
	created, err := s.CreateReplay(ctx, create)
	if err != nil {
		return err
	}
	id, err := parseID("replay_id", created.GetReplay().GetId())
	if err != nil {
		return err
	}
	err = s.Followers.Follow(ctx, id, func(r replay.Replay) error {
		if !r.State.Done() {
			return stream.Send(&governancev1.AnalyzeImpactResponse{Replay: replayMessage(r)})
		}
		last, err := s.impact(ctx, id)
		if err != nil {
			return err
		}
		return stream.Send(last)
	})
	if ctx.Err() != nil && errs.ReasonOf(context.Cause(ctx)) != errs.ReasonTokenExpired { // whose token has expired asks for it by its id
		s.abandon(ctx, id)
	}
	return err
}

// impact is the last message: the whole report and the first differences.
func (s *PolicySimulationService) impact(ctx context.Context, id uuid.UUID) (*governancev1.AnalyzeImpactResponse, error) {
	m, err := s.readReplay(ctx, id)
	if err != nil {
		return nil, err
	}
	res := &governancev1.AnalyzeImpactResponse{Replay: m}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		list, _, err := replay.ListDifferences(ctx, tx, id, -1, impactDifferences)
		res.Differences = replayDifferenceMessages(list)
		return err
	})
	return res, err
}

// abandon cancels the replay of a caller who has left. If it cannot be cancelled it ends by itself; nobody is there to be told.
func (s *PolicySimulationService) abandon(ctx context.Context, id uuid.UUID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer cancel()
	_, _ = s.CancelReplay(ctx, &governancev1.CancelReplayRequest{ReplayId: id.String()})
}
