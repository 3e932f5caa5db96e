package api

import (
	"cmp"
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// PolicyTemplateService serves aumos.governance.v1.PolicyTemplateService.
type PolicyTemplateService struct {
	governancev1.UnimplementedPolicyTemplateServiceServer

	Engine    *rego.Engine
	Mutations *Mutations
	Limits    policy.Limits
}

// ListPolicyTemplates lists the library by name.
func (s *PolicyTemplateService) ListPolicyTemplates(
	ctx context.Context, req *governancev1.ListPolicyTemplatesRequest,
) (*governancev1.ListPolicyTemplatesResponse, error) {
	after, _, err := page.Decode[string](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res, limit := &governancev1.ListPolicyTemplatesResponse{}, page.Size(req.GetPageSize())
	for _, t := range library.Templates() {
		if strings.Compare(t.Name, after) <= 0 {
			continue
		}
		if len(res.GetPolicyTemplates()) == limit {
			res.NextPageToken = page.Encode(ctx, req, res.GetPolicyTemplates()[limit-1].GetName())
			break
		}
		res.PolicyTemplates = append(res.PolicyTemplates, templateSummary(t))
	}
	return res, nil
}

// GetPolicyTemplate returns a template.
func (s *PolicyTemplateService) GetPolicyTemplate(
	_ context.Context, req *governancev1.GetPolicyTemplateRequest,
) (*governancev1.GetPolicyTemplateResponse, error) {
	t, err := library.Find(req.GetName())
	if err != nil {
		return nil, err
	}
	message, err := templateMessage(t)
	if err != nil {
		return nil, err
	}
	return &governancev1.GetPolicyTemplateResponse{PolicyTemplate: message}, nil
}

// InstantiatePolicyTemplate creates a policy with a first version.
func (s *PolicyTemplateService) InstantiatePolicyTemplate(
	ctx context.Context, req *governancev1.InstantiatePolicyTemplateRequest,
) (*governancev1.InstantiatePolicyTemplateResponse, error) {
	t, err := library.Find(req.GetTemplate())
	if err != nil {
		return nil, err
	}
	instance, err := t.Instantiate(req.GetParameters().AsMap())
	if err != nil {
		return nil, err
	}
	content, err := s.compile(ctx, instance)
	if err != nil {
		return nil, err
	}
	points := req.GetDecisionPoints()
	if len(points) == 0 {
		points = []string{t.DecisionPoint}
	}
	definition := policy.Definition{
		Name: req.GetName(), Description: cmp.Or(req.GetDescription(), t.Summary), DecisionPoints: points, RegulationReferences: t.Controls(),
		Labels: map[string]string{"aumos/template": t.Name, "aumos/template-version": t.Version},
	}
	return mutate(ctx, s.Mutations, actionAuthor, governancev1.PolicyTemplateService_InstantiatePolicyTemplate_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.InstantiatePolicyTemplateResponse, []change, error) {
			if err := s.Limits.CheckPolicy(ctx, tx); err != nil {
				return nil, nil, err
			}
			if err := s.Limits.CheckVersion(ctx, tx); err != nil {
				return nil, nil, err
			}
			p, err := policy.Create(ctx, tx, definition)
			if err != nil {
				return nil, nil, err
			}
			v, err := policy.CreateVersion(ctx, tx, p.ID, content)
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.InstantiatePolicyTemplateResponse{Policy: policyMessage(p), PolicyVersion: versionMessage(v)}, []change{
				{eventType: "policy.created", resource: policyResource(p)},
				{eventType: "policy.version_created", resource: VersionResource(p, v), details: instanceDetails(instance)},
			}, nil
		})
}

// compile compiles the instance within the tenant's share, as any version is before it is stored.
func (s *PolicyTemplateService) compile(ctx context.Context, i library.Instance) (policy.Content, error) {
	modules := make([]policy.Module, len(i.Modules))
	for n, m := range i.Modules {
		modules[n] = policy.Module(m)
	}
	id, _ := tenant.FromContext(ctx)
	compiled, err := s.Engine.Compile(ctx, id, rego.Source{Modules: rego.Modules(i.Modules)})
	if err != nil {
		return policy.Content{}, err
	}
	author, _ := auth.FromContext(ctx)
	return policy.Content{Modules: modules, Package: compiled.Package(), Author: author.Subject}, nil
}

// instanceDetails say on the wall what the version was made from.
func instanceDetails(i library.Instance) map[string]any {
	return map[string]any{
		"template": i.Template.Name, "template_version": i.Template.Version, "template_sha256": i.Template.SHA256(),
		"parameters_sha256": i.ParametersSHA256(),
	}
}
