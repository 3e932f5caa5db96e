package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const instantiateHelp = `Creates a policy with a first version from a template of the library. The parameters are a JSON object, as the template's schema says
(aumosctl policy templates NAME -o json); what is left out has the schema's default. With --submit, the version is sent to review.`

const instantiateExample = `  aumosctl policy templates
  aumosctl policy instantiate model-promotion --name promotion --submit
  aumosctl policy instantiate data-residency --name residency --parameters regions.json`

func (a *app) policyTemplatesCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "templates [NAME]", Short: "List the library of policies, or show one with its schemas and an example", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, done, err := a.templates(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			if len(args) == 1 {
				return a.showTemplate(cmd.Context(), client, args[0])
			}
			grid := output.NewGrid("name", "version", "decision points", "title")
			return printList(a, listTemplates(cmd.Context(), a, client, limit), grid, func(m *governancev1.PolicyTemplate) []string {
				return []string{m.GetName(), m.GetVersion(), strings.Join(m.GetDecisionPoints(), " "), m.GetTitle()}
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "at most this many; 0: all")
	return cmd
}

func listTemplates(
	ctx context.Context, a *app, client governancev1.PolicyTemplateServiceClient, limit int,
) iter.Seq2[*governancev1.PolicyTemplate, error] {
	return pages(limit, func(size int32, token string) ([]*governancev1.PolicyTemplate, string, error) {
		res, err := call(ctx, a, client.ListPolicyTemplates, &governancev1.ListPolicyTemplatesRequest{PageSize: size, PageToken: token})
		return res.GetPolicyTemplates(), res.GetNextPageToken(), err
	})
}

func (a *app) showTemplate(ctx context.Context, client governancev1.PolicyTemplateServiceClient, name string) error {
	res, err := call(ctx, a, client.GetPolicyTemplate, &governancev1.GetPolicyTemplateRequest{Name: name})
	if err != nil {
		return err
	}
	m := res.GetPolicyTemplate()
	if a.format != formatTable {
		return a.printMessage("policy_template", m)
	}
	if err := output.Pairs(a.stdout, "", "template", m.GetName()+" "+m.GetVersion(), "title", m.GetTitle(), "summary", m.GetSummary(),
		"decides", strings.Join(m.GetDecisionPoints(), " "), "content", "sha256:"+hex.EncodeToString(m.GetContentSha256())); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	grid := output.NewGrid("control", "what it asks for")
	for _, r := range m.GetReferences() {
		grid.Row(r.GetControl(), r.GetParaphrase())
	}
	if err := grid.Print(a.stdout, ""); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		value *structpb.Struct
	}{
		{"parameters (JSON Schema)", m.GetParametersSchema()},
		{"an example of parameters", m.GetExampleParameters()},
		{"an input that is allowed with them at " + m.GetExampleTime().AsTime().Format(time.RFC3339), m.GetExampleInput()},
	} {
		if _, err := fmt.Fprintf(a.stdout, "\n%s\n", part.title); err != nil {
			return err
		}
		if err := output.JSON(a.stdout, part.value.AsMap(), false); err != nil {
			return err
		}
	}
	a.note("note: -o json has the schema of the input and the Rego, too")
	return nil
}

type instantiateOptions struct {
	name, description, parameters string
	points                        []string
	submit                        bool
}

func (a *app) policyInstantiateCommand() *cobra.Command {
	var o instantiateOptions
	cmd := &cobra.Command{
		Use: "instantiate TEMPLATE --name NAME", Short: "Create a policy from the library", Long: instantiateHelp, Example: instantiateExample,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.policyInstantiate(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "the new policy's name")
	f.StringVar(&o.description, "description", "", "what it is for (default: the template's summary)")
	f.StringVar(&o.parameters, "parameters", "", "the file with the parameters, or - for standard input (default: none)")
	f.StringSliceVar(&o.points, "decision-point", nil, "a decision point that it answers (default: the template's); may be repeated")
	f.BoolVar(&o.submit, "submit", false, "send its first version to review")
	_ = cmd.MarkFlagRequired("name") // fails for unknown flags only
	return cmd
}

func (a *app) policyInstantiate(ctx context.Context, template string, o instantiateOptions) error {
	req := &governancev1.InstantiatePolicyTemplateRequest{Template: template, Name: o.name, Description: o.description, DecisionPoints: o.points}
	if o.parameters != "" {
		var err error
		if req.Parameters, err = a.readInput(o.parameters); err != nil {
			return err
		}
	}
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	res, err := call(ctx, a, governancev1.NewPolicyTemplateServiceClient(conn).InstantiatePolicyTemplate, req)
	if err != nil {
		a.noteParameters(err, template)
		return err
	}
	policy, version := res.GetPolicy(), res.GetPolicyVersion()
	if o.submit {
		if version, err = a.submit(ctx, governancev1.NewPolicyServiceClient(conn), version, ""); err != nil {
			a.note("note: policy %q was created and is not submitted: aumosctl policy submit %s", policy.GetName(), shellWord(policy.GetName()))
			return err
		}
	}
	if a.format != formatTable {
		return a.printPushed(policy, version, map[string]bool{"version_submitted": o.submit})
	}
	defer a.noteNext(ctx, policy, version)
	return output.Pairs(a.stdout, "", "policy", policy.GetName()+" ("+policy.GetId()+")", "from", template,
		"version", fmt.Sprintf("%d (%s)", version.GetNumber(), version.GetId()), "content", "sha256:"+hex.EncodeToString(version.GetContentSha256()),
		"state", stateOf(policy, version), "decides", strings.Join(policy.GetDecisionPoints(), " "))
}

// noteParameters says where the template's parameters are explained when an error is about them.
func (a *app) noteParameters(err error, template string) {
	for _, violation := range output.Describe(err, "").Violations {
		if violation.Field == "parameters" || strings.HasPrefix(violation.Field, "parameters.") {
			a.note("note: aumosctl policy templates %s shows the parameters", shellWord(template))
			return
		}
	}
}
