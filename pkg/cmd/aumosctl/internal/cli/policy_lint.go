package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const lintHelp = `Asks the platform whether the Rego files together, or the policy's directory, could be a version of a policy, and what is doubtful about them. The
first file's package is the entry point, as for policy push. The test cases of a directory are checked and not run. Nothing is stored.

With --input-schema, references to parts of the input that the JSON Schema does not describe are warnings.

Exit codes: 0 no errors (with --strict: and no warnings), 1 errors, 3 failure.`

const lintExample = `  aumosctl policy lint policies/loans --strict
  aumosctl policy lint examples/policies/retrain.rego
  aumosctl policy lint main.rego lib/dates.rego --input-schema input.schema.json --strict --junit lint.xml`

// maxSchema is the contract's limit on a schema of the input.
const maxSchema = 256 << 10

type lintOptions struct {
	schema, junit string
	strict        bool
}

func (a *app) policyLintCommand() *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use: "lint (DIR | FILE.rego...)", Short: "Say what is wrong or doubtful about Rego files", Long: lintHelp, Example: lintExample, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.policyLint(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.schema, "input-schema", "", "a file with a JSON Schema of the input (default: the directory's)")
	f.StringVar(&o.junit, "junit", "", "also write the findings to this file, as JUnit XML")
	f.BoolVar(&o.strict, "strict", false, "end with exit code 1 for warnings, too")
	return cmd
}

func (a *app) policyLint(ctx context.Context, files []string, o lintOptions) error {
	s, err := readSource(files)
	if err != nil {
		return err
	}
	req := &governancev1.ValidatePolicyRequest{Modules: s.modules, Data: s.data, InputSchema: s.schema, Specs: s.cases()}
	if o.schema != "" {
		if req.InputSchema, err = readSchema(o.schema); err != nil {
			return err
		}
	}
	client, done, err := a.policies(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := call(ctx, a, client.ValidatePolicy, req)
	if err != nil {
		s.noteElements(a, err)
		return err
	}
	l := lintReport{res: res, files: s.files, strict: o.strict}
	if o.junit != "" {
		if err := l.writeJUnit(o.junit); err != nil {
			return err
		}
	}
	if a.format != formatTable {
		err = a.printMessage("validation", res)
	} else {
		err = a.printLint(l)
	}
	if err != nil {
		return err
	}
	if l.fails() {
		return answer(exitNo)
	}
	return nil
}

func readSchema(path string) (*structpb.Struct, error) {
	data, err := readAtMost(path, maxSchema)
	if err != nil {
		return nil, err
	}
	return jsonObject(path, data)
}

// fileNames returns the files as they were named, by the paths of the modules.
func fileNames(modules []*governancev1.RegoModule, files []string) map[string]string {
	names := make(map[string]string, len(files))
	for i, m := range modules {
		names[m.GetPath()] = files[i]
	}
	return names
}

// lintReport is the answer with the names of the files that it is about.
type lintReport struct {
	res    *governancev1.ValidatePolicyResponse
	files  map[string]string
	strict bool
}

// fails reports whether the exit code is 1.
func (l lintReport) fails() bool {
	return !l.res.GetValid() || l.strict && l.warnings() > 0
}

func (l lintReport) warnings() int { return len(l.res.GetWarnings()) + int(l.res.GetWarningsOmitted()) }

func (l lintReport) place(f *governancev1.RegoFinding) string {
	return findingPlace(f, func(path string) string { return l.files[path] })
}

// findingPlace is where a finding stands, in the form that editors and terminals make a link of; file names the modules by their paths.
func findingPlace(f *governancev1.RegoFinding, file func(path string) string) string {
	if f.GetModulePath() == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", file(f.GetModulePath()), f.GetRow(), f.GetColumn())
}

func (a *app) printLint(l lintReport) error {
	grid := output.NewGrid("place", "kind", "code", "message")
	for _, f := range l.res.GetErrors() {
		grid.Row(l.place(f), "error", f.GetCode(), f.GetMessage())
	}
	for _, f := range l.res.GetWarnings() {
		grid.Row(l.place(f), "warning", f.GetCode(), f.GetMessage())
	}
	if grid.Len() > 0 {
		if err := grid.Print(a.stdout, ""); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(a.stdout); err != nil {
			return err
		}
	}
	verdict := "valid"
	if !l.res.GetValid() {
		verdict = "not valid"
	}
	return output.Pairs(a.stdout, "", "verdict", fmt.Sprintf("%s; %s, %s", verdict, plural(len(l.res.GetErrors()), "error"), plural(l.warnings(), "warning")),
		"package", l.res.GetPackage(), "decides by", strings.Join(l.res.GetEntryPoints(), " "), "engine", l.res.GetEngineVersion())
}

// checkSource refuses to go on with Rego that cannot be a version, or test cases that cannot be a policy's, and returns the digest that the version would have.
func (a *app) checkSource(ctx context.Context, client governancev1.PolicyServiceClient, s source) ([]byte, error) {
	res, err := call(ctx, a, client.ValidatePolicy, &governancev1.ValidatePolicyRequest{Modules: s.modules, Data: s.data, InputSchema: s.schema, Specs: s.cases()})
	if err != nil {
		s.noteElements(a, err)
		return nil, err
	}
	l := lintReport{res: res, files: s.files}
	if res.GetValid() {
		if n := l.warnings(); n > 0 {
			a.note("note: %s: aumosctl policy lint shows what", plural(n, "warning"))
		}
		return res.GetContentSha256(), nil
	}
	return nil, l.refusal()
}

// refusal is the error that the service would have answered with, about the files.
func (l lintReport) refusal() error {
	bad := &errdetails.BadRequest{}
	for _, f := range l.res.GetErrors() {
		field := l.place(f)
		if field == "" {
			field = "all files"
		}
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: field, Description: f.GetCode() + ": " + f.GetMessage()})
	}
	s, err := status.New(codes.InvalidArgument, "the Rego does not compile, so nothing is changed").
		WithDetails(&errdetails.ErrorInfo{Reason: "REGO_INVALID", Domain: "governance.aumos"}, bad)
	if err != nil {
		return errors.New("the Rego does not compile, so nothing is changed: aumosctl policy lint says why")
	}
	return s.Err()
}
