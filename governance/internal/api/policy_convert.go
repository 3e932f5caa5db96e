package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func policyMessage(p policy.Policy) *governancev1.Policy {
	return &governancev1.Policy{
		Id: idText(p.ID), Name: p.Name, Description: p.Description, DecisionPoints: p.DecisionPoints,
		ActiveVersionId: idText(p.ActiveVersionID), Etag: p.ETag(),
		CreateTime: timestamppb.New(p.CreateTime), UpdateTime: timestamppb.New(p.UpdateTime), ArchiveTime: timeMessage(p.ArchiveTime),
		Labels: p.Labels, RegulationReferences: p.RegulationReferences, MinCoveragePercent: p.MinCoveragePercent, SuiteRevision: p.SuiteRevision,
	}
}

func policyMessages(policies []policy.Policy) []*governancev1.Policy {
	messages := make([]*governancev1.Policy, len(policies))
	for i, p := range policies {
		messages[i] = policyMessage(p)
	}
	return messages
}

var versionStates = map[policy.State]governancev1.PolicyVersionState{ //nolint:gochecknoglobals // a constant table
	policy.Draft:    governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT,
	policy.InReview: governancev1.PolicyVersionState_POLICY_VERSION_STATE_IN_REVIEW,
	policy.Approved: governancev1.PolicyVersionState_POLICY_VERSION_STATE_APPROVED,
	policy.Active:   governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE,
	policy.Retired:  governancev1.PolicyVersionState_POLICY_VERSION_STATE_RETIRED,
}

// stateOf is the inverse of versionStates; "" for UNSPECIFIED.
func stateOf(s governancev1.PolicyVersionState) policy.State {
	for state, message := range versionStates {
		if message == s {
			return state
		}
	}
	return ""
}

var reviewActions = map[policy.ReviewAction]governancev1.PolicyReviewAction{ //nolint:gochecknoglobals // a constant table
	policy.ReviewSubmitted: governancev1.PolicyReviewAction_POLICY_REVIEW_ACTION_SUBMITTED,
	policy.ReviewApproved:  governancev1.PolicyReviewAction_POLICY_REVIEW_ACTION_APPROVED,
	policy.ReviewRejected:  governancev1.PolicyReviewAction_POLICY_REVIEW_ACTION_REJECTED,
}

func versionMessage(v policy.Version) *governancev1.PolicyVersion {
	m := &governancev1.PolicyVersion{
		Id: idText(v.ID), PolicyId: idText(v.PolicyID), Number: v.Number, State: versionStates[v.State],
		ContentSha256: v.ContentSHA256[:], Package: v.Package, Description: v.Description, Author: v.Author,
		CreateTime: timestamppb.New(v.CreateTime), ActivateTime: timeMessage(v.ActivateTime), RetireTime: timeMessage(v.RetireTime),
		Data: dataMessage(v.Data),
	}
	for _, r := range v.Reviews {
		m.Reviews = append(m.Reviews, &governancev1.PolicyReview{
			Action: reviewActions[r.Action], Subject: r.Subject, Comment: r.Comment, ReviewTime: timestamppb.New(r.Time),
		})
	}
	if q := v.Quarantine; q != nil {
		m.Quarantine = &governancev1.PolicyQuarantine{QuarantineTime: timestamppb.New(q.Time), Overruns: q.Overruns}
	}
	for _, module := range v.Modules {
		m.Modules = append(m.Modules, &governancev1.RegoModule{Path: module.Path, Source: module.Source})
	}
	return m
}

// dataMessage returns nil for no document. It cannot fail: the canonical JSON was made from a Struct, and the version's digest covers it.
func dataMessage(data []byte) *structpb.Struct {
	if data == nil {
		return nil
	}
	var values map[string]any
	_ = json.Unmarshal(data, &values)
	m, _ := structpb.NewStruct(values)
	return m
}

// dataOf returns the document that a request has; the zero value for none.
func dataOf(m *structpb.Struct) (rego.Data, error) {
	if m == nil {
		return rego.Data{}, nil
	}
	return rego.NewData(m.AsMap())
}

func versionMessages(versions []policy.Version) []*governancev1.PolicyVersion {
	messages := make([]*governancev1.PolicyVersion, len(versions))
	for i, v := range versions {
		messages[i] = versionMessage(v)
	}
	return messages
}

func policyModules(messages []*governancev1.RegoModule) []policy.Module {
	modules := make([]policy.Module, len(messages))
	for i, m := range messages {
		modules[i] = policy.Module{Path: m.GetPath(), Source: m.GetSource()}
	}
	return modules
}

// sourceOf returns the content that a request has. It fails with INVALID_FIELD on the document.
func sourceOf(modules []*governancev1.RegoModule, document *structpb.Struct) (rego.Source, error) {
	data, err := dataOf(document)
	return rego.Source{Modules: rego.Modules(policyModules(modules)), Data: data}, err
}

// policyResource is the policy as entries hold it, with everything that a reader of the log needs to know its state.
func policyResource(p policy.Policy) auditlog.Resource {
	labels := make(map[string]any, len(p.Labels))
	for key, value := range p.Labels {
		labels[key] = value
	}
	state := map[string]any{
		"id": p.ID.String(), "name": p.Name, "description": p.Description, "decision_points": anyList(p.DecisionPoints), "labels": labels,
		"regulation_references": anyList(p.RegulationReferences), "min_coverage_percent": float64(p.MinCoveragePercent),
		"suite_revision": float64(p.SuiteRevision), "active_version_id": idText(p.ActiveVersionID), "etag": p.ETag(),
		"create_time": stamp(p.CreateTime), "update_time": stamp(p.UpdateTime),
	}
	if p.ArchiveTime != nil {
		state["archive_time"] = stamp(*p.ArchiveTime)
	}
	return auditlog.Resource{Type: "policy", ID: p.ID.String(), Name: p.Name, State: state}
}

// VersionResource is the version as entries hold it, also those that no rpc makes: digests stand for the sources and the data.
func VersionResource(p policy.Policy, v policy.Version) auditlog.Resource {
	modules := make([]any, len(v.Modules))
	for i, m := range v.Modules {
		sum := sha256.Sum256([]byte(m.Source))
		modules[i] = map[string]any{"path": m.Path, "sha256": hex.EncodeToString(sum[:])}
	}
	state := map[string]any{
		"id": v.ID.String(), "policy_id": v.PolicyID.String(), "number": float64(v.Number), "state": string(v.State),
		"content_sha256": v.ContentSHA256.String(), "modules": modules, "package": v.Package, "description": v.Description,
		"author": v.Author, "create_time": stamp(v.CreateTime),
	}
	if v.Data != nil {
		sum := sha256.Sum256(v.Data)
		state["data_sha256"] = hex.EncodeToString(sum[:])
	}
	for key, subject := range map[string]string{"submitter": v.Submitter, "approver": v.Approver} {
		if subject != "" {
			state[key] = subject
		}
	}
	if v.TestRunID.Valid {
		state["test_run_id"] = v.TestRunID.UUID.String()
	}
	for key, at := range map[string]*time.Time{"activate_time": v.ActivateTime, "retire_time": v.RetireTime} {
		if at != nil {
			state[key] = stamp(*at)
		}
	}
	if q := v.Quarantine; q != nil {
		state["quarantine"] = map[string]any{"quarantine_time": stamp(q.Time), "overruns": float64(q.Overruns)}
	}
	return auditlog.Resource{Type: "policy_version", ID: v.ID.String(), Name: fmt.Sprintf("%s v%d", p.Name, v.Number), State: state}
}
