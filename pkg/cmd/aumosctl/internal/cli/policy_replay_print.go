package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func replayStateName(r *governancev1.Replay) string {
	return enum(r.GetState().String(), "REPLAY_STATE_")
}

func progressText(r *governancev1.Replay) string {
	return fmt.Sprintf("%d of %d entries", r.GetScanned(), r.GetTotal())
}

func differenceGrid() *output.Grid {
	return output.NewGrid("decision", "decided", "resource", "outcome", "change")
}

func differenceRow(d *governancev1.ReplayDifference) []string {
	return []string{
		d.GetDecisionId(), when(d.GetDecideTime()), resourceName(d.GetResource()), outcomeChange(d.GetDifference()), answerChange(d.GetDifference()),
	}
}

func (a *app) printReplay(ctx context.Context, policies governancev1.PolicyServiceClient, r *governancev1.Replay) error {
	if a.format != formatTable {
		return a.printMessage("replay", r)
	}
	return a.printReplayTable(ctx, policies, r, nil)
}

// printReplayTable prints a replay for people, with differences that came with it.
func (a *app) printReplayTable(
	ctx context.Context, policies governancev1.PolicyServiceClient, r *governancev1.Replay, differences []*governancev1.ReplayDifference,
) error {
	candidate := "modules that are not stored"
	if id := r.GetPolicyVersionId(); id != "" {
		candidate = a.versionName(ctx, policies, id)
	}
	missing := ""
	if r.GetInputsMissing() > 0 {
		missing = strconv.FormatInt(r.GetInputsMissing(), 10) + ", whose inputs were not kept"
	}
	masked := ""
	if r.GetInputsMasked() > 0 {
		masked = strconv.FormatInt(r.GetInputsMasked(), 10) + ": the candidate saw null there"
	}
	err := output.Pairs(a.stdout, "", "replay", r.GetId(), "state", replayStateName(r), "error", r.GetError(), "candidate", candidate+", content "+short(r.GetContentSha256()),
		"decisions", when(r.GetTimeRange().GetStartTime())+" to "+when(r.GetTimeRange().GetEndTime()), "decision point", r.GetDecisionPoint(),
		"looked at", progressText(r), "the policy's answers", summaryText(r.GetSummary()), "decisions as a whole", summaryText(r.GetDecisionsSummary()),
		"left out", missing, "masked", masked)
	if err != nil {
		return err
	}
	resources := output.NewGrid("resource", "differ", "of", "allow -> deny", "deny -> allow", "other")
	for _, d := range r.GetResources() {
		s := d.GetSummary()
		name := resourceName(d.GetResource())
		if name == "" {
			name = "(none)"
		}
		resources.Row(name, tally(differing(s)), tally(s.GetCompared()), tally(s.GetAllowToDeny()), tally(s.GetDenyToAllow()),
			tally(differing(s)-s.GetAllowToDeny()-s.GetDenyToAllow()))
	}
	rules := output.NewGrid("rule", "added", "removed")
	for _, d := range r.GetRules() {
		rules.Row(d.GetCode(), tally(d.GetAdded()), tally(d.GetRemoved()))
	}
	decisions := differenceGrid()
	for _, d := range differences {
		decisions.Row(differenceRow(d)...)
	}
	return a.printGrids(resources, rules, decisions)
}

func tally(n int64) string { return strconv.FormatInt(n, 10) }
