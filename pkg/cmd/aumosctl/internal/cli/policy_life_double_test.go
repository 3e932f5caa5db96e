package cli_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (d *testsDouble) ReplaceTestCases(_ context.Context, req *governancev1.ReplaceTestCasesRequest) (*governancev1.ReplaceTestCasesResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	res := &governancev1.ReplaceTestCasesResponse{SuiteRevision: 1}
	if !slices.EqualFunc(d.specs, req.GetSpecs(), func(a, b *governancev1.PolicyTestSpec) bool { return proto.Equal(a, b) }) {
		res.Created, res.Deleted = int32(len(req.GetSpecs())), int32(len(d.specs))
	}
	d.specs = req.GetSpecs()
	return res, nil
}

func (d *testsDouble) ListTestRuns(_ context.Context, req *governancev1.ListTestRunsRequest) (*governancev1.ListTestRunsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	res := &governancev1.ListTestRunsResponse{}
	for _, r := range d.runs {
		if r.GetPolicyVersionId() == req.GetPolicyVersionId() {
			res.TestRuns = append(res.TestRuns, r)
		}
	}
	return res, nil
}

// digest is PolicyVersion.content_sha256. The document counts by whatever JSON this program writes: it is compared with itself only.
func digest(modules []*governancev1.RegoModule, data *structpb.Struct) []byte {
	h := sha256.New()
	write := func(s string) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	for _, m := range modules {
		write(m.GetPath())
		write(m.GetSource())
	}
	if data != nil {
		write("data.json")
		write(protojson.MarshalOptions{}.Format(data))
	}
	return h.Sum(nil)
}

func (d *policyDouble) UpdatePolicy(_ context.Context, req *governancev1.UpdatePolicyRequest) (*governancev1.UpdatePolicyResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.policyOf(req.GetPolicyId())
	for _, path := range req.GetUpdateMask().GetPaths() {
		switch path {
		case "name":
			p.Name = req.GetName()
		case "description":
			p.Description = req.GetDescription()
		case "decision_points":
			p.DecisionPoints = req.GetDecisionPoints()
		case "labels":
			p.Labels = req.GetLabels()
		case "regulation_references":
			p.RegulationReferences = req.GetRegulationReferences()
		case "min_coverage_percent":
			p.MinCoveragePercent = req.GetMinCoveragePercent()
		default:
			return nil, refuse(codes.InvalidArgument, "INVALID_FIELD", "update_mask: "+path)
		}
	}
	return &governancev1.UpdatePolicyResponse{Policy: p}, nil
}

func (d *policyDouble) ArchivePolicy(_ context.Context, req *governancev1.ArchivePolicyRequest) (*governancev1.ArchivePolicyResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.policyOf(req.GetPolicyId())
	if p.GetActiveVersionId() != "" {
		return nil, refuse(codes.FailedPrecondition, "POLICY_IN_USE", "the policy has an active version: retire it first")
	}
	p.ArchiveTime = p.GetUpdateTime()
	return &governancev1.ArchivePolicyResponse{Policy: p}, nil
}

func (d *policyDouble) UnarchivePolicy(_ context.Context, req *governancev1.UnarchivePolicyRequest) (*governancev1.UnarchivePolicyResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.policyOf(req.GetPolicyId())
	p.ArchiveTime = nil
	return &governancev1.UnarchivePolicyResponse{Policy: p}, nil
}

func (d *policyDouble) GetPolicyVersion(_ context.Context, req *governancev1.GetPolicyVersionRequest) (*governancev1.GetPolicyVersionResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.versions {
		if v.GetId() == req.GetPolicyVersionId() {
			return &governancev1.GetPolicyVersionResponse{PolicyVersion: v}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "policy version not found")
}

// review moves a version from a state to another; the author alone may not approve here.
func (d *policyDouble) review(id string, to governancev1.PolicyVersionState, action governancev1.PolicyReviewAction, comment string, from ...governancev1.PolicyVersionState) (*governancev1.PolicyVersion, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.versions {
		if v.GetId() != id {
			continue
		}
		if !slices.Contains(from, v.GetState()) {
			return nil, refuse(codes.FailedPrecondition, "POLICY_VERSION_STATE", "the version's state does not allow it")
		}
		v.State = to
		v.Reviews = append(v.Reviews, &governancev1.PolicyReview{Action: action, Subject: "somebody", Comment: comment})
		return v, nil
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "policy version not found")
}

func (d *policyDouble) SubmitPolicyVersion(_ context.Context, req *governancev1.SubmitPolicyVersionRequest) (*governancev1.SubmitPolicyVersionResponse, error) {
	v, err := d.review(req.GetPolicyVersionId(), governancev1.PolicyVersionState_POLICY_VERSION_STATE_IN_REVIEW,
		governancev1.PolicyReviewAction_POLICY_REVIEW_ACTION_SUBMITTED, req.GetComment(), governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT)
	return &governancev1.SubmitPolicyVersionResponse{PolicyVersion: v}, err
}

func (d *policyDouble) ApprovePolicyVersion(_ context.Context, req *governancev1.ApprovePolicyVersionRequest) (*governancev1.ApprovePolicyVersionResponse, error) {
	if req.GetComment() == "mine" {
		return nil, refuse(codes.PermissionDenied, "SAME_PERSON", "somebody else must approve it")
	}
	v, err := d.review(req.GetPolicyVersionId(), governancev1.PolicyVersionState_POLICY_VERSION_STATE_APPROVED,
		governancev1.PolicyReviewAction_POLICY_REVIEW_ACTION_APPROVED, req.GetComment(), governancev1.PolicyVersionState_POLICY_VERSION_STATE_IN_REVIEW)
	return &governancev1.ApprovePolicyVersionResponse{PolicyVersion: v}, err
}

func (d *policyDouble) RejectPolicyVersion(_ context.Context, req *governancev1.RejectPolicyVersionRequest) (*governancev1.RejectPolicyVersionResponse, error) {
	v, err := d.review(req.GetPolicyVersionId(), governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT,
		governancev1.PolicyReviewAction_POLICY_REVIEW_ACTION_REJECTED, req.GetReason(),
		governancev1.PolicyVersionState_POLICY_VERSION_STATE_IN_REVIEW, governancev1.PolicyVersionState_POLICY_VERSION_STATE_APPROVED)
	return &governancev1.RejectPolicyVersionResponse{PolicyVersion: v}, err
}

func (d *policyDouble) RetirePolicyVersion(_ context.Context, req *governancev1.RetirePolicyVersionRequest) (*governancev1.RetirePolicyVersionResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.policies {
		if p.GetActiveVersionId() == req.GetPolicyVersionId() {
			p.ActiveVersionId = ""
			v := d.versions[slices.IndexFunc(d.versions, func(v *governancev1.PolicyVersion) bool { return v.GetId() == req.GetPolicyVersionId() })]
			v.State = governancev1.PolicyVersionState_POLICY_VERSION_STATE_RETIRED
			return &governancev1.RetirePolicyVersionResponse{Policy: p, PolicyVersion: v}, nil
		}
	}
	return nil, refuse(codes.FailedPrecondition, "POLICY_VERSION_STATE", "the version is not active")
}

// RollbackPolicy goes back to the version named, or to the first retired one.
func (d *policyDouble) RollbackPolicy(_ context.Context, req *governancev1.RollbackPolicyRequest) (*governancev1.RollbackPolicyResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.policyOf(req.GetPolicyId())
	for _, v := range d.versions {
		if v.GetPolicyId() != p.GetId() || v.GetState() != governancev1.PolicyVersionState_POLICY_VERSION_STATE_RETIRED ||
			req.GetPolicyVersionId() != "" && v.GetId() != req.GetPolicyVersionId() {
			continue
		}
		d.activate(p, v)
		return &governancev1.RollbackPolicyResponse{Policy: p, PolicyVersion: v}, nil
	}
	return nil, refuse(codes.FailedPrecondition, "POLICY_VERSION_STATE", "the policy has no retired version to go back to")
}

// activate is for callers who hold the lock.
func (d *policyDouble) activate(p *governancev1.Policy, v *governancev1.PolicyVersion) {
	for _, other := range d.versions {
		if other.GetId() == p.GetActiveVersionId() {
			other.State = governancev1.PolicyVersionState_POLICY_VERSION_STATE_RETIRED
		}
	}
	p.ActiveVersionId, v.State = v.GetId(), governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE
}

// policyOf is for callers who hold the lock, and know the policy.
func (d *policyDouble) policyOf(id string) *governancev1.Policy {
	return d.policies[slices.IndexFunc(d.policies, func(p *governancev1.Policy) bool { return p.GetId() == id })]
}
