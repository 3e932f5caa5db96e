package cli_test

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

// simulationDouble finds that a candidate denies what was allowed whenever the input, or the decision, says so.
type simulationDouble struct {
	governancev1.UnimplementedPolicySimulationServiceServer

	shadows *shadowDouble

	mu        sync.Mutex // guards what follows
	simulated []*governancev1.SimulatePolicyRequest
	created   []*governancev1.CreateReplayRequest
	analyzed  []*governancev1.AnalyzeImpactRequest
	replay    *governancev1.Replay // what replays come to
	looks     int                  // until a replay is done
	expires   bool                 // the token, before a replay is done
}

var (
	allowed = governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW
	denied  = governancev1.DecisionOutcome_DECISION_OUTCOME_DENY
	biased  = []*governancev1.Violation{{Code: "BIAS", Message: "no report \x1b[31m"}}
)

func deniedNow() *governancev1.AnswerDifference {
	return &governancev1.AnswerDifference{
		FromOutcome: allowed, ToOutcome: denied, ViolationsAdded: biased, ObligationsRemoved: []*governancev1.Obligation{{Id: "log"}},
	}
}

// SimulatePolicy denies inputs with the member "bias". Modules that hold "missing" do not compile.
func (d *simulationDouble) SimulatePolicy(_ context.Context, req *governancev1.SimulatePolicyRequest) (*governancev1.SimulatePolicyResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.simulated = append(d.simulated, req)
	for _, m := range req.GetModules().GetModules() {
		if m.GetSource() == "package p\nallow := missing\n" {
			return &governancev1.SimulatePolicyResponse{Errors: []*governancev1.RegoFinding{
				{ModulePath: m.GetPath(), Row: 2, Column: 10, Code: "rego_unsafe_var_error", Message: "var missing is unsafe"},
			}}, nil
		}
	}
	res := &governancev1.SimulatePolicyResponse{Summary: &governancev1.DifferenceSummary{}, ComparedWithPolicyVersionId: id(200)}
	for _, in := range req.GetInputs() {
		r := &governancev1.SimulationResult{
			Name: in.GetName(), Candidate: &governancev1.PolicyAnswer{Outcome: allowed}, ComparedWith: &governancev1.PolicyAnswer{Outcome: allowed},
		}
		res.Summary.Compared++
		if _, ok := in.GetInput().GetFields()["bias"]; ok {
			r.Candidate, r.Difference = &governancev1.PolicyAnswer{Outcome: denied, Violations: biased}, deniedNow()
			res.Summary.AllowToDeny++
		} else {
			res.Summary.Same++
		}
		res.Results = append(res.Results, r)
	}
	return res, nil
}

func doneReplay(summary *governancev1.DifferenceSummary) *governancev1.Replay {
	at := timestamppb.New(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	r := &governancev1.Replay{
		Id: id(700), PolicyId: id(100), ContentSha256: []byte{0xab, 0xcd}, State: governancev1.ReplayState_REPLAY_STATE_SUCCEEDED,
		TimeRange: &typev1.TimeRange{StartTime: at, EndTime: at}, Scanned: 12, Total: 12, Summary: summary, DecisionsSummary: summary,
		Subject: "ann", CreateTime: at, StartTime: at, EndTime: at,
	}
	if summary.GetAllowToDeny() > 0 {
		r.Resources = []*governancev1.ResourceDifference{
			{Resource: &governancev1.DecidedResource{Type: "model", Id: "m-1\x1b[2J"}, Summary: summary},
			{Summary: &governancev1.DifferenceSummary{Compared: 1, ViolationsChanged: 1}},
		}
		r.Rules = []*governancev1.RuleDifference{{Code: "BIAS", Added: summary.GetAllowToDeny()}}
	}
	return r
}

func (d *simulationDouble) CreateReplay(_ context.Context, req *governancev1.CreateReplayRequest) (*governancev1.CreateReplayResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.created = append(d.created, req)
	return &governancev1.CreateReplayResponse{Replay: &governancev1.Replay{
		Id: id(700), PolicyId: req.GetPolicyId(), State: governancev1.ReplayState_REPLAY_STATE_PENDING, TimeRange: req.GetTimeRange(), Total: 12,
	}}, nil
}

func (d *simulationDouble) GetReplay(_ context.Context, req *governancev1.GetReplayRequest) (*governancev1.GetReplayResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if req.GetReplayId() != id(700) {
		return nil, refuse(codes.NotFound, "NOT_FOUND", "replay not found")
	}
	if d.looks > 0 {
		d.looks--
		return &governancev1.GetReplayResponse{Replay: &governancev1.Replay{
			Id: id(700), State: governancev1.ReplayState_REPLAY_STATE_RUNNING, Scanned: 3, Total: 12,
		}}, nil
	}
	return &governancev1.GetReplayResponse{Replay: d.replay}, nil
}

func (d *simulationDouble) ListReplays(_ context.Context, req *governancev1.ListReplaysRequest) (*governancev1.ListReplaysResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if req.GetPageToken() == "" {
		return &governancev1.ListReplaysResponse{Replays: []*governancev1.Replay{d.replay}, NextPageToken: "1"}, nil
	}
	return &governancev1.ListReplaysResponse{Replays: []*governancev1.Replay{{Id: id(699), State: governancev1.ReplayState_REPLAY_STATE_FAILED}}}, nil
}

func (d *simulationDouble) CancelReplay(_ context.Context, req *governancev1.CancelReplayRequest) (*governancev1.CancelReplayResponse, error) {
	return &governancev1.CancelReplayResponse{Replay: &governancev1.Replay{
		Id: req.GetReplayId(), State: governancev1.ReplayState_REPLAY_STATE_CANCELLED, Summary: &governancev1.DifferenceSummary{Compared: 5, Same: 5},
	}}, nil
}

func replayDifference() *governancev1.ReplayDifference {
	return &governancev1.ReplayDifference{
		DecisionId: id(800), DecideTime: timestamppb.New(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)),
		Resource: &governancev1.DecidedResource{Type: "model", Id: "m-1"}, PolicyVersionId: id(200), Difference: deniedNow(),
	}
}

func (d *simulationDouble) ListReplayDifferences(
	_ context.Context, _ *governancev1.ListReplayDifferencesRequest,
) (*governancev1.ListReplayDifferencesResponse, error) {
	return &governancev1.ListReplayDifferencesResponse{Differences: []*governancev1.ReplayDifference{replayDifference()}}, nil
}

func (d *simulationDouble) AnalyzeImpact(
	req *governancev1.AnalyzeImpactRequest, stream grpc.ServerStreamingServer[governancev1.AnalyzeImpactResponse],
) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.analyzed = append(d.analyzed, req)
	running := &governancev1.Replay{Id: id(700), State: governancev1.ReplayState_REPLAY_STATE_RUNNING, Scanned: 3, Total: 12}
	if err := stream.Send(&governancev1.AnalyzeImpactResponse{Replay: running}); err != nil {
		return err
	}
	if d.expires {
		return refuse(codes.Unauthenticated, "TOKEN_EXPIRED", "the token that opened the stream has expired")
	}
	if d.replay == nil { // this replica stops
		return refuse(codes.Unavailable, "UNAVAILABLE", "this replica is unavailable: retry")
	}
	return stream.Send(&governancev1.AnalyzeImpactResponse{Replay: d.replay, Differences: []*governancev1.ReplayDifference{replayDifference()}})
}
