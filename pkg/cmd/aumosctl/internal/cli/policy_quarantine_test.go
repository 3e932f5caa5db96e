package cli_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// ListQuarantinedVersions lists what has a quarantine, all on one page.
func (d *policyDouble) ListQuarantinedVersions(
	context.Context, *governancev1.ListQuarantinedVersionsRequest,
) (*governancev1.ListQuarantinedVersionsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	res := &governancev1.ListQuarantinedVersionsResponse{}
	for _, v := range d.versions {
		if v.GetQuarantine() != nil {
			res.PolicyVersions = append(res.PolicyVersions, v)
		}
	}
	return res, nil
}

func (d *policyDouble) LiftPolicyQuarantine(
	_ context.Context, req *governancev1.LiftPolicyQuarantineRequest,
) (*governancev1.LiftPolicyQuarantineResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.versions {
		if v.GetId() == req.GetPolicyVersionId() {
			v.Quarantine = nil
			return &governancev1.LiftPolicyQuarantineResponse{PolicyVersion: v}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "policy version not found")
}

func TestPolicyQuarantine(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	rego := writeFile(t, "p.rego", "package p\nallow := true\n")
	p.run(t, "policy", "push", "--name", "slow", rego).expect(t, 0)
	hold := func() {
		p.policy.versions[0].Quarantine = &governancev1.PolicyQuarantine{QuarantineTime: timestamppb.New(shadowStart), Overruns: 3}
	}
	hold()
	p.run(t, "policy", "quarantine", "list").expect(t, 0).says(t, "slow    1       "+id(200), "DRAFT", "3", "2026-11-22 10:00:00Z")
	p.run(t, "policy", "quarantine", "lift", "--policy", "slow", "--version", "1", "--reason", "smaller now").expect(t, 0).says(t, "policy      slow", "1 ("+id(200)+")", "none")
	if got := p.run(t, "policy", "quarantine", "list").expect(t, 0).stdout; strings.Contains(got, id(200)) {
		t.Errorf("listed after the lift:\n%s", got)
	}
	hold()
	got := decode(t, p.run(t, "policy", "quarantine", "lift", id(200), "--reason", "smaller now", "-o", "json").expect(t, 0).stdout)
	if got["policy_version"].(map[string]any)["id"] != id(200) {
		t.Errorf("printed %v", got)
	}
	p.run(t, "policy", "quarantine", "lift", id(200)).expect(t, 3).says(t, `required flag(s) "reason" not set`)
	p.run(t, "policy", "quarantine", "lift", "--reason", "x").expect(t, 3).says(t, "name one version")
	p.run(t, "policy", "quarantine", "lift", "--reason", "x", "--policy", "slow").expect(t, 3).says(t, "name one version")
	p.run(t, "policy", "quarantine", "lift", id(9), "--reason", "x").expect(t, 3).says(t, "NOT_FOUND")
}
