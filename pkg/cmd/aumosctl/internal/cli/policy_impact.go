package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const impactHelp = `Says what a candidate would have answered otherwise in the last days: by decision, resource and rule. It is a replay that is waited for, and that is
cancelled when this command is interrupted.

` + candidateHelp + `

Exit codes: 0 nothing changes, 1 answers change, 2 nothing could be compared: no input was kept, or there was no decision, 3 failure.`

const impactExample = `  aumosctl policy impact promotion --dir policies/promotion
  aumosctl policy impact promotion --version 4 --days 30 -o json`

// impactDifferences is how many differences the service sends with the report.
const impactDifferences = 100

type impactOptions struct {
	candidateOptions

	days  int32
	point string
}

func (a *app) policyImpactCommand() *cobra.Command {
	var o impactOptions
	cmd := &cobra.Command{
		Use: "impact POLICY [--version N | --dir DIR] [--days N]", Short: "Say what a candidate would have changed in the last days", Long: impactHelp,
		Example: impactExample, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.policyImpact(cmd.Context(), args[0], o) },
	}
	o.flags(cmd)
	cmd.Flags().Int32Var(&o.days, "days", 7, "how many days back, 1 to 400")
	cmd.Flags().StringVar(&o.point, "decision-point", "", "only decisions of this decision point")
	return cmd
}

func (a *app) policyImpact(ctx context.Context, policy string, o impactOptions) error {
	if o.days < 1 || o.days > 400 {
		return errors.New("--days must be 1 to 400")
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
	req := &governancev1.AnalyzeImpactRequest{PolicyId: c.policy.GetId(), Days: o.days, DecisionPoint: o.point}
	if c.version != nil {
		req.Candidate = &governancev1.AnalyzeImpactRequest_PolicyVersionId{PolicyVersionId: c.version.GetId()}
	} else {
		req.Candidate = &governancev1.AnalyzeImpactRequest_Modules{Modules: c.modules}
	}
	last, err := a.followImpact(ctx, client, req)
	id := last.GetReplay().GetId()
	if id != "" && tokenExpired(err) {
		last, err = a.awaitImpact(ctx, client, last.GetReplay())
	}
	if err != nil {
		c.noteFiles(a, err)
		if id != "" && ctx.Err() == nil {
			a.note("replay %s goes on: aumosctl policy replay show has what it finds", id)
		}
		return err
	}
	if a.format != formatTable {
		err = a.printMessage("impact", last)
	} else {
		err = a.printReplayTable(ctx, policies, last.GetReplay(), last.GetDifferences())
	}
	if err != nil {
		return err
	}
	return replayAnswer(last.GetReplay())
}

// followImpact returns the last message, which has the whole report unless there is an error.
func (a *app) followImpact(
	ctx context.Context, client governancev1.PolicySimulationServiceClient, req *governancev1.AnalyzeImpactRequest,
) (last *governancev1.AnalyzeImpactResponse, err error) {
	stream, err := client.AnalyzeImpact(ctx, req)
	if err != nil {
		return nil, err
	}
	bar := output.NewCountBar(a.stderr, "replaying", "entries")
	defer bar.Done()
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return last, err
		}
		last = m
		bar.Set(m.GetReplay().GetScanned(), m.GetReplay().GetTotal())
	}
	if last.GetReplay().GetEndTime() == nil {
		return nil, errors.New("the service ended the analysis before it was done")
	}
	return last, nil
}

// awaitImpact returns what the last message would have been, of a replay whose stream was shorter than the replay.
func (a *app) awaitImpact(
	ctx context.Context, client governancev1.PolicySimulationServiceClient, r *governancev1.Replay,
) (*governancev1.AnalyzeImpactResponse, error) {
	r, err := a.awaitReplay(ctx, client, r)
	if err != nil {
		return nil, err
	}
	res, err := call(ctx, a, client.ListReplayDifferences, &governancev1.ListReplayDifferencesRequest{ReplayId: r.GetId(), PageSize: impactDifferences})
	return &governancev1.AnalyzeImpactResponse{Replay: r, Differences: res.GetDifferences()}, err
}
