package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// parseID reads an id that validation has looked at already.
func parseID(field, s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Nil, errs.InvalidField(field, "must be a UUID")
	}
	return id, nil
}

// idText returns "" for no id.
func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

func policyMessage(p policy.Policy) *governancev1.Policy {
	return &governancev1.Policy{
		Id: idText(p.ID), Name: p.Name, Description: p.Description, DecisionPoints: p.DecisionPoints,
		ActiveVersionId: idText(p.ActiveVersionID), Etag: p.ETag(),
		CreateTime: timestamppb.New(p.CreateTime), UpdateTime: timestamppb.New(p.UpdateTime),
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
	policy.Draft:   governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT,
	policy.Active:  governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE,
	policy.Retired: governancev1.PolicyVersionState_POLICY_VERSION_STATE_RETIRED,
}

func versionMessage(v policy.Version) *governancev1.PolicyVersion {
	m := &governancev1.PolicyVersion{
		Id: idText(v.ID), PolicyId: idText(v.PolicyID), Number: v.Number, State: versionStates[v.State],
		ContentSha256: v.ContentSHA256[:], Package: v.Package, Author: v.Author, CreateTime: timestamppb.New(v.CreateTime),
	}
	if v.ActivateTime != nil {
		m.ActivateTime = timestamppb.New(*v.ActivateTime)
	}
	for _, module := range v.Modules {
		m.Modules = append(m.Modules, &governancev1.RegoModule{Path: module.Path, Source: module.Source})
	}
	return m
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

func regoModules(messages []*governancev1.RegoModule) []rego.Module {
	modules := make([]rego.Module, len(messages))
	for i, m := range messages {
		modules[i] = rego.Module{Path: m.GetPath(), Source: m.GetSource()}
	}
	return modules
}

// policyResource is the policy as entries hold it, with everything that a reader of the log needs to know its state.
func policyResource(p policy.Policy) auditlog.Resource {
	points := make([]any, len(p.DecisionPoints))
	for i, point := range p.DecisionPoints {
		points[i] = point
	}
	return auditlog.Resource{Type: "policy", ID: p.ID.String(), Name: p.Name, State: map[string]any{
		"id": p.ID.String(), "name": p.Name, "description": p.Description, "decision_points": points,
		"active_version_id": idText(p.ActiveVersionID), "etag": p.ETag(), "create_time": stamp(p.CreateTime), "update_time": stamp(p.UpdateTime),
	}}
}

// versionResource is the version as entries hold it: digests stand for the sources.
func versionResource(p policy.Policy, v policy.Version) auditlog.Resource {
	modules := make([]any, len(v.Modules))
	for i, m := range v.Modules {
		sum := sha256.Sum256([]byte(m.Source))
		modules[i] = map[string]any{"path": m.Path, "sha256": hex.EncodeToString(sum[:])}
	}
	state := map[string]any{
		"id": v.ID.String(), "policy_id": v.PolicyID.String(), "number": float64(v.Number), "state": string(v.State),
		"content_sha256": v.ContentSHA256.String(), "modules": modules, "package": v.Package, "author": v.Author, "create_time": stamp(v.CreateTime),
	}
	if v.ActivateTime != nil {
		state["activate_time"] = stamp(*v.ActivateTime)
	}
	return auditlog.Resource{Type: "policy_version", ID: v.ID.String(), Name: fmt.Sprintf("%s v%d", p.Name, v.Number), State: state}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
