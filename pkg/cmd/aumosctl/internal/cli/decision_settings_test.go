package cli_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (d *policyDouble) GetDecisionSettings(context.Context, *governancev1.GetDecisionSettingsRequest) (*governancev1.GetDecisionSettingsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.settings == nil {
		d.settings = &governancev1.DecisionSettings{Etag: "0"}
	}
	return &governancev1.GetDecisionSettingsResponse{Settings: d.settings}, nil
}

func (d *policyDouble) UpdateDecisionSettings(_ context.Context, req *governancev1.UpdateDecisionSettingsRequest) (*governancev1.UpdateDecisionSettingsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if req.GetSettings().GetEtag() != d.settings.GetEtag() {
		return nil, refuse(codes.Aborted, "STALE_ETAG", "the settings have changed")
	}
	if req.GetSettings().GetInputRetention().AsDuration() == 399*24*time.Hour {
		return nil, refuse(codes.FailedPrecondition, "INPUTS_KEY_MISSING", "this installation cannot keep inputs")
	}
	n, _ := strconv.Atoi(req.GetSettings().GetEtag())
	d.settings = req.GetSettings()
	d.settings.Etag, d.settings.UpdateTime = strconv.Itoa(n+1), timestamppb.New(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	return &governancev1.UpdateDecisionSettingsResponse{Settings: d.settings}, nil
}

func (d *policyDouble) EraseDecisionInputs(_ context.Context, req *governancev1.EraseDecisionInputsRequest) (*governancev1.EraseDecisionInputsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erasures = append(d.erasures, req.GetReason())
	return &governancev1.EraseDecisionInputsResponse{Erased: 12}, nil
}

func TestDecisionSettings(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "decision", "settings", "show").expect(t, 0).says(t, "inputs kept  no", "nothing")
	p.run(t, "decision", "settings", "set", "--keep-inputs", "--retention", "30d", "--mask", "/applicant/name", "--mask", "model.promote:/people/*/email").
		expect(t, 0).says(t, "yes, encrypted", "30d", "/applicant/name", "model.promote:/people/*/email", "2026-11-22 10:00:00Z")
	want := &governancev1.DecisionSettings{
		KeepInputs: true, InputRetention: durationpb.New(720 * time.Hour), Etag: "1",
		Masks: []*governancev1.InputMask{{Path: "/applicant/name"}, {Path: "/people/*/email", DecisionPoint: "model.promote"}},
	}
	if diff := cmp.Diff(want, p.policy.settings, protocmp.Transform(), protocmp.IgnoreFields(want, "update_time")); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}

	// What no flag names stays, and a mask is not doubled.
	p.run(t, "decision", "settings", "set", "--retention", "90m", "--unmask", "/applicant/name", "--mask", "/a:/b", "--mask", "model.promote:/people/*/email").
		expect(t, 0).says(t, "1h30m0s", "yes, encrypted")
	want.InputRetention, want.Etag, want.Masks = durationpb.New(90*time.Minute), "2", append(want.GetMasks()[1:], &governancev1.InputMask{Path: "/a:/b"})
	if diff := cmp.Diff(want, p.policy.settings, protocmp.Transform(), protocmp.IgnoreFields(want, "update_time")); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	got := decode(t, p.run(t, "decision", "settings", "set", "--keep-inputs=false", "--clear-masks", "-o", "json").expect(t, 0).stdout)["settings"].(map[string]any)
	if got["keep_inputs"] != false || len(got["masks"].([]any)) != 0 || got["input_retention"] != "5400s" || got["etag"] != "3" {
		t.Errorf("settings %v", got)
	}

	p.run(t, "decision", "settings", "set").expect(t, 3).says(t, "nothing to change")
	p.run(t, "decision", "settings", "set", "--unmask", "/x").expect(t, 3).says(t, "no such mask")
	for _, bad := range []string{"d", "-1d", "30", "-5h", "1e9d"} {
		p.run(t, "decision", "settings", "set", "--retention="+bad).expect(t, 3).says(t, "--retention")
	}
	p.run(t, "decision", "settings", "set", "--retention", "399d").expect(t, 3).says(t, "INPUTS_KEY_MISSING", "INPUTS__KEY_FILE")
}

func TestDecisionEraseInputs(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "decision", "erase-inputs", "--reason", "request 4711").expect(t, 0).says(t, "inputs erased  12")
	if got := decode(t, p.run(t, "decision", "erase-inputs", "--reason", "again", "-o", "json").expect(t, 0).stdout)["erasure"].(map[string]any); got["erased"] != 12.0 {
		t.Errorf("erasure %v", got)
	}
	p.run(t, "decision", "erase-inputs").expect(t, 3).says(t, "reason")
	p.run(t, "decision", "erase-inputs", "--reason", "").expect(t, 3)
	if diff := cmp.Diff([]string{"request 4711", "again"}, p.policy.erasures); diff != "" {
		t.Errorf("erasures (-want +got):\n%s", diff)
	}
}
