package e2e_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// TestTwoTenants gives two tenants the same names and data and asks each for everything of the other.
func TestTwoTenants(t *testing.T) {
	t.Parallel()
	p := deploy(t)
	a, b := p.newTenant(t), p.newTenant(t)
	a.activateRetrain(t)
	secret, _ := a.detect(t, 1, "summer.csv")

	// b has nothing yet, whatever a has.
	for _, list := range [][]string{{"policy", "list"}, {"drift", "list"}, {"audit", "list"}} {
		if r := b.ctl(t, append(list, "-o", "json")...).want(t, 0); strings.Contains(r.stdout, a.tenant) || strings.Contains(r.stdout, secret.GetId()) ||
			strings.Contains(r.stdout, "retrain") {
			t.Errorf("%v shows another tenant's data:\n%s", list, r.stdout)
		}
	}
	b.activateRetrain(t) // the same name is free
	b.detect(t, 0, "winter_control.csv")

	governance, drift := b.dial(t, p.governanceAt.GRPC), b.dial(t, p.driftAt.GRPC)
	checkForeign(t, a, secret, governance, drift)

	// Metadata cannot change the tenant of a token.
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-tenant-id", a.tenant)
	_, err := driftv1.NewDetectionServiceClient(drift).ListDetections(ctx, &driftv1.ListDetectionsRequest{})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("got %v, want PERMISSION_DENIED", err)
	}

	// The logs are apart: b's has an index of its own for each entry, and each verifies with its own key alone.
	for _, u := range []*user{a, b} {
		u.ctl(t, "audit", "keys", "--out", u.file("wall.vkey")).want(t, 0)
		u.ctl(t, "audit", "export", "--out", u.file("wall.jsonl")).want(t, 0)
		u.ctl(t, "audit", "verify", u.file("wall.jsonl"), "--key", u.file("wall.vkey")).want(t, 0)
	}
	b.ctl(t, "audit", "verify", a.file("wall.jsonl"), "--key", b.file("wall.vkey")).want(t, 2)
}

// checkForeign asks as another tenant for a's resources by id: each must be as if it did not exist.
func checkForeign(t *testing.T, a *user, secret *driftv1.Detection, governance, drift *grpc.ClientConn) {
	t.Helper()
	var policies []struct {
		ID              string `json:"id"`
		ActiveVersionID string `json:"active_version_id"`
	}
	a.ctlJSON(t, 0, &policies, "policy", "list")
	if len(policies) != 1 {
		t.Fatalf("got %d policies", len(policies))
	}
	policy := policies[0]
	ctx := t.Context()
	calls := map[string]func() error{
		"GetPolicy": func() error {
			_, err := governancev1.NewPolicyServiceClient(governance).GetPolicy(ctx, &governancev1.GetPolicyRequest{PolicyId: policy.ID})
			return err
		},
		"GetPolicyVersion": func() error {
			_, err := governancev1.NewPolicyServiceClient(governance).GetPolicyVersion(ctx, &governancev1.GetPolicyVersionRequest{PolicyVersionId: policy.ActiveVersionID})
			return err
		},
		"ActivatePolicyVersion": func() error {
			_, err := governancev1.NewPolicyServiceClient(governance).ActivatePolicyVersion(ctx, &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: policy.ActiveVersionID})
			return err
		},
		"GetReceipt": func() error {
			_, err := governancev1.NewAuditServiceClient(governance).GetReceipt(ctx, &governancev1.GetReceiptRequest{EntryId: secret.GetEvidence().GetEntryId()})
			return err
		},
		"GetDetection": func() error {
			_, err := driftv1.NewDetectionServiceClient(drift).GetDetection(ctx, &driftv1.GetDetectionRequest{DetectionId: secret.GetId()})
			return err
		},
		"GetMonitor": func() error {
			_, err := driftv1.NewMonitorServiceClient(drift).GetMonitor(ctx, &driftv1.GetMonitorRequest{MonitorId: secret.GetMonitorId()})
			return err
		},
		"GetModel": func() error {
			_, err := driftv1.NewModelServiceClient(drift).GetModel(ctx, &driftv1.GetModelRequest{ModelId: secret.GetModelId()})
			return err
		},
		"ActivateBaseline": func() error {
			_, err := driftv1.NewBaselineServiceClient(drift).ActivateBaseline(ctx, &driftv1.ActivateBaselineRequest{BaselineId: secret.GetBaselineId()})
			return err
		},
	}
	for name, call := range calls {
		if err := call(); status.Code(err) != codes.NotFound {
			t.Errorf("%s of another tenant: got %v, want NOT_FOUND", name, err)
		}
	}
}
