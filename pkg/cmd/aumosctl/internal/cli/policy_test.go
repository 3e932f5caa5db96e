package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// policyDouble keeps policies. Its decisions follow the input's member "answer".
type policyDouble struct {
	governancev1.UnimplementedPolicyServiceServer
	governancev1.UnimplementedDecisionServiceServer

	mu       sync.Mutex // guards what follows
	policies []*governancev1.Policy
	versions []*governancev1.PolicyVersion
	inputs   []*structpb.Struct
	batches  []int
	read     decisionReads
	settings *governancev1.DecisionSettings
	erasures []string
}

func id(n int) string { return fmt.Sprintf("0198c0de-0000-7000-8000-%012d", n) }

func (d *policyDouble) CreatePolicy(_ context.Context, req *governancev1.CreatePolicyRequest) (*governancev1.CreatePolicyResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &governancev1.Policy{
		Id: id(100 + len(d.policies)), Name: req.GetName(), Description: req.GetDescription(), DecisionPoints: req.GetDecisionPoints(),
		Labels: req.GetLabels(), RegulationReferences: req.GetRegulationReferences(), MinCoveragePercent: req.GetMinCoveragePercent(),
		UpdateTime: timestamppb.New(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)),
	}
	d.policies = append(d.policies, p)
	return &governancev1.CreatePolicyResponse{Policy: p}, nil
}

func (d *policyDouble) GetPolicy(_ context.Context, req *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.policies {
		if p.GetId() == req.GetPolicyId() {
			return &governancev1.GetPolicyResponse{Policy: p}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "policy not found")
}

// ListPolicies returns one policy a page, to see that pages are followed.
func (d *policyDouble) ListPolicies(_ context.Context, req *governancev1.ListPoliciesRequest) (*governancev1.ListPoliciesResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []*governancev1.Policy
	for _, p := range slices.Backward(d.policies) {
		if (req.GetName() == "" || p.GetName() == req.GetName()) && (req.GetShowArchived() || p.GetArchiveTime() == nil) {
			found = append(found, p)
		}
	}
	at := 0
	if _, err := fmt.Sscan("0"+req.GetPageToken(), &at); err != nil || at >= len(found) {
		return &governancev1.ListPoliciesResponse{}, nil
	}
	res := &governancev1.ListPoliciesResponse{Policies: found[at : at+1]}
	if at+1 < len(found) {
		res.NextPageToken = strconv.Itoa(at + 1)
	}
	return res, nil
}

func (d *policyDouble) CreatePolicyVersion(_ context.Context, req *governancev1.CreatePolicyVersionRequest) (*governancev1.CreatePolicyVersionResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range req.GetModules() {
		if strings.Contains(m.GetSource(), "http.send") || strings.Contains(m.GetSource(), "yet refused") {
			return nil, refuse(codes.InvalidArgument, "REGO_INVALID", "the policy does not compile")
		}
	}
	v := &governancev1.PolicyVersion{
		Id: id(200 + len(d.versions)), PolicyId: req.GetPolicyId(), State: governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT,
		ContentSha256: digest(req.GetModules(), req.GetData()), Modules: req.GetModules(), Data: req.GetData(), Number: 1, Description: req.GetDescription(), Package: strings.Fields(req.GetModules()[0].GetSource())[1],
	}
	for _, other := range d.versions {
		if other.GetPolicyId() == v.GetPolicyId() {
			v.Number++
		}
	}
	d.versions = append(d.versions, v)
	return &governancev1.CreatePolicyVersionResponse{PolicyVersion: v}, nil
}

func (d *policyDouble) ListPolicyVersions(_ context.Context, req *governancev1.ListPolicyVersionsRequest) (*governancev1.ListPolicyVersionsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	res := &governancev1.ListPolicyVersionsResponse{}
	for _, v := range slices.Backward(d.versions) {
		if v.GetPolicyId() == req.GetPolicyId() && (req.GetState() == 0 || v.GetState() == req.GetState()) && len(res.GetPolicyVersions()) < int(req.GetPageSize()) {
			res.PolicyVersions = append(res.PolicyVersions, v)
		}
	}
	return res, nil
}

func (d *policyDouble) ActivatePolicyVersion(_ context.Context, req *governancev1.ActivatePolicyVersionRequest) (*governancev1.ActivatePolicyVersionResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.versions {
		if v.GetId() != req.GetPolicyVersionId() {
			continue
		}
		for _, p := range d.policies {
			if p.GetId() == v.GetPolicyId() {
				if s := v.GetState(); s != governancev1.PolicyVersionState_POLICY_VERSION_STATE_APPROVED && s != governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE {
					return nil, refuse(codes.FailedPrecondition, "POLICY_VERSION_STATE", "the version must be APPROVED")
				}
				d.activate(p, v)
				return &governancev1.ActivatePolicyVersionResponse{Policy: p, PolicyVersion: v}, nil
			}
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "policy version not found")
}

func TestPolicyPush(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	file := writeFile(t, "retrain.rego", "package aumos.retrain\n\nallow := true\n")
	args := []string{"policy", "push", file, "--name", "retrain", "--decision-point", "drift.retrain"}

	p.run(t, args...).expect(t, 0).says(t, "1, added", "state    draft", "drift.retrain")
	p.run(t, args...).expect(t, 0).says(t, "1, unchanged", "state    draft")
	p.run(t, append(args, "--submit", "--comment", "please")...).expect(t, 0).says(t, "1, unchanged", "state    in review")
	p.run(t, append(args, "--submit")...).expect(t, 0).says(t, "1, unchanged", "state    in review")
	if err := os.WriteFile(file, []byte("package aumos.retrain\n\nallow := false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := decode(t, p.run(t, append(args, "-o", "json", "--submit")...).expect(t, 0).stdout)
	if got["version_added"] != true || got["policy_created"] != false || got["version_submitted"] != true {
		t.Errorf("got %v", got)
	}
	if len(p.policy.policies) != 1 || len(p.policy.versions) != 2 {
		t.Errorf("%d policies and %d versions", len(p.policy.policies), len(p.policy.versions))
	}
	if path := p.policy.versions[0].GetModules()[0].GetPath(); path != "retrain.rego" {
		t.Errorf("the module's path is %q", path)
	}

	p.run(t, "policy", "push", file, "--name", "retrain", "--decision-point", "model.promote").expect(t, 3).says(t, "push under another name")
	p.run(t, "policy", "push", filepath.Join(t.TempDir(), "absent.rego"), "--name", "retrain").expect(t, 3).says(t, "no such file")
	bad := writeFile(t, "bad.rego", "package bad\n\nallow if http.send({})\n")
	p.run(t, "policy", "push", bad, "--name", "bad").expect(t, 3).says(t, "INVALID_ARGUMENT", "REGO_INVALID (governance.aumos)", "mend the policy",
		bad+":3:10: rego_type_error: undefined function http.send", "nothing is changed")
	p.run(t, "policy", "push", bad, "--name", "bad", "-o", "json").expect(t, 3).says(t, `"reason": "REGO_INVALID"`, bad+`:3:10`)
	if len(p.policy.policies) != 1 {
		t.Errorf("Rego that does not compile left %d policies", len(p.policy.policies))
	}
	warned := writeFile(t, "warned.rego", "package warned\n\nallow := true\n\nlost := 1\n")
	p.run(t, "policy", "push", warned, "--name", "warned").expect(t, 0).says(t, "1, added", "note: 1 warning: aumosctl policy lint shows what")
	odd := writeFile(t, "odd.rego", "package odd\n\nallow := true # valid, yet refused\n")
	p.run(t, "policy", "push", odd, "--name", "odd").expect(t, 3).says(t, `policy "odd" was created, and nothing is decided by it yet`)
	long := writeFile(t, "long.rego", strings.Repeat("#", 256<<10+1))
	p.run(t, "policy", "push", long, "--name", "long").expect(t, 3).says(t, "is longer than 256 KiB")
	before := len(p.policy.policies)
	p.run(t, "policy", "push", writeFile(t, "empty.rego", ""), "--name", "empty").expect(t, 3).says(t, "empty.rego is empty")
	p.run(t, "policy", "push", writeFile(t, "latin.rego", "package p\n# caf\xe9\n"), "--name", "latin").expect(t, 3).says(t, "latin.rego is not UTF-8")
	if after := len(p.policy.policies); after != before {
		t.Errorf("files that cannot be sent made %d policies", after-before)
	}
}

func TestPolicyPushOfSeveralFiles(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lib"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{"main.rego": "package main", "lib/dates.rego": "package dates"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, "policy", "push", filepath.Join(dir, "main.rego"), filepath.Join(dir, "lib", "dates.rego"), "--name", "two").expect(t, 0)
	modules := p.policy.versions[0].GetModules()
	if modules[0].GetPath() != "main.rego" || modules[1].GetPath() != "lib/dates.rego" {
		t.Errorf("paths %q and %q", modules[0].GetPath(), modules[1].GetPath())
	}
}

func TestPolicyActivateAndList(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, name := range []string{"one", "two"} {
		for _, answer := range []string{"true", "false"} {
			file := writeFile(t, "p.rego", "package p\n\nallow := "+answer)
			p.run(t, "policy", "push", file, "--name", name).expect(t, 0)
		}
	}
	p.run(t, "policy", "activate", "--name", "one").expect(t, 3).says(t, "POLICY_VERSION_STATE", "aumosctl policy show")
	for _, args := range [][]string{{"--name", "one", "--version", "1"}, {"--name", "one"}, {"--policy", id(101)}} {
		p.run(t, append([]string{"policy", "submit"}, args...)...).expect(t, 0).says(t, "in review")
		p.run(t, append([]string{"policy", "approve"}, args...)...).expect(t, 0).says(t, "approved")
	}
	p.run(t, "policy", "activate", "--name", "one").expect(t, 0).says(t, "version  2", "active")
	p.run(t, "policy", "activate", "--name", "one", "--version", "1").expect(t, 0).says(t, "version  1", "active")
	p.run(t, "policy", "activate", "--name", "one").expect(t, 3).says(t, "POLICY_VERSION_STATE") // nothing is approved, and the newest is retired
	p.run(t, "policy", "rollback", "--name", "one", "--reason", "bad").expect(t, 0).says(t, "version  2", "active")
	p.run(t, "policy", "activate", "--name", "one").expect(t, 0).says(t, "version  2", "active") // nothing is approved, and the newest is active
	p.run(t, "policy", "rollback", "--name", "one", "--version", "1", "--reason", "bad").expect(t, 0).says(t, "version  1", "active")
	p.run(t, "policy", "activate", "--policy", id(101)).expect(t, 0).says(t, "two")
	p.run(t, "policy", "activate", "--name", "one", "--version", "9").expect(t, 3).says(t, `policy "one" has no version 9`)
	p.run(t, "policy", "activate", "--name", "three").expect(t, 3).says(t, `there is no policy "three"`)
	p.run(t, "policy", "activate", "--policy", id(999)).expect(t, 3).says(t, "NOT_FOUND")
	p.run(t, "policy", "activate").expect(t, 3)

	golden(t, "policy_list.txt", p.run(t, "policy", "list").expect(t, 0).stdout)
	golden(t, "policy_list.jsonl", p.run(t, "policy", "list", "-o", "jsonl").expect(t, 0).stdout)
	if got := p.run(t, "policy", "list", "--limit", "1").expect(t, 0).stdout; strings.Count(got, "\n") != 2 {
		t.Errorf("--limit 1 prints\n%s", got)
	}
}
