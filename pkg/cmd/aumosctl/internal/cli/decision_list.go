package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

type decisionListOptions struct {
	policy, version, point, outcome, resource, subject, correlation, violation string
	since, until                                                               string
	limit                                                                      int
}

func (a *app) decisionListCommand() *cobra.Command {
	var o decisionListOptions
	cmd := &cobra.Command{
		Use: "list", Short: "List decisions, newest first", Args: cobra.NoArgs,
		Long: "Lists decisions from the Audit Wall, newest first. That somebody read them is recorded there, too.",
		Example: `  aumosctl decision list --limit 20
  aumosctl decision list --decision-point model.promote --outcome deny --since 24h
  aumosctl decision list --resource model/credit-7 --violation BIAS_NOT_MEASURED -o jsonl --limit 0`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.decisionList(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "only decisions to which this policy contributed (name or id)")
	f.StringVar(&o.version, "policy-version", "", "only decisions to which this version contributed (id)")
	f.StringVar(&o.point, "decision-point", "", "only decisions of this decision point")
	f.StringVar(&o.outcome, "outcome", "", "only decisions that ended so: allow, deny or error")
	f.StringVar(&o.resource, "resource", "", "only decisions about this kind of resource, or about one as TYPE/ID")
	f.StringVar(&o.subject, "subject", "", "only decisions that this subject asked for")
	f.StringVar(&o.correlation, "correlation", "", "only decisions of this larger operation (correlation id)")
	f.StringVar(&o.violation, "violation", "", "only decisions with a violation of this code")
	f.StringVar(&o.since, "since", "", "only decisions from then on: a time (RFC 3339) or how long ago (24h, 7d)")
	f.StringVar(&o.until, "until", "", "only decisions before then")
	f.IntVar(&o.limit, "limit", 50, "at most this many; 0: all")
	return cmd
}

func (a *app) decisionList(ctx context.Context, o decisionListOptions) error {
	req, err := o.request(time.Now())
	if err != nil {
		return err
	}
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if o.policy != "" {
		if req.PolicyId, err = a.policyID(ctx, conn, o.policy); err != nil {
			return err
		}
	}
	client := governancev1.NewDecisionServiceClient(conn)
	items := pages(o.limit, func(size int32, token string) ([]*governancev1.Decision, string, error) {
		req.PageSize, req.PageToken = size, token
		res, err := call(ctx, a, client.ListDecisions, req)
		return res.GetDecisions(), res.GetNextPageToken(), err
	})
	grid := output.NewGrid(">index", "decided", "outcome", "asked", "about", "by", "violations", "decision id")
	return printList(a, items, grid, decisionRow)
}

func (o decisionListOptions) request(now time.Time) (*governancev1.ListDecisionsRequest, error) {
	req := &governancev1.ListDecisionsRequest{
		PolicyVersionId: o.version, DecisionPoint: o.point, Subject: o.subject, CorrelationId: o.correlation, ViolationCode: o.violation,
	}
	req.ResourceType, req.ResourceId, _ = strings.Cut(o.resource, "/")
	var err error
	if req.Outcome, err = decisionOutcome(o.outcome); err != nil {
		return nil, err
	}
	req.TimeRange, err = timeRange(o.since, o.until, now)
	return req, err
}

func decisionOutcome(name string) (governancev1.DecisionOutcome, error) {
	if name == "" {
		return governancev1.DecisionOutcome_DECISION_OUTCOME_UNSPECIFIED, nil
	}
	value, ok := governancev1.DecisionOutcome_value["DECISION_OUTCOME_"+strings.ToUpper(name)]
	if !ok || value == 0 {
		return 0, fmt.Errorf("--outcome %q is none of allow, deny, error", name)
	}
	return governancev1.DecisionOutcome(value), nil
}

func decisionRow(d *governancev1.Decision) []string {
	asked := d.GetDecisionPoint()
	var violations []string
	for _, r := range d.GetResults() {
		asked = cmp.Or(asked, "policy "+r.GetPolicyName())
		for _, v := range r.GetViolations() {
			violations = append(violations, violationName(v))
		}
	}
	return []string{
		strconv.FormatInt(d.GetPosition().GetLeafIndex(), 10), when(d.GetDecideTime()), outcomeName(d.GetOutcome()), asked, resourceName(d.GetResource()),
		d.GetSubject(), first(violations, 3), d.GetId(),
	}
}

// first joins the first few texts and says how many there are besides.
func first(texts []string, n int) string {
	if len(texts) <= n {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:n], ", "), len(texts)-n)
}

func resourceName(r *governancev1.DecidedResource) string {
	if r == nil {
		return ""
	}
	return r.GetType() + "/" + r.GetId()
}
