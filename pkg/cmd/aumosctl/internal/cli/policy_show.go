package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) policyShowCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "show POLICY", Short: "Show a policy, the state of a version, its review and its last test run",
		Long: "Shows what is said of a policy and where one of its versions stands. -o json prints the version with its sources.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.policyShow(cmd.Context(), t) },
	}
	t.flags(cmd)
	t.versionFlag(cmd, "the newest")
	return cmd
}

func (a *app) policyShow(ctx context.Context, t target) error {
	client, done, err := a.policies(ctx)
	if err != nil {
		return err
	}
	defer done()
	c, err := t.findVersion(ctx, a, client, 0, true)
	if errors.Is(err, errNoVersion) {
		return a.policyShowAlone(c.policy)
	}
	if err != nil {
		return err
	}
	res, err := call(ctx, a, client.GetPolicyVersion, &governancev1.GetPolicyVersionRequest{PolicyVersionId: c.version.GetId()})
	if err != nil {
		return err
	}
	policy, version := c.policy, res.GetPolicyVersion()
	run, err := a.lastRun(ctx, version)
	if err != nil {
		return err
	}
	if a.format != formatTable {
		return a.printShown(policy, version, run)
	}
	pairs := append(policyPairs(policy), "version", fmt.Sprintf("%d (%s)", version.GetNumber(), version.GetId()),
		"state", stateOf(policy, version), "says", version.GetDescription(), "content", "sha256:"+hex.EncodeToString(version.GetContentSha256()),
		"author", version.GetAuthor(), "created", when(version.GetCreateTime()), "activated", when(version.GetActivateTime()),
		"retired", when(version.GetRetireTime()), "quarantined", when(version.GetQuarantine().GetQuarantineTime()), "tests", runText(policy, run))
	if err := output.Pairs(a.stdout, "", pairs...); err != nil {
		return err
	}
	grid := output.NewGrid("when", "who", "did", "and said")
	for _, r := range version.GetReviews() {
		grid.Row(when(r.GetReviewTime()), r.GetSubject(), strings.ToLower(enum(r.GetAction().String(), "POLICY_REVIEW_ACTION_")), r.GetComment())
	}
	if grid.Len() == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	return grid.Print(a.stdout, "")
}

// policyShowAlone shows a policy that has no version yet.
func (a *app) policyShowAlone(policy *governancev1.Policy) error {
	if a.format != formatTable {
		return a.printMessage("policy", policy)
	}
	return output.Pairs(a.stdout, "", append(policyPairs(policy), "version", "none yet")...)
}

func (a *app) printShown(policy *governancev1.Policy, version *governancev1.PolicyVersion, run *governancev1.PolicyTestRun) error {
	result := make(map[string]any)
	var err error
	if result["policy"], err = output.Tree(policy); err != nil {
		return err
	}
	if result["policy_version"], err = output.Tree(version); err != nil {
		return err
	}
	if run != nil {
		if result["last_test_run"], err = output.Tree(run); err != nil {
			return err
		}
	}
	return a.printJSON(result)
}

// lastRun returns the version's newest test run; nil if there is none.
func (a *app) lastRun(ctx context.Context, version *governancev1.PolicyVersion) (*governancev1.PolicyTestRun, error) {
	client, done, err := a.policyTests(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	res, err := call(ctx, a, client.ListTestRuns, &governancev1.ListTestRunsRequest{
		PolicyId: version.GetPolicyId(), PolicyVersionId: version.GetId(), PageSize: 1,
	})
	if err != nil || len(res.GetTestRuns()) == 0 {
		return nil, err
	}
	return res.GetTestRuns()[0], nil
}

// runText says what the last test run came to, and whether it is still about the suite of now.
func runText(policy *governancev1.Policy, run *governancev1.PolicyTestRun) string {
	if run == nil {
		return "never run"
	}
	report, verdict := run.GetReport(), "failed"
	if report.GetPassed() {
		verdict = "passed"
	}
	text := fmt.Sprintf("%s %s: %d passed, %d failed, %d could not run, %d %% of the lines", verdict, when(run.GetRunTime()),
		report.GetPassedCount(), report.GetFailedCount(), report.GetErrorCount(), report.GetCoveragePercent())
	if !run.GetComplete() {
		text += "; only a part of them"
	}
	if run.GetSuiteRevision() != policy.GetSuiteRevision() {
		text += "; the cases have changed since"
	}
	return text
}

// labelText prints labels by key.
func labelText(labels map[string]string) string {
	texts := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		texts = append(texts, key+"="+labels[key])
	}
	return strings.Join(texts, " ")
}
