package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) policyCasesCommand() *cobra.Command {
	return group("cases", "Look at the test cases that are kept beside a policy's versions", a.casesListCommand(), a.casesPullCommand())
}

func (a *app) casesListCommand() *cobra.Command {
	var limit int
	var tag string
	cmd := &cobra.Command{
		Use: "list POLICY", Short: "List a policy's test cases by name", Args: cobra.ExactArgs(1),
		Example: `  aumosctl policy cases list loans --tag smoke`,
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := a.dialGovernance(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			id, err := a.policyID(cmd.Context(), conn, args[0])
			if err != nil {
				return err
			}
			items := a.testCases(cmd.Context(), conn, id, tag, limit)
			grid := output.NewGrid("name", "expects", "tags", "updated", "id")
			return printList(a, items, grid, func(c *governancev1.PolicyTestCase) []string {
				return []string{c.GetSpec().GetName(), expectation(c.GetSpec()), strings.Join(c.GetSpec().GetTags(), " "), when(c.GetUpdateTime()), c.GetId()}
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	cmd.Flags().StringVar(&tag, "tag", "", "only cases with this tag")
	return cmd
}

func expectation(s *governancev1.PolicyTestSpec) string {
	parts := []string{outcomeName(s.GetExpectedOutcome())}
	parts = append(parts, s.GetExpectedViolations()...)
	return strings.Join(append(parts, s.GetExpectedObligations()...), " ")
}

const pullHelp = `Writes a policy's test cases as a file of the directory of cases, in the form in which policy test and policy push read them.`

func (a *app) casesPullCommand() *cobra.Command {
	var tag, out string
	var force bool
	cmd := &cobra.Command{
		Use: "pull POLICY", Short: "Write a policy's test cases as YAML", Long: pullHelp, Args: cobra.ExactArgs(1),
		Example: `  aumosctl policy cases pull loans --out cases/loans.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.casesPull(cmd.Context(), args[0], tag, out, force)
		},
	}
	cmd.Flags().StringVar(&tag, "tag", "", "only cases with this tag")
	cmd.Flags().StringVar(&out, "out", "", "the file to write (default: standard output)")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file if there is one")
	return cmd
}

func (a *app) casesPull(ctx context.Context, policy, tag, out string, force bool) error {
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	id, err := a.policyID(ctx, conn, policy)
	if err != nil {
		return err
	}
	specs, err := a.testSpecs(ctx, conn, id, tag)
	if err != nil {
		return err
	}
	text, err := policydir.FormatCases(specs)
	if err != nil {
		return err
	}
	if out == "" {
		_, err = a.stdout.Write(text)
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(out, flags, 0o644) // a repository's, for others to read
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: write to another file, or overwrite it with --force", out)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	a.note("wrote %s to %s", plural(len(specs), "case"), out)
	return nil
}

// testCases are the cases of a policy.
func (a *app) testCases(
	ctx context.Context, conn grpc.ClientConnInterface, policyID, tag string, limit int,
) iter.Seq2[*governancev1.PolicyTestCase, error] {
	client := governancev1.NewPolicyTestServiceClient(conn)
	return pages(limit, func(size int32, token string) ([]*governancev1.PolicyTestCase, string, error) {
		res, err := call(ctx, a, client.ListTestCases, &governancev1.ListTestCasesRequest{PolicyId: policyID, PageSize: size, PageToken: token, Tag: tag})
		return res.GetTestCases(), res.GetNextPageToken(), err
	})
}

// testSpecs are what all cases of a policy say.
func (a *app) testSpecs(ctx context.Context, conn grpc.ClientConnInterface, policyID, tag string) (specs []*governancev1.PolicyTestSpec, err error) {
	for c, err := range a.testCases(ctx, conn, policyID, tag, 0) {
		if err != nil {
			return nil, err
		}
		specs = append(specs, c.GetSpec())
	}
	return specs, nil
}
