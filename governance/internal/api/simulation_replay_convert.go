package api

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/replay"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

var replayStates = map[replay.State]governancev1.ReplayState{ //nolint:gochecknoglobals // a constant table
	replay.Pending:   governancev1.ReplayState_REPLAY_STATE_PENDING,
	replay.Running:   governancev1.ReplayState_REPLAY_STATE_RUNNING,
	replay.Succeeded: governancev1.ReplayState_REPLAY_STATE_SUCCEEDED,
	replay.Failed:    governancev1.ReplayState_REPLAY_STATE_FAILED,
	replay.Cancelled: governancev1.ReplayState_REPLAY_STATE_CANCELLED,
}

func replayMessage(r replay.Replay) *governancev1.Replay {
	return &governancev1.Replay{
		Id: r.ID.String(), PolicyId: r.PolicyID.String(), PolicyVersionId: idText(r.VersionID), ContentSha256: r.ContentSHA256[:],
		TimeRange:     &typev1.TimeRange{StartTime: timestamppb.New(r.From), EndTime: timestamppb.New(r.Before)},
		DecisionPoint: r.DecisionPoint, State: replayStates[r.State], Scanned: r.Scanned(), Total: r.Total(),
		InputsMissing: r.InputsMissing, InputsMasked: r.InputsMasked,
		Summary: summaryMessage(r.Summary), DecisionsSummary: summaryMessage(r.DecisionsSummary),
		Error: r.Error, Subject: r.Subject, CreateTime: timestamppb.New(r.CreateTime),
		StartTime: timeMessage(r.StartTime), EndTime: timeMessage(r.EndTime),
	}
}

// addReport adds what a replay found by resource and by rule, which lists leave out.
func addReport(m *governancev1.Replay, report replay.Report) {
	for _, r := range report.Resources {
		m.Resources = append(m.Resources, &governancev1.ResourceDifference{Resource: decidedMessage(r.Resource.Type, string(r.Resource.ID)), Summary: summaryMessage(r.Summary)})
	}
	for _, r := range report.Rules {
		m.Rules = append(m.Rules, &governancev1.RuleDifference{Code: r.Code, Added: r.Added, Removed: r.Removed})
	}
}

func replayDifferenceMessages(list []replay.Difference) []*governancev1.ReplayDifference {
	messages := make([]*governancev1.ReplayDifference, len(list))
	for i, d := range list {
		messages[i] = &governancev1.ReplayDifference{
			DecisionId: d.DecisionID.String(), DecideTime: timestamppb.New(d.DecideTime), Resource: decidedMessage(d.Resource.Type, string(d.Resource.ID)),
			PolicyVersionId: d.VersionID.String(), Difference: differenceMessage(d.Difference),
		}
	}
	return messages
}
