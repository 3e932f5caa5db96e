package cli_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// templateDouble is a library of two templates, whose policies are kept with the others.
type templateDouble struct {
	governancev1.UnimplementedPolicyTemplateServiceServer

	policies *policyDouble
}

func (d *templateDouble) all() []*governancev1.PolicyTemplate {
	schema, _ := structpb.NewStruct(map[string]any{"type": "object"})
	input, _ := structpb.NewStruct(map[string]any{"model": map[string]any{"owner": "ann"}})
	return []*governancev1.PolicyTemplate{
		{Name: "consent", Title: "Consent", Version: "1.0.0", DecisionPoints: []string{"data.process"}},
		{
			Name: "model-promotion", Title: "Model promotion gate", Summary: "Asks for evidence.", Version: "1.2.0", DecisionPoints: []string{"model.promote"},
			ContentSha256: []byte{0xab, 0xcd}, References: []*governancev1.PolicyReference{{Control: "EU-AI-ACT:ART-14", Paraphrase: "People can oversee it."}},
			ParametersSchema: schema, ExampleParameters: schema, ExampleInput: input,
			ExampleTime: &timestamppb.Timestamp{Seconds: 1780315200},
		},
	}
}

// ListPolicyTemplates returns one template a page.
func (d *templateDouble) ListPolicyTemplates(
	_ context.Context, req *governancev1.ListPolicyTemplatesRequest,
) (*governancev1.ListPolicyTemplatesResponse, error) {
	all := d.all()
	if req.GetPageToken() == "" {
		return &governancev1.ListPolicyTemplatesResponse{PolicyTemplates: all[:1], NextPageToken: "next"}, nil
	}
	return &governancev1.ListPolicyTemplatesResponse{PolicyTemplates: all[1:]}, nil
}

func (d *templateDouble) GetPolicyTemplate(_ context.Context, req *governancev1.GetPolicyTemplateRequest) (*governancev1.GetPolicyTemplateResponse, error) {
	for _, m := range d.all() {
		if m.GetName() == req.GetName() {
			return &governancev1.GetPolicyTemplateResponse{PolicyTemplate: m}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "policy template not found")
}

func (d *templateDouble) InstantiatePolicyTemplate(
	ctx context.Context, req *governancev1.InstantiatePolicyTemplateRequest,
) (*governancev1.InstantiatePolicyTemplateResponse, error) {
	if req.GetParameters().GetFields()["wrong"] != nil {
		return nil, refuse(codes.InvalidArgument, "INVALID_FIELD", "the request is invalid: see the field violations", &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "parameters.wrong", Description: "is not a parameter"}},
		})
	}
	points := req.GetDecisionPoints()
	if len(points) == 0 {
		points = []string{"model.promote"}
	}
	p, err := d.policies.CreatePolicy(ctx, &governancev1.CreatePolicyRequest{Name: req.GetName(), Description: req.GetDescription(), DecisionPoints: points})
	if err != nil {
		return nil, err
	}
	v, err := d.policies.CreatePolicyVersion(ctx, &governancev1.CreatePolicyVersionRequest{
		PolicyId: p.GetPolicy().GetId(), Modules: []*governancev1.RegoModule{{Path: "params.rego", Source: "package policy\n# " + req.GetParameters().String() + "\n"}},
	})
	return &governancev1.InstantiatePolicyTemplateResponse{Policy: p.GetPolicy(), PolicyVersion: v.GetPolicyVersion()}, err
}

func TestPolicyTemplates(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "policy", "templates").expect(t, 0).says(t, "consent", "model-promotion", "model.promote", "1.2.0")
	if got := p.run(t, "policy", "templates", "--limit", "1").expect(t, 0).stdout; strings.Contains(got, "model-promotion") {
		t.Errorf("--limit 1 prints\n%s", got)
	}
	p.run(t, "policy", "templates", "model-promotion").expect(t, 0).
		says(t, "model-promotion 1.2.0", "Asks for evidence.", "sha256:abcd", "EU-AI-ACT:ART-14", "People can oversee it.", `"type": "object"`, "an example of parameters\n{", `"owner": "ann"`, "allowed with them at 2026-06-01T12:00:00Z", "-o json has the schema of the input")
	shown := decode(t, p.run(t, "policy", "templates", "model-promotion", "-o", "json").expect(t, 0).stdout)
	if m := shown["policy_template"].(map[string]any); m["parameters_schema"].(map[string]any)["type"] != "object" {
		t.Errorf("shown %v", m)
	}
	p.run(t, "policy", "templates", "none").expect(t, 3).says(t, "NOT_FOUND")
}

func TestPolicyInstantiate(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "policy", "instantiate", "model-promotion", "--name", "promotion").expect(t, 0).says(t, "promotion (", "draft", "model.promote", "policy submit promotion --version 1")
	file := writeFile(t, "parameters.json", `{"max_disparity": 0.05}`)
	p.run(t, "policy", "instantiate", "model-promotion", "--name", "strict", "--parameters", file, "--decision-point", "model.release", "--submit").expect(t, 0).
		says(t, "strict (", "model.release", "state", "in review")
	if source := p.policy.versions[1].GetModules()[0].GetSource(); !strings.Contains(source, "0.05") {
		t.Errorf("parameters %s", source)
	}
	got := decode(t, p.runWithInput(t, `{}`, "policy", "instantiate", "consent", "--name", "c", "--parameters", "-", "-o", "json").expect(t, 0).stdout)
	if got["version_submitted"] != false || got["policy"].(map[string]any)["name"] != "c" {
		t.Errorf("printed %v", got)
	}
	p.run(t, "policy", "instantiate", "consent").expect(t, 3).says(t, `required flag(s) "name" not set`)
	p.runWithInput(t, `{"wrong": 1}`, "policy", "instantiate", "consent", "--name", "d", "--parameters", "-").expect(t, 3).
		says(t, "note: aumosctl policy templates consent shows the parameters\n", "parameters.wrong: is not a parameter")
	p.runWithInput(t, `[]`, "policy", "instantiate", "consent", "--name", "d", "--parameters", "-").expect(t, 3).says(t, "not a JSON object")
}
