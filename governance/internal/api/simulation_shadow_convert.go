package api

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

var shadowStates = map[shadow.State]governancev1.ShadowState{ //nolint:gochecknoglobals // a constant table
	shadow.Running: governancev1.ShadowState_SHADOW_STATE_RUNNING,
	shadow.Stopped: governancev1.ShadowState_SHADOW_STATE_STOPPED,
	shadow.Expired: governancev1.ShadowState_SHADOW_STATE_EXPIRED,
}

func shadowMessage(s shadow.Shadow) *governancev1.Shadow {
	return &governancev1.Shadow{
		Id: idText(s.ID), PolicyId: idText(s.PolicyID), PolicyVersionId: idText(s.VersionID), SamplingRate: s.SamplingRate, State: shadowStates[s.State],
		Summary: summaryMessage(s.Summary), Skipped: s.Skipped, Subject: s.Subject,
		CreateTime: timestamppb.New(s.CreateTime), ExpireTime: timestamppb.New(s.ExpireTime), EndTime: timeMessage(s.EndTime),
	}
}

func shadowDifferenceMessage(d shadow.Difference) *governancev1.ShadowDifference {
	return &governancev1.ShadowDifference{
		DecisionId: d.DecisionID.String(), DecideTime: timestamppb.New(d.DecideTime), PolicyVersionId: idText(d.VersionID),
		Resource: decidedMessage(d.Resource.Type, d.Resource.ID), Difference: differenceMessage(d.Change),
	}
}

// shadowResource is the shadow as entries hold it, without what it found: that goes on growing after the entry.
func shadowResource(p policy.Policy, s shadow.Shadow) auditlog.Resource {
	state := map[string]any{
		"id": s.ID.String(), "policy_id": s.PolicyID.String(), "policy_version_id": s.VersionID.String(), "sampling_rate": s.SamplingRate,
		"state": string(s.State), "subject": s.Subject, "create_time": stamp(s.CreateTime), "expire_time": stamp(s.ExpireTime),
	}
	if s.EndTime != nil {
		state["end_time"] = stamp(*s.EndTime)
	}
	return auditlog.Resource{Type: "policy_shadow", ID: s.ID.String(), Name: p.Name, State: state}
}
