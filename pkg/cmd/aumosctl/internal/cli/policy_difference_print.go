package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// differing returns how many answers differ.
func differing(s *governancev1.DifferenceSummary) int64 { return s.GetCompared() - s.GetSame() }

// summaryText says in a line what differs.
func summaryText(s *governancev1.DifferenceSummary) string {
	if s.GetCompared() == 0 {
		return "nothing compared"
	}
	if differing(s) == 0 {
		return fmt.Sprintf("all %d the same", s.GetCompared())
	}
	parts := []string{fmt.Sprintf("%d of %d differ", differing(s), s.GetCompared())}
	for _, p := range []struct {
		n    int64
		what string
	}{
		{s.GetAllowToDeny(), "allow -> deny"},
		{s.GetDenyToAllow(), "deny -> allow"},
		{s.GetToError(), "answer -> error"},
		{s.GetFromError(), "error -> answer"},
		{s.GetViolationsChanged(), "other violations"},
		{s.GetObligationsChanged(), "other obligations"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return parts[0] + ": " + strings.Join(parts[1:], ", ")
}

// outcomeChange is the outcomes of a difference, or the one that both have.
func outcomeChange(d *governancev1.AnswerDifference) string {
	from, to := outcomeAndReason(d.GetFromOutcome(), d.GetFromErrorReason()), outcomeAndReason(d.GetToOutcome(), d.GetToErrorReason())
	switch {
	case d.GetFromOutcome() == governancev1.DecisionOutcome_DECISION_OUTCOME_UNSPECIFIED:
		return "-> " + to
	case from == to:
		return to
	}
	return from + " -> " + to
}

// outcomeAndReason says of an ERROR why there was no answer, where that is known.
func outcomeAndReason(o governancev1.DecisionOutcome, reason governancev1.DecisionErrorReason) string {
	if reason == governancev1.DecisionErrorReason_DECISION_ERROR_REASON_UNSPECIFIED {
		return outcomeName(o)
	}
	return outcomeName(o) + " " + enum(reason.String(), "DECISION_ERROR_REASON_")
}

// answerChange lists what came (+), what went (-), and what did both under one name (~): it has another message, or other parameters.
func answerChange(d *governancev1.AnswerDifference) string {
	parts := changedNames("", violationName, d.GetViolationsAdded(), d.GetViolationsRemoved())
	parts = append(parts, changedNames("obligation ", (*governancev1.Obligation).GetId, d.GetObligationsAdded(), d.GetObligationsRemoved())...)
	return strings.Join(parts, ", ")
}

func changedNames[T any](kind string, name func(T) string, added, removed []T) []string {
	signs := make(map[string]string, len(added)+len(removed))
	for _, t := range removed {
		signs[name(t)] = "-"
	}
	for _, t := range added {
		if n := name(t); signs[n] == "" {
			signs[n] = "+"
		} else if signs[n] == "-" {
			signs[n] = "~"
		}
	}
	var parts []string
	for _, t := range slices.Concat(added, removed) {
		if n := name(t); signs[n] != "" {
			parts = append(parts, signs[n]+kind+n)
			delete(signs, n) // it has been said
		}
	}
	return parts
}

// violationName is a violation's code, or its message where it has none.
func violationName(v *governancev1.Violation) string { return cmp.Or(v.GetCode(), v.GetMessage()) }

func (a *app) printSimulation(ctx context.Context, client governancev1.PolicyServiceClient, c candidate, res *governancev1.SimulatePolicyResponse) error {
	if len(res.GetErrors()) > 0 {
		grid := output.NewGrid("place", "code", "message")
		for _, f := range res.GetErrors() {
			grid.Row(findingPlace(f, c.file), f.GetCode(), f.GetMessage())
		}
		a.note("the candidate does not compile")
		return grid.Print(a.stdout, "")
	}
	with := "nothing: the policy has no active version"
	if id := res.GetComparedWithPolicyVersionId(); id != "" {
		with = a.versionName(ctx, client, id)
	}
	err := output.Pairs(a.stdout, "", "policy", c.policy.GetName()+" ("+c.policy.GetId()+")", "compared with", with, "answers", summaryText(res.GetSummary()))
	if err != nil {
		return err
	}
	grid := output.NewGrid("input", "outcome", "change")
	for _, r := range res.GetResults() {
		d := r.GetDifference()
		if d == nil {
			outcome, reason := r.GetCandidate().GetOutcome(), r.GetCandidate().GetErrorReason()
			d = &governancev1.AnswerDifference{FromOutcome: outcome, FromErrorReason: reason, ToOutcome: outcome, ToErrorReason: reason}
		}
		grid.Row(r.GetName(), outcomeChange(d), answerChange(d))
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	return grid.Print(a.stdout, "")
}

// writeSimulationJUnit writes one case for each input, which fails when the answers differ; a candidate that does not compile is a case with an error.
func writeSimulationJUnit(path string, c candidate, res *governancev1.SimulatePolicyResponse) error {
	suite := junitSuite{Name: "aumosctl policy simulate"}
	reason := func(message, text string) *junitReason {
		return &junitReason{Type: "simulate", Message: output.Clean(message), Text: output.Clean(text)}
	}
	for _, r := range res.GetResults() {
		asked := junitCase{Class: "policy.simulate", Name: output.Clean(r.GetName())}
		if r.GetDifference() != nil && r.GetComparedWith() != nil {
			asked.Failure = reason(outcomeChange(r.GetDifference()), answerChange(r.GetDifference()))
		}
		suite.Cases = append(suite.Cases, asked)
	}
	for _, f := range res.GetErrors() {
		wrong := junitCase{Class: "policy.simulate", Name: "compile", Error: reason(f.GetCode(), strings.TrimSpace(findingPlace(f, c.file)+" "+f.GetMessage()))}
		if f.GetModulePath() != "" {
			wrong.File = c.file(f.GetModulePath())
		}
		suite.Cases = append(suite.Cases, wrong)
	}
	return writeSuite(path, suite)
}
