package cli

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// printAnswer prints a decision and what explains it.
func (a *app) printAnswer(res *governancev1.EvaluateResponse) error {
	if a.format == formatTable {
		if err := a.printDecision(res.GetDecision()); err != nil {
			return err
		}
		return a.printExplanations(res)
	}
	tree, err := output.Tree(res.GetDecision())
	if err != nil {
		return err
	}
	fields := map[string]any{"decision": tree}
	if len(res.GetExplanations()) > 0 {
		list := make([]json.RawMessage, len(res.GetExplanations()))
		for i, x := range res.GetExplanations() {
			if list[i], err = output.Tree(x); err != nil {
				return err
			}
		}
		fields["explanations"] = list
	}
	return a.printJSON(fields)
}

// printDecision prints a decision as tables for people.
func (a *app) printDecision(d *governancev1.Decision) error {
	pairs := []string{"decision", outcomeName(d.GetOutcome())}
	if d.GetDecisionPoint() != "" {
		pairs = append(pairs, "decision point", d.GetDecisionPoint())
	}
	if r := d.GetResource(); r != nil {
		pairs = append(pairs, "resource", resourceName(r))
	}
	pairs = append(pairs,
		"input", "sha256:"+hex.EncodeToString(d.GetInputSha256()),
		"engine", d.GetEngineVersion()+" in "+d.GetEvaluationDuration().AsDuration().String(),
		"on the wall", positionText(d.GetPosition()))
	if err := output.Pairs(a.stdout, "", pairs...); err != nil {
		return err
	}
	results := output.NewGrid("policy", "outcome", "why", "content")
	violations := output.NewGrid("policy", "severity", "code", "control", "violation")
	obligations := output.NewGrid("policy", "obligation", "parameters")
	for _, r := range d.GetResults() {
		results.Row(r.GetPolicyName(), outcomeName(r.GetOutcome()), whyText(r), short(r.GetContentSha256()))
		for _, v := range r.GetViolations() {
			violations.Row(r.GetPolicyName(), v.GetSeverity(), v.GetCode(), v.GetControl(), v.GetMessage())
		}
		for _, o := range r.GetObligations() {
			parameters, err := parametersText(o)
			if err != nil {
				return err
			}
			obligations.Row(r.GetPolicyName(), o.GetId(), parameters)
		}
	}
	return a.printGrids(results, violations, obligations)
}

// printGrids prints the tables that have rows, each after an empty line.
func (a *app) printGrids(grids ...*output.Grid) error {
	for _, grid := range grids {
		if grid.Len() == 0 {
			continue
		}
		if _, err := fmt.Fprintln(a.stdout); err != nil {
			return err
		}
		if err := grid.Print(a.stdout, ""); err != nil {
			return err
		}
	}
	return nil
}

// whyText says in few words why a policy said what it said.
func whyText(r *governancev1.PolicyResult) string {
	if r.GetOutcome() == governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR {
		return enum(r.GetErrorReason().String(), "DECISION_ERROR_REASON_")
	}
	if n := len(r.GetViolations()); n > 0 {
		return plural(n, "violation")
	}
	return ""
}

// parametersText is the object of an obligation as one line of JSON.
func parametersText(o *governancev1.Obligation) (string, error) {
	if o.GetParameters() == nil {
		return "", nil
	}
	data, err := json.Marshal(o.GetParameters().AsMap())
	return string(data), err
}

// printExplanations prints the definitions that held, and then the steps policy by policy.
func (a *app) printExplanations(res *governancev1.EvaluateResponse) error {
	if len(res.GetExplanations()) == 0 {
		return nil
	}
	names := make(map[string]string)
	for _, r := range res.GetDecision().GetResults() {
		names[r.GetPolicyId()] = r.GetPolicyName()
	}
	rules := output.NewGrid("policy", "rule that held", "place")
	for _, x := range res.GetExplanations() {
		for _, r := range x.GetRules() {
			rules.Row(names[x.GetPolicyId()], r.GetPath(), fmt.Sprintf("%s:%d:%d", r.GetModulePath(), r.GetRow(), r.GetColumn()))
		}
	}
	if err := a.printGrids(rules); err != nil {
		return err
	}
	for _, x := range res.GetExplanations() {
		name := names[x.GetPolicyId()]
		if len(x.GetTrace()) > 0 {
			if _, err := fmt.Fprintf(a.stdout, "\nsteps of %s\n", output.Clean(name)); err != nil {
				return err
			}
		}
		for _, step := range x.GetTrace() {
			if _, err := fmt.Fprintln(a.stdout, "  "+output.Clean(step)); err != nil {
				return err
			}
		}
		if x.GetTruncated() {
			a.note("note: the explanation of %s is not whole", name)
		}
	}
	return nil
}

// short shows the beginning of a digest.
func short(digest []byte) string {
	return hex.EncodeToString(digest[:min(len(digest), 6)])
}
