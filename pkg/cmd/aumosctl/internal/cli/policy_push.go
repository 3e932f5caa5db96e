package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const pushHelp = `Adds a new version of a policy; a policy of this name is created if there is none.

From a directory with a policy.yaml (aumosctl policy init makes one) it also changes what is said of the policy to what policy.yaml says, and the policy's
test cases to those of the directory. That holds at once, for the active version too: other decision points than those of a policy that has one take the
permission policy.activate, besides.

From Rego files the name is --name, and test cases stay as they are. The first file's package is the entry point: it defines allow (boolean) and may
define violations and obligations.

Rego and test cases are validated first: when one is refused, nothing is changed. When the newest version has the same content, none is added. With --submit, the
version is sent to review if it is a draft: somebody else approves it.`

const pushExample = `  aumosctl policy push policies/loans --submit
  aumosctl policy push examples/policies/retrain.rego --name retrain --decision-point drift.retrain --submit
  aumosctl policy push main.rego lib/dates.rego --name promotion`

type pushOptions struct {
	name, description, comment string
	points                     []string
	submit                     bool
}

func (a *app) policyPushCommand() *cobra.Command {
	var o pushOptions
	cmd := &cobra.Command{
		Use: "push (DIR | FILE.rego... --name NAME)", Short: "Add a version of a policy", Long: pushHelp, Example: pushExample, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.policyPush(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "the policy's name, for Rego files")
	f.StringVar(&o.description, "description", "", "what a new policy is for, for Rego files")
	f.StringSliceVar(&o.points, "decision-point", nil, "a decision point that a new policy answers, for example drift.retrain; may be repeated")
	f.BoolVar(&o.submit, "submit", false, "send the version to review")
	f.StringVar(&o.comment, "comment", "", "what there is to say of the version")
	return cmd
}

var (
	errPushName = errors.New("--name is missing: Rego files do not say which policy they are of")
	errPushDir  = errors.New("--name, --description and --decision-point are for Rego files: a directory says them in its policy.yaml")
)

// pushed is what push came to.
type pushed struct {
	policy                         *governancev1.Policy
	version                        *governancev1.PolicyVersion
	created, updated, cases, added bool
	submitted                      bool
}

func (a *app) policyPush(ctx context.Context, args []string, o pushOptions) error {
	s, err := readSource(args)
	if err != nil {
		return err
	}
	switch {
	case s.dir == nil && o.name == "":
		return errPushName
	case s.dir != nil && (o.name != "" || o.description != "" || len(o.points) > 0):
		return errPushDir
	}
	client, done, err := a.policies(ctx)
	if err != nil {
		return err
	}
	defer done()
	digest, err := a.checkSource(ctx, client, s)
	if err != nil {
		return err
	}
	var p pushed
	if s.dir != nil {
		p.policy, p.created, p.updated, err = a.applyManifest(ctx, client, s.dir)
	} else {
		p.policy, p.created, err = a.ensurePolicy(ctx, client, o)
	}
	if err != nil {
		return err
	}
	if err := a.pushContent(ctx, client, s, digest, o, &p); err != nil {
		if p.created {
			a.note("note: policy %q was created, and nothing is decided by it yet: push again under the same name", p.policy.GetName())
		}
		return err
	}
	return a.printPush(ctx, p)
}

// pushContent brings the test cases and the version to the platform.
func (a *app) pushContent(
	ctx context.Context, client governancev1.PolicyServiceClient, s source, digest []byte, o pushOptions, p *pushed,
) (err error) {
	if s.dir != nil && s.dir.Manifest.Cases != "" {
		if p.cases, err = a.replaceCases(ctx, p.policy, s.dir.Cases); err != nil {
			return err
		}
	}
	if p.version, p.added, err = a.ensureVersion(ctx, client, p.policy, s, digest, o.comment); err != nil {
		return err
	}
	if o.submit && p.version.GetState() == governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT {
		p.submitted = true
		p.version, err = a.submit(ctx, client, p.version, o.comment)
	}
	return err
}

func (a *app) printPush(ctx context.Context, p pushed) error {
	if a.format != formatTable {
		return a.printPushed(p.policy, p.version, map[string]bool{
			"policy_created": p.created, "policy_updated": p.updated, "cases_changed": p.cases, "version_added": p.added, "version_submitted": p.submitted,
		})
	}
	said := func(yes bool, word, otherwise string) string {
		if yes {
			return word
		}
		return otherwise
	}
	if !p.created && !p.updated && !p.cases && !p.added && !p.submitted {
		a.note("nothing changed")
	}
	defer a.noteNext(ctx, p.policy, p.version)
	return output.Pairs(a.stdout, "", "policy", p.policy.GetName()+" ("+p.policy.GetId()+")"+said(p.created, ", created", said(p.updated, ", updated", "")),
		"cases", said(p.cases, "changed", ""),
		"version", fmt.Sprintf("%d, %s (%s)", p.version.GetNumber(), said(p.added, "added", "unchanged"), p.version.GetId()),
		"content", "sha256:"+hex.EncodeToString(p.version.GetContentSha256()),
		"state", stateOf(p.policy, p.version), "decides", strings.Join(p.policy.GetDecisionPoints(), " "))
}

func (a *app) printPushed(policy *governancev1.Policy, version *governancev1.PolicyVersion, did map[string]bool) error {
	result := make(map[string]any, len(did)+2)
	for name, value := range did {
		result[name] = value
	}
	var err error
	if result["policy"], err = output.Tree(policy); err != nil {
		return err
	}
	if result["policy_version"], err = output.Tree(version); err != nil {
		return err
	}
	return a.printJSON(result)
}

// stateOf says where the version stands; one read before another was activated may still call itself active.
func stateOf(policy *governancev1.Policy, version *governancev1.PolicyVersion) string {
	if policy.GetActiveVersionId() == version.GetId() {
		return "active"
	}
	state := version.GetState()
	if state == governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE {
		state = governancev1.PolicyVersionState_POLICY_VERSION_STATE_RETIRED
	}
	return stateName(state)
}

// stateName is the state in words.
func stateName(s governancev1.PolicyVersionState) string {
	return strings.ReplaceAll(strings.ToLower(enum(s.String(), "POLICY_VERSION_STATE_")), "_", " ")
}

// ensurePolicy finds or creates the policy. Other decision points than those of one that exists are refused: Rego files come with too little to change what
// services ask.
func (a *app) ensurePolicy(ctx context.Context, client governancev1.PolicyServiceClient, o pushOptions) (policy *governancev1.Policy, created bool, err error) {
	policy, err = a.policyByName(ctx, client, o.name)
	if err != nil {
		return nil, false, err
	}
	if policy != nil {
		want, have := slices.Sorted(slices.Values(o.points)), slices.Sorted(slices.Values(policy.GetDecisionPoints()))
		if len(want) > 0 && !slices.Equal(slices.Compact(want), have) {
			return nil, false, fmt.Errorf("policy %q exists and answers the decision points [%s], not [%s]: aumosctl policy update changes them, or push under another name",
				o.name, strings.Join(have, " "), strings.Join(want, " "))
		}
		if o.description != "" && o.description != policy.GetDescription() {
			a.note("note: policy %q exists and keeps its description", o.name)
		}
		return policy, false, nil
	}
	res, err := call(ctx, a, client.CreatePolicy, &governancev1.CreatePolicyRequest{
		Name: o.name, Description: o.description, DecisionPoints: slices.Compact(slices.Sorted(slices.Values(o.points))),
	})
	return res.GetPolicy(), true, err
}

// applyManifest creates the policy of a directory, or changes what is said of it.
func (a *app) applyManifest(
	ctx context.Context, client governancev1.PolicyServiceClient, dir *policydir.Directory,
) (policy *governancev1.Policy, created, updated bool, err error) {
	m := dir.Manifest
	if policy, err = a.policyByName(ctx, client, m.Name); err != nil {
		return nil, false, false, err
	}
	if policy == nil {
		res, err := call(ctx, a, client.CreatePolicy, &governancev1.CreatePolicyRequest{
			Name: m.Name, Description: m.Description, DecisionPoints: m.DecisionPoints, Labels: m.Labels, RegulationReferences: m.RegulationReferences,
			MinCoveragePercent: m.MinCoveragePercent,
		})
		return res.GetPolicy(), true, false, err
	}
	req := &governancev1.UpdatePolicyRequest{
		PolicyId: policy.GetId(), Etag: policy.GetEtag(), Description: m.Description, DecisionPoints: m.DecisionPoints, Labels: m.Labels,
		RegulationReferences: m.RegulationReferences, MinCoveragePercent: m.MinCoveragePercent, UpdateMask: &fieldmaskpb.FieldMask{},
	}
	for _, field := range []struct {
		name string
		same bool
	}{
		{"description", m.Description == policy.GetDescription()},
		{"decision_points", slices.Equal(m.DecisionPoints, policy.GetDecisionPoints())},
		{"labels", maps.Equal(m.Labels, policy.GetLabels())},
		{"regulation_references", slices.Equal(m.RegulationReferences, policy.GetRegulationReferences())},
		{"min_coverage_percent", m.MinCoveragePercent == policy.GetMinCoveragePercent()},
	} {
		if !field.same {
			req.UpdateMask.Paths = append(req.UpdateMask.Paths, field.name)
		}
	}
	if len(req.GetUpdateMask().GetPaths()) == 0 {
		return policy, false, false, nil
	}
	res, err := call(ctx, a, client.UpdatePolicy, req)
	return res.GetPolicy(), false, true, err
}

// replaceCases makes the policy's test cases those given, with the policy's new suite revision, and reports whether that changed any.
func (a *app) replaceCases(ctx context.Context, policy *governancev1.Policy, specs []*governancev1.PolicyTestSpec) (changed bool, err error) {
	client, done, err := a.policyTests(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	res, err := call(ctx, a, client.ReplaceTestCases, &governancev1.ReplaceTestCasesRequest{PolicyId: policy.GetId(), Specs: specs})
	if err != nil {
		return false, err
	}
	policy.SuiteRevision = res.GetSuiteRevision()
	return res.GetCreated()+res.GetUpdated()+res.GetDeleted() > 0, nil
}

// ensureVersion adds a version unless the newest one has the same content, whose digest the platform has told.
func (a *app) ensureVersion(
	ctx context.Context, client governancev1.PolicyServiceClient, policy *governancev1.Policy, s source, digest []byte, description string,
) (version *governancev1.PolicyVersion, added bool, err error) {
	for newest, err := range a.policyVersions(ctx, client, policy.GetId(), 0, 1) {
		if err != nil {
			return nil, false, err
		}
		if bytes.Equal(newest.GetContentSha256(), digest) {
			return newest, false, nil
		}
	}
	res, err := call(ctx, a, client.CreatePolicyVersion, &governancev1.CreatePolicyVersionRequest{
		PolicyId: policy.GetId(), Modules: s.modules, Data: s.data, Description: description,
	})
	return res.GetPolicyVersion(), true, err
}
