package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

const replayStartHelp = `Puts recorded decisions to a candidate, with their inputs, their time and their seed, and says what would have been answered otherwise. It
goes on in the service; policy replay show says how far it is. Decisions can be replayed whose inputs were kept: see decision settings.

` + candidateHelp + `

Exit codes: 0 started, or with --wait nothing changes, 1 with --wait answers change, 2 with --wait nothing could be compared: no input was kept, or
there was no decision, 3 failure.`

const replayExample = `  aumosctl policy replay start promotion --dir policies/promotion --since 168h --wait
  aumosctl policy replay differences 0198c0de-0000-7000-8000-000000000007`

// pollReplay is how often a replay that is waited for is looked at.
const pollReplay = time.Second

type replayOptions struct {
	candidateOptions

	since, until, point string
	wait                bool
}

func (a *app) policyReplayCommand() *cobra.Command {
	return group("replay", "Put recorded decisions to a candidate",
		a.replayStartCommand(), a.replayListCommand(), a.replayShowCommand(), a.replayDifferencesCommand(), a.replayCancelCommand())
}

func (a *app) replayStartCommand() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use: "start POLICY [--version N | --dir DIR]", Short: "Start a replay", Long: replayStartHelp, Example: replayExample, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.replayStart(cmd.Context(), args[0], o) },
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "", "only decisions from then on: a time (RFC 3339) or how long ago (24h, 7d)")
	f.StringVar(&o.until, "until", "", "only decisions before then: a time (RFC 3339) or how long ago (24h, 7d) (default: now)")
	f.StringVar(&o.point, "decision-point", "", "only decisions of this decision point")
	f.BoolVar(&o.wait, "wait", false, "wait until it is done, and print the report")
	return cmd
}

func (a *app) replayStart(ctx context.Context, policy string, o replayOptions) error {
	decided, err := timeRange(o.since, o.until, time.Now())
	if err != nil {
		return err
	}
	policies, client, done, err := a.simulating(ctx)
	if err != nil {
		return err
	}
	defer done()
	c, err := a.findCandidate(ctx, policies, policy, o.candidateOptions)
	if err != nil {
		return err
	}
	req := &governancev1.CreateReplayRequest{
		PolicyId: c.policy.GetId(), TimeRange: cmp.Or(decided, &typev1.TimeRange{}), DecisionPoint: o.point, RequestId: uuid.NewString(),
	}
	if c.version != nil {
		req.Candidate = &governancev1.CreateReplayRequest_PolicyVersionId{PolicyVersionId: c.version.GetId()}
	} else {
		req.Candidate = &governancev1.CreateReplayRequest_Modules{Modules: c.modules}
	}
	res, err := call(ctx, a, client.CreateReplay, req)
	if err != nil {
		c.noteFiles(a, err)
		return err
	}
	if !o.wait {
		return a.printReplay(ctx, policies, res.GetReplay())
	}
	r, err := a.awaitReplay(ctx, client, res.GetReplay())
	if err != nil {
		return err
	}
	if err := a.printReplay(ctx, policies, r); err != nil {
		return err
	}
	return replayAnswer(r)
}

// awaitReplay looks at the replay until it is done.
func (a *app) awaitReplay(ctx context.Context, client governancev1.PolicySimulationServiceClient, r *governancev1.Replay) (*governancev1.Replay, error) {
	bar := output.NewCountBar(a.stderr, "replaying", "entries")
	defer bar.Done()
	tick := time.NewTicker(pollReplay)
	defer tick.Stop()
	for {
		res, err := call(ctx, a, client.GetReplay, &governancev1.GetReplayRequest{ReplayId: r.GetId()})
		if err != nil {
			return nil, err
		}
		if bar.Set(res.GetReplay().GetScanned(), res.GetReplay().GetTotal()); res.GetReplay().GetEndTime() != nil {
			return res.GetReplay(), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: replay %s goes on", ctx.Err(), r.GetId())
		}
	}
}

// replayAnswer is the exit code for a replay that is done.
func replayAnswer(r *governancev1.Replay) error {
	switch {
	case r.GetState() == governancev1.ReplayState_REPLAY_STATE_CANCELLED:
		return fmt.Errorf("replay %s was cancelled", r.GetId())
	case r.GetState() != governancev1.ReplayState_REPLAY_STATE_SUCCEEDED:
		return fmt.Errorf("replay %s failed: %s", r.GetId(), r.GetError())
	case differing(r.GetSummary()) > 0:
		return answer(exitNo)
	case r.GetSummary().GetCompared() == 0:
		return answer(exitUnclear)
	}
	return nil
}

func (a *app) replayListCommand() *cobra.Command {
	var limit int
	var policy string
	cmd := &cobra.Command{
		Use: "list", Short: "List replays, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			policies, client, done, err := a.simulating(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			req := &governancev1.ListReplaysRequest{}
			if policy != "" {
				p, err := a.findPolicy(cmd.Context(), policies, policy)
				if err != nil {
					return err
				}
				req.PolicyId = p.GetId()
			}
			items := pages(limit, func(size int32, token string) ([]*governancev1.Replay, string, error) {
				req.PageSize, req.PageToken = size, token
				res, err := call(cmd.Context(), a, client.ListReplays, req)
				return res.GetReplays(), res.GetNextPageToken(), err
			})
			name := a.policyNames(cmd.Context(), policies)
			return printList(a, items, output.NewGrid("id", "state", "policy", "progress", "answers", "by", "created"), func(r *governancev1.Replay) []string {
				return []string{
					r.GetId(), replayStateName(r), name(r.GetPolicyId()), progressText(r), summaryText(r.GetSummary()), r.GetSubject(), when(r.GetCreateTime()),
				}
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	cmd.Flags().StringVar(&policy, "policy", "", "only those of this policy (name or id)")
	return cmd
}

func (a *app) replayShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show REPLAY", Short: "Show a replay with what it has found", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := identifier(args[0], "a replay", "policy replay list")
			if err != nil {
				return err
			}
			policies, client, done, err := a.simulating(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			res, err := call(cmd.Context(), a, client.GetReplay, &governancev1.GetReplayRequest{ReplayId: id})
			if err != nil {
				return err
			}
			return a.printReplay(cmd.Context(), policies, res.GetReplay())
		},
	}
}

func (a *app) replayDifferencesCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "differences REPLAY", Short: "List the decisions that a candidate answers otherwise, oldest first", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := identifier(args[0], "a replay", "policy replay list")
			if err != nil {
				return err
			}
			_, client, done, err := a.simulating(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			items := pages(limit, func(size int32, token string) ([]*governancev1.ReplayDifference, string, error) {
				res, err := call(cmd.Context(), a, client.ListReplayDifferences,
					&governancev1.ListReplayDifferencesRequest{ReplayId: id, PageSize: size, PageToken: token})
				return res.GetDifferences(), res.GetNextPageToken(), err
			})
			return printList(a, items, differenceGrid(), differenceRow)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all that were kept")
	return cmd
}

func (a *app) replayCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cancel REPLAY", Short: "Stop a replay; what it has found stays", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := identifier(args[0], "a replay", "policy replay list")
			if err != nil {
				return err
			}
			policies, client, done, err := a.simulating(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			res, err := call(cmd.Context(), a, client.CancelReplay, &governancev1.CancelReplayRequest{ReplayId: id, RequestId: uuid.NewString()})
			if err != nil {
				return err
			}
			return a.printReplay(cmd.Context(), policies, res.GetReplay())
		},
	}
}
