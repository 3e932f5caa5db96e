package api

import (
	"context"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/replay"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const actionConfigure = "decision.configure"

// GetDecisionSettings returns what the tenant keeps of inputs.
func (s *DecisionService) GetDecisionSettings(
	ctx context.Context, _ *governancev1.GetDecisionSettingsRequest,
) (*governancev1.GetDecisionSettingsResponse, error) {
	res := &governancev1.GetDecisionSettingsResponse{}
	err := postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		settings, err := decision.ReadSettings(ctx, tx)
		res.Settings = settingsMessage(settings)
		return err
	})
	return res, err
}

// UpdateDecisionSettings replaces them. It answers when no replica uses the old ones any more.
func (s *DecisionService) UpdateDecisionSettings(
	ctx context.Context, req *governancev1.UpdateDecisionSettingsRequest,
) (*governancev1.UpdateDecisionSettingsResponse, error) {
	id, _ := tenant.FromContext(ctx)
	defer s.Decider.Changed(id) // whatever the answer is: the change may be committed
	res, err := mutate(ctx, s.Mutations, actionConfigure, governancev1.DecisionService_UpdateDecisionSettings_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.UpdateDecisionSettingsResponse, []change, error) {
			settings, changed, err := decision.UpdateSettings(ctx, tx, s.Vault, settingsOf(req.GetSettings()), req.GetSettings().GetEtag())
			if err != nil {
				return nil, nil, within("settings", err)
			}
			res := &governancev1.UpdateDecisionSettingsResponse{Settings: settingsMessage(settings)}
			if !changed {
				return res, nil, nil
			}
			return res, []change{{eventType: "decision_settings.changed", resource: settingsResource(id, settings)}}, nil
		})
	if err != nil {
		return nil, err
	}
	return res, s.Decider.Everywhere(ctx) // also for a repeated request: the first one's answer may never have come
}

// EraseDecisionInputs makes what was kept unreadable.
func (s *DecisionService) EraseDecisionInputs(
	ctx context.Context, req *governancev1.EraseDecisionInputsRequest,
) (*governancev1.EraseDecisionInputsResponse, error) {
	id, _ := tenant.FromContext(ctx)
	defer s.Vault.Wake() // to delete what nobody can read
	defer s.Decider.Changed(id)
	return mutate(ctx, s.Mutations, actionConfigure, governancev1.DecisionService_EraseDecisionInputs_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.EraseDecisionInputsResponse, []change, error) {
			settings, erased, err := decision.EraseInputs(ctx, tx, s.Vault)
			if err != nil {
				return nil, nil, err
			}
			if err := replay.Forget(ctx, tx); err != nil {
				return nil, nil, err
			}
			if err := shadow.Forget(ctx, tx); err != nil {
				return nil, nil, err
			}
			return &governancev1.EraseDecisionInputsResponse{Erased: erased}, []change{{
				eventType: "decision_inputs.erased", resource: settingsResource(id, settings),
				details: map[string]any{"reason": req.GetReason(), "erased": float64(erased)},
			}}, nil
		})
}

func settingsOf(m *governancev1.DecisionSettings) decision.Settings {
	s := decision.Settings{KeepInputs: m.GetKeepInputs(), InputRetention: m.GetInputRetention().AsDuration()}
	for _, mask := range m.GetMasks() {
		s.Masks = append(s.Masks, decision.Mask{Path: mask.GetPath(), DecisionPoint: mask.GetDecisionPoint()})
	}
	return s
}

func settingsMessage(s decision.Settings) *governancev1.DecisionSettings {
	m := &governancev1.DecisionSettings{KeepInputs: s.KeepInputs, Etag: s.ETag()}
	if s.InputRetention > 0 {
		m.InputRetention = durationpb.New(s.InputRetention)
	}
	if s.Revision > 0 {
		m.UpdateTime = timestamppb.New(s.UpdateTime)
	}
	for _, mask := range s.Masks {
		m.Masks = append(m.Masks, &governancev1.InputMask{Path: mask.Path, DecisionPoint: mask.DecisionPoint})
	}
	return m
}

// settingsResource is the settings as entries hold them. A tenant has one of them, under its own id.
func settingsResource(id tenant.ID, s decision.Settings) auditlog.Resource {
	masks := make([]any, len(s.Masks))
	for i, mask := range s.Masks {
		m := map[string]any{"path": mask.Path}
		if mask.DecisionPoint != "" {
			m["decision_point"] = mask.DecisionPoint
		}
		masks[i] = m
	}
	state := map[string]any{"keep_inputs": s.KeepInputs, "input_retention_seconds": s.InputRetention.Seconds(), "masks": masks, "etag": s.ETag()}
	if s.Revision > 0 {
		state["update_time"] = stamp(s.UpdateTime)
	}
	return auditlog.Resource{Type: "decision_settings", ID: id.String(), State: state}
}
