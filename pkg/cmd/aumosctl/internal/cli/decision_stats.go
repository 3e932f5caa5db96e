package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

type decisionStatsOptions struct {
	policy, point, since, until string
	top                         int32
	hourly                      bool
}

func (a *app) decisionStatsCommand() *cobra.Command {
	var o decisionStatsOptions
	cmd := &cobra.Command{
		Use: "stats", Short: "Count decisions", Args: cobra.NoArgs,
		Long: `Counts the decisions on the Audit Wall: outcomes, how long evaluations took, the resources denied and the violations found most often.

Whole hours (UTC) are counted: the beginning is moved to the hour before it, the end to the hour after it. With --policy the outcomes are what
that policy said, alone or as one of several.`,
		Example: `  aumosctl decision stats
  aumosctl decision stats --decision-point model.promote --since 168h --hourly
  aumosctl decision stats --policy limits --since 2026-11-01T00:00:00Z --until 2026-12-01T00:00:00Z -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.decisionStats(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "only what this policy said (name or id)")
	f.StringVar(&o.point, "decision-point", "", "only decisions of this decision point")
	f.StringVar(&o.since, "since", "24h", "from then on: a time (RFC 3339) or how long ago; at most 92 days")
	f.StringVar(&o.until, "until", "0s", "before then")
	f.Int32Var(&o.top, "top", 10, "how many resources and violations to name, 1 to 100")
	f.BoolVar(&o.hourly, "hourly", false, "every hour by itself, too")
	return cmd
}

func (a *app) decisionStats(ctx context.Context, o decisionStatsOptions) error {
	hours, err := o.hours(time.Now())
	if err != nil {
		return err
	}
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	req := &governancev1.GetDecisionStatisticsRequest{TimeRange: hours, DecisionPoint: o.point, Top: o.top, Hourly: o.hourly}
	if o.policy != "" {
		if req.PolicyId, err = a.policyID(ctx, conn, o.policy); err != nil {
			return err
		}
	}
	res, err := call(ctx, a, governancev1.NewDecisionServiceClient(conn).GetDecisionStatistics, req)
	if err != nil {
		return err
	}
	if a.format != formatTable {
		return a.printMessage("statistics", res)
	}
	return a.printStatistics(hours, res)
}

// hours are the whole ones that the time asked for touches.
func (o decisionStatsOptions) hours(now time.Time) (*typev1.TimeRange, error) {
	asked, err := timeRange(o.since, o.until, now)
	if err != nil {
		return nil, err
	}
	if asked.GetStartTime() == nil || asked.GetEndTime() == nil {
		return nil, errors.New("--since and --until must not be empty")
	}
	from, until := asked.GetStartTime().AsTime().Truncate(time.Hour), asked.GetEndTime().AsTime()
	end := until.Truncate(time.Hour)
	if end.Before(until) {
		end = end.Add(time.Hour)
	}
	if !from.Before(end) {
		return nil, fmt.Errorf("--since %s is not before --until, %s", o.since, when(asked.GetEndTime()))
	}
	return &typev1.TimeRange{StartTime: timestamppb.New(from), EndTime: timestamppb.New(end)}, nil
}

func (a *app) printStatistics(hours *typev1.TimeRange, s *governancev1.GetDecisionStatisticsResponse) error {
	c := s.GetCounts()
	share := func(n int64) string {
		if c.GetTotal() == 0 {
			return "0"
		}
		return fmt.Sprintf("%d (%s)", n, output.Percent(float64(n)/float64(c.GetTotal())))
	}
	pairs := []string{
		"from", when(hours.GetStartTime()), "until", when(hours.GetEndTime()), "decisions", strconv.FormatInt(c.GetTotal(), 10),
		"allowed", share(c.GetAllowed()), "denied", share(c.GetDenied()), "errors", share(c.GetErrors()),
	}
	if c.GetTotal() > 0 {
		pairs = append(pairs, "evaluation", "p50 "+durationText(c.GetDurationP50())+", p95 "+durationText(c.GetDurationP95())+
			", p99 "+durationText(c.GetDurationP99()))
	}
	pairs = append(pairs, "counted", fmt.Sprintf("the first %d entries of the log", s.GetPosition()))
	if err := output.Pairs(a.stdout, "", pairs...); err != nil {
		return err
	}
	byHour := output.NewGrid("hour", ">decisions", ">allowed", ">denied", ">errors", ">p50", ">p95", ">p99")
	for _, h := range s.GetHours() {
		c := h.GetCounts()
		byHour.Row(when(h.GetHour()), strconv.FormatInt(c.GetTotal(), 10), strconv.FormatInt(c.GetAllowed(), 10), strconv.FormatInt(c.GetDenied(), 10),
			strconv.FormatInt(c.GetErrors(), 10), durationText(c.GetDurationP50()), durationText(c.GetDurationP95()), durationText(c.GetDurationP99()))
	}
	denied := output.NewGrid(">denied", "resource")
	for _, r := range s.GetTopDeniedResources() {
		denied.Row(strconv.FormatInt(r.GetDenied(), 10), resourceName(r.GetResource()))
	}
	violated := output.NewGrid(">decisions", "violation", "control", "policy id")
	for _, r := range s.GetTopViolations() {
		violated.Row(strconv.FormatInt(r.GetDecisions(), 10), r.GetCode(), r.GetControl(), r.GetPolicyId())
	}
	return a.printGrids(byHour, denied, violated)
}

func durationText(d *durationpb.Duration) string { return d.AsDuration().String() }
