package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestDecisionSettings(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	if diff := cmp.Diff(&governancev1.DecisionSettings{Etag: "0"}, c.settings(), protocmp.Transform()); diff != "" {
		t.Errorf("settings that were never set (-want +got):\n%s", diff)
	}
	want := &governancev1.DecisionSettings{
		KeepInputs: true, InputRetention: durationpb.New(24 * time.Hour),
		Masks: []*governancev1.InputMask{{Path: "/applicant/name"}, {Path: "/people/*/email", DecisionPoint: "model.promote"}},
	}
	got := c.update(want)
	want.Etag = "1"
	if diff := cmp.Diff(want, got, protocmp.Transform(), protocmp.IgnoreFields(got, "update_time")); diff != "" || got.GetUpdateTime() == nil {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, c.settings(), protocmp.Transform()); diff != "" {
		t.Errorf("settings as they are read (-updated +read):\n%s", diff)
	}
	e := r.newest(tenantA)
	state := map[string]any{
		"keep_inputs": true, "input_retention_seconds": 86400.0, "etag": "1", "update_time": got.GetUpdateTime().AsTime().Format(time.RFC3339Nano),
		"masks": []any{map[string]any{"path": "/applicant/name"}, map[string]any{"path": "/people/*/email", "decision_point": "model.promote"}},
	}
	if diff := cmp.Diff(state, e.Resource.State); diff != "" || e.EventType != "decision_settings.changed" || e.Action != "decision.configure" ||
		e.Resource.Type != "decision_settings" || e.Resource.ID != tenantA.String() {
		t.Errorf("entry %+v (-want +got):\n%s", e, diff)
	}

	n := len(r.entries(tenantA))
	if again := c.update(want); again.GetEtag() != "1" || len(r.entries(tenantA)) != n {
		t.Errorf("the same settings again: etag %s, %d entries, want 1 and %d", again.GetEtag(), len(r.entries(tenantA)), n)
	}
	want.Etag = "0"
	_, err := c.UpdateDecisionSettings(t.Context(), &governancev1.UpdateDecisionSettingsRequest{Settings: want})
	wantError(t, err, codes.Aborted, governancev1.ErrorReason_ERROR_REASON_STALE_ETAG)
	if got := c.update(&governancev1.DecisionSettings{Etag: "1"}); got.GetEtag() != "2" || got.GetKeepInputs() || len(got.GetMasks()) != 0 || got.GetInputRetention() != nil {
		t.Errorf("settings after they were cleared: %v", got)
	}

	req := &governancev1.UpdateDecisionSettingsRequest{Settings: &governancev1.DecisionSettings{Masks: maskPaths("/x")}, RequestId: uuid.NewString()}
	first, err := c.UpdateDecisionSettings(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.UpdateDecisionSettings(t.Context(), req)
	if diff := cmp.Diff(first, second, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("repeated: %v (-first +second):\n%s", err, diff)
	}
	if other := r.admin(tenantB).settings(); other.GetEtag() != "0" {
		t.Errorf("another tenant's settings: %v", other)
	}
	viewer := r.as(tenantA, auth.RoleViewer)
	if got := viewer.settings(); got.GetEtag() != "3" {
		t.Errorf("a viewer sees %v", got)
	}
	_, err = viewer.UpdateDecisionSettings(t.Context(), req)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	_, err = viewer.EraseDecisionInputs(t.Context(), &governancev1.EraseDecisionInputsRequest{Reason: "x"})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
}

func TestDecisionSettingsRefused(t *testing.T) {
	t.Parallel()
	c := keeping(t).replica(rego.Config{}).admin(tenantA)
	many := make([]*governancev1.InputMask, 256)
	for i := range many {
		many[i] = &governancev1.InputMask{Path: fmt.Sprintf("/%d/%s", i, strings.Repeat("x", 200))}
	}
	for field, s := range map[string]*governancev1.DecisionSettings{
		"settings.input_retention":         {KeepInputs: true},
		"settings.input_retention ":        {KeepInputs: true, InputRetention: durationpb.New(time.Hour - time.Second)},
		"settings.input_retention  ":       {InputRetention: durationpb.New(401 * 24 * time.Hour)},
		"settings.input_retention   ":      {InputRetention: durationpb.New(time.Hour + time.Millisecond)},
		"settings.masks[1].path":           {Masks: maskPaths("/ok", "/a~2b")},
		"settings.masks[0].path":           {Masks: maskPaths("name")},
		"settings.masks[2]":                {Masks: maskPaths("/a", "/b", "/a")},
		"settings.masks[0].decision_point": {Masks: []*governancev1.InputMask{{Path: "/a", DecisionPoint: "Model"}}},
		"settings.masks":                   {Masks: many},
	} {
		_, err := c.UpdateDecisionSettings(t.Context(), &governancev1.UpdateDecisionSettingsRequest{Settings: s})
		if field = strings.TrimSpace(field); fieldsOf(err)[field] == "" || reasonOf(err) != "INVALID_FIELD" {
			t.Errorf("want %s: %v names %v", field, err, fieldsOf(err))
		}
	}
	// The largest masks that are allowed fit into their entry.
	for i := range many {
		many[i].Path, many[i].DecisionPoint = fmt.Sprintf("/%03d%s", i, strings.Repeat("\"", 110)), "a.point"
	}
	if got := c.update(&governancev1.DecisionSettings{Masks: many}); len(got.GetMasks()) != len(many) {
		t.Errorf("%d masks", len(got.GetMasks()))
	}
	_, err := keeping(t).replica(rego.Config{}).admin(tenantA).UpdateDecisionSettings(t.Context(), &governancev1.UpdateDecisionSettingsRequest{})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
}
