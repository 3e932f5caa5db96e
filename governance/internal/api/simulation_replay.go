package api

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/replay"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// CreateReplay starts a replay.
func (s *PolicySimulationService) CreateReplay(
	ctx context.Context, req *governancev1.CreateReplayRequest,
) (*governancev1.CreateReplayResponse, error) {
	if err := withoutNUL("decision_point", req.GetDecisionPoint()); err != nil {
		return nil, err
	}
	const method = governancev1.PolicySimulationService_CreateReplay_FullMethodName
	if res, ok, err := repeated[governancev1.CreateReplayResponse](ctx, s.Mutations, method, req); ok || err != nil {
		return res, err
	}
	c, err := s.candidateOf(ctx, req)
	if err != nil {
		return nil, err
	}
	if c.version.ID == uuid.Nil { // what is stored compiled once, and is tried by the worker
		source, err := c.source()
		if err != nil {
			return nil, err
		}
		tenantID, _ := tenant.FromContext(ctx)
		if _, err := s.Engine.Compile(ctx, tenantID, source); err != nil {
			return nil, c.within(err)
		}
	}
	caller, _ := auth.FromContext(ctx)
	q := replay.Request{
		PolicyID:      c.policy.ID,
		Candidate:     replay.Candidate{VersionID: c.version.ID, ContentSHA256: c.version.ContentSHA256, Modules: c.version.Modules, Data: c.version.Data},
		DecisionPoint: req.GetDecisionPoint(), Subject: caller.Subject,
	}
	if q.From, q.Before, err = rangeOf(req); err != nil {
		return nil, err
	}
	if q.Span, err = replay.FindSpan(ctx, s.Wall, q.From, q.Before); err != nil {
		return nil, err
	}
	defer s.Replays.Wake() // whatever the answer is: the replay may be there
	return mutate(ctx, s.Mutations, actionSimulate, method, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.CreateReplayResponse, []change, error) {
			r, err := replay.Create(ctx, tx, q)
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.CreateReplayResponse{Replay: replayMessage(r)}, []change{{eventType: "policy.replay_created", resource: r.Resource()}}, nil
		})
}

// rangeOf returns the range of decisions' times. An open end is now, and an open beginning that of time.
func rangeOf(req *governancev1.CreateReplayRequest) (from, before time.Time, err error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	from, before = time.Unix(0, 0).UTC(), now
	if t := req.GetTimeRange().GetStartTime(); t != nil {
		from = t.AsTime()
	}
	if t := req.GetTimeRange().GetEndTime(); t != nil {
		before = t.AsTime()
	}
	if !from.Before(before) {
		return from, before, errs.InvalidField("time_range.start_time", "must be before its end, or before now")
	}
	return from, before, nil
}

// GetReplay returns a replay with what it has found.
func (s *PolicySimulationService) GetReplay(ctx context.Context, req *governancev1.GetReplayRequest) (*governancev1.GetReplayResponse, error) {
	id, err := parseID("replay_id", req.GetReplayId())
	if err != nil {
		return nil, err
	}
	m, err := s.readReplay(ctx, id)
	return &governancev1.GetReplayResponse{Replay: m}, err
}

func (s *PolicySimulationService) readReplay(ctx context.Context, id uuid.UUID) (m *governancev1.Replay, err error) {
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		r, err := replay.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		report, err := replay.ReadReport(ctx, tx, id)
		m = replayMessage(r)
		addReport(m, report)
		return err
	})
	return m, err
}

// ListReplays lists replays, newest first.
func (s *PolicySimulationService) ListReplays(ctx context.Context, req *governancev1.ListReplaysRequest) (*governancev1.ListReplaysResponse, error) {
	after, _, err := page.Decode[uuid.UUID](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	policyID, err := filterID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListReplaysResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		replays, more, err := replay.List(ctx, tx, policyID, after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		messages := make([]*governancev1.Replay, len(replays))
		for i, r := range replays {
			messages[i] = replayMessage(r)
		}
		res.Replays, res.NextPageToken = page.Cut(ctx, req, messages, more, func(last int) uuid.UUID { return replays[last].ID })
		return nil
	})
	return res, err
}

// CancelReplay stops a replay.
func (s *PolicySimulationService) CancelReplay(
	ctx context.Context, req *governancev1.CancelReplayRequest,
) (*governancev1.CancelReplayResponse, error) {
	id, err := parseID("replay_id", req.GetReplayId())
	if err != nil {
		return nil, err
	}
	defer s.Followers.Wake(id) // whatever the answer is: the change may be committed
	return mutate(ctx, s.Mutations, actionSimulate, governancev1.PolicySimulationService_CancelReplay_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.CancelReplayResponse, []change, error) {
			r, changed, err := replay.Cancel(ctx, tx, id)
			if err != nil {
				return nil, nil, err
			}
			var changes []change
			if changed {
				changes = []change{{eventType: replay.EventFinished, resource: r.Resource()}}
			}
			report, err := replay.ReadReport(ctx, tx, id)
			m := replayMessage(r)
			addReport(m, report)
			return &governancev1.CancelReplayResponse{Replay: m}, changes, err
		})
}

// ListReplayDifferences lists the decisions that differ, oldest first.
func (s *PolicySimulationService) ListReplayDifferences(
	ctx context.Context, req *governancev1.ListReplayDifferencesRequest,
) (*governancev1.ListReplayDifferencesResponse, error) {
	id, err := parseID("replay_id", req.GetReplayId())
	if err != nil {
		return nil, err
	}
	after, ok, err := page.Decode[int64](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if !ok {
		after = -1
	}
	res := &governancev1.ListReplayDifferencesResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		list, more, err := replay.ListDifferences(ctx, tx, id, after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		res.Differences, res.NextPageToken = page.Cut(ctx, req, replayDifferenceMessages(list), more, func(last int) int64 { return list[last].LeafIndex })
		return nil
	})
	return res, err
}
