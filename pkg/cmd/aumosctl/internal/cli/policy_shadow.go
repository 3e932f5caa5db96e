package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const shadowHelp = `A shadow is a version of a policy that is asked beside the active one on live traffic. Its answers are compared and never used, and no
decision waits for it. Decisions that it cannot keep up with are skipped and counted.`

// shadowOptions name a shadow, or a policy whose newest shadow is meant.
type shadowOptions struct {
	policy string
	limit  int
}

func (a *app) policyShadowCommand() *cobra.Command {
	cmd := group("shadow", "Try a version on live traffic, without effect",
		a.shadowStartCommand(), a.shadowStopCommand(), a.shadowShowCommand(), a.shadowListCommand(), a.shadowDifferencesCommand())
	cmd.Long = shadowHelp
	return cmd
}

func (a *app) shadowStartCommand() *cobra.Command {
	var policy, span string
	var version int32
	var rate float64
	cmd := &cobra.Command{
		Use: "start --policy NAME|ID", Short: "Ask a version beside the active one from now on", Args: cobra.NoArgs,
		Long: "Asks a version of a policy, the newest unless --version says another, beside the active one. The policy's running shadow stops.\n\n" + shadowHelp,
		Example: `  aumosctl policy shadow start --policy retrain --rate 0.1 --for 24h
  aumosctl policy shadow show --policy retrain`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version < 0 {
				return errVersion
			}
			length, err := parseLength("--for", span)
			if err != nil {
				return err
			}
			policies, client, done, err := a.simulating(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			p, err := a.findPolicy(cmd.Context(), policies, policy)
			if err != nil {
				return err
			}
			v, err := a.findVersion(cmd.Context(), policies, p, version)
			if err != nil {
				return err
			}
			res, err := call(cmd.Context(), a, client.StartShadow, &governancev1.StartShadowRequest{
				PolicyVersionId: v.GetId(), SamplingRate: rate, Duration: durationpb.New(length),
			})
			if err != nil {
				return err
			}
			return a.printShadow(cmd.Context(), policies, res.GetShadow())
		},
	}
	f := cmd.Flags()
	f.StringVar(&policy, "policy", "", "the policy's name or id")
	f.Int32Var(&version, "version", 0, "the version's number (default: the newest)")
	f.Float64Var(&rate, "rate", 1, "the share of the decisions that it is asked about, over 0 and at most 1")
	f.StringVar(&span, "for", "24h", "how long: 1m to 31d")
	_ = cmd.MarkFlagRequired("policy") // fails for unknown flags only
	return cmd
}

// shadowSettles is how long after a shadow's end replicas have stored what they counted: they do so every second.
const shadowSettles = 2 * time.Second

func (a *app) shadowStopCommand() *cobra.Command {
	return a.shadowCommand("stop", "End a shadow, and show what it has found", "Waits 2 seconds for what was counted last.",
		func(ctx context.Context, policies governancev1.PolicyServiceClient, client governancev1.PolicySimulationServiceClient, id string, _ shadowOptions) error {
			stopped, err := call(ctx, a, client.StopShadow, &governancev1.StopShadowRequest{ShadowId: id})
			if err != nil {
				return err
			}
			settled := time.NewTimer(min(time.Until(stopped.GetShadow().GetEndTime().AsTime().Add(shadowSettles)), shadowSettles))
			defer settled.Stop()
			select {
			case <-settled.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			res, err := call(ctx, a, client.GetShadow, &governancev1.GetShadowRequest{ShadowId: id})
			if err != nil {
				return err
			}
			return a.printShadow(ctx, policies, res.GetShadow())
		})
}

func (a *app) shadowShowCommand() *cobra.Command {
	return a.shadowCommand("show", "Show what a shadow has found until some seconds ago",
		"Exit codes: 0 all answers are the same, 1 some differ, 2 nothing was compared yet, 3 failure.",
		func(ctx context.Context, policies governancev1.PolicyServiceClient, client governancev1.PolicySimulationServiceClient, id string, _ shadowOptions) error {
			res, err := call(ctx, a, client.GetShadow, &governancev1.GetShadowRequest{ShadowId: id})
			if err != nil {
				return err
			}
			if err := a.printShadow(ctx, policies, res.GetShadow()); err != nil {
				return err
			}
			switch s := res.GetShadow().GetSummary(); {
			case s.GetCompared() == 0:
				return answer(exitUnclear)
			case differing(s) > 0:
				return answer(exitNo)
			}
			return nil
		})
}

func (a *app) shadowDifferencesCommand() *cobra.Command {
	cmd := a.shadowCommand("differences", "List the decisions that differ, newest first", "",
		func(ctx context.Context, _ governancev1.PolicyServiceClient, client governancev1.PolicySimulationServiceClient, id string, o shadowOptions) error {
			items := pages(o.limit, func(size int32, token string) ([]*governancev1.ShadowDifference, string, error) {
				res, err := call(ctx, a, client.ListShadowDifferences, &governancev1.ListShadowDifferencesRequest{ShadowId: id, PageSize: size, PageToken: token})
				return res.GetDifferences(), res.GetNextPageToken(), err
			})
			return printList(a, items, differenceGrid(), func(d *governancev1.ShadowDifference) []string {
				return []string{
					d.GetDecisionId(), when(d.GetDecideTime()), resourceName(d.GetResource()), outcomeChange(d.GetDifference()), answerChange(d.GetDifference()),
				}
			})
		})
	return cmd
}

func (a *app) shadowListCommand() *cobra.Command {
	var o shadowOptions
	cmd := &cobra.Command{
		Use: "list", Short: "List shadows, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			policies, client, done, err := a.simulating(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			req := &governancev1.ListShadowsRequest{}
			if o.policy != "" {
				p, err := a.findPolicy(cmd.Context(), policies, o.policy)
				if err != nil {
					return err
				}
				req.PolicyId = p.GetId()
			}
			items := pages(o.limit, func(size int32, token string) ([]*governancev1.Shadow, string, error) {
				req.PageSize, req.PageToken = size, token
				res, err := call(cmd.Context(), a, client.ListShadows, req)
				return res.GetShadows(), res.GetNextPageToken(), err
			})
			name := a.policyNames(cmd.Context(), policies)
			grid := output.NewGrid("id", "state", "policy", "candidate", "rate", "answers", "skipped", "started")
			return printList(a, items, grid, func(s *governancev1.Shadow) []string {
				return []string{
					s.GetId(), enum(s.GetState().String(), "SHADOW_STATE_"), name(s.GetPolicyId()), s.GetPolicyVersionId(), strconv.FormatFloat(s.GetSamplingRate(), 'g', 6, 64),
					summaryText(s.GetSummary()), strconv.FormatInt(s.GetSkipped(), 10), when(s.GetCreateTime()),
				}
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "only those of the policy of this name or id")
	f.IntVar(&o.limit, "limit", 50, "at most this many; 0: all")
	return cmd
}

// shadowVerb is what a command does with the shadow that it names.
type shadowVerb func(
	ctx context.Context, policies governancev1.PolicyServiceClient, client governancev1.PolicySimulationServiceClient, id string, o shadowOptions,
) error

// shadowCommand makes a command about one shadow.
func (a *app) shadowCommand(verb, short, long string, do shadowVerb) *cobra.Command {
	var o shadowOptions
	cmd := &cobra.Command{
		Use: verb + " (SHADOW-ID | --policy NAME|ID)", Short: short, Long: long, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (o.policy != "") {
				return errors.New("name one shadow: by its id, or by --policy for the policy's newest")
			}
			var id string
			if len(args) == 1 {
				var err error
				if id, err = identifier(args[0], "a shadow", "policy shadow list"); err != nil {
					return err
				}
			}
			policies, client, done, err := a.simulating(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			if id != "" {
				return do(cmd.Context(), policies, client, id, o)
			}
			p, err := a.findPolicy(cmd.Context(), policies, o.policy)
			if err != nil {
				return err
			}
			id, err = a.newestShadow(cmd.Context(), client, p)
			if err != nil {
				return err
			}
			return do(cmd.Context(), policies, client, id, o)
		},
	}
	cmd.Flags().StringVar(&o.policy, "policy", "", "the policy's name or id: its newest shadow is meant")
	if verb == "differences" {
		cmd.Flags().IntVar(&o.limit, "limit", 50, "at most this many; 0: all that are kept")
	}
	return cmd
}

func (a *app) newestShadow(
	ctx context.Context, client governancev1.PolicySimulationServiceClient, policy *governancev1.Policy,
) (string, error) {
	res, err := call(ctx, a, client.ListShadows, &governancev1.ListShadowsRequest{PolicyId: policy.GetId(), PageSize: 1})
	if err != nil {
		return "", err
	}
	if len(res.GetShadows()) == 0 {
		return "", fmt.Errorf("policy %q has no shadow: aumosctl policy shadow start makes one", policy.GetName())
	}
	return res.GetShadows()[0].GetId(), nil
}

func (a *app) printShadow(ctx context.Context, policies governancev1.PolicyServiceClient, s *governancev1.Shadow) error {
	if a.format != formatTable {
		return a.printMessage("shadow", s)
	}
	end := "by itself at " + when(s.GetExpireTime())
	if s.GetEndTime() != nil {
		end = when(s.GetEndTime())
	}
	return output.Pairs(a.stdout, "",
		"shadow", s.GetId(), "state", enum(s.GetState().String(), "SHADOW_STATE_"), "policy", a.policyNames(ctx, policies)(s.GetPolicyId()),
		"candidate", a.versionName(ctx, policies, s.GetPolicyVersionId()),
		"asked about", strconv.FormatFloat(100*s.GetSamplingRate(), 'g', 6, 64)+"% of the decisions", "started", when(s.GetCreateTime())+" by "+s.GetSubject(), "ends", end,
		"answers", summaryText(s.GetSummary()), "skipped", strconv.FormatInt(s.GetSkipped(), 10))
}
