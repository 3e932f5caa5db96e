package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const diffHelp = `Compares two versions of a policy: which rules were added, removed or changed, and the change of the text. Formatting, comments, names of imports
and the order of rules make no difference to the rules.

Exit codes: 0 done, 3 failure; with --exit-code 1 when rules or the data document differ.`

const diffExample = `  aumosctl policy diff retrain                      # from what decisions use to the newest version
  aumosctl policy diff retrain --from 2 --to 3 --rules`

type diffOptions struct {
	from, to        int32
	rules, exitCode bool
}

func (a *app) policyDiffCommand() *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use: "diff POLICY [--from N] [--to M]", Short: "Compare two versions of a policy", Long: diffHelp, Example: diffExample, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.policyDiff(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.Int32Var(&o.from, "from", 0, "the number of the earlier version (default: the active one)")
	f.Int32Var(&o.to, "to", 0, "the number of the later version (default: the newest)")
	f.BoolVar(&o.rules, "rules", false, "leave the change of the text out")
	f.BoolVar(&o.exitCode, "exit-code", false, "end with exit code 1 when rules or the data document differ")
	return cmd
}

func (a *app) policyDiff(ctx context.Context, key string, o diffOptions) error {
	if o.from < 0 || o.to < 0 {
		return errors.New("versions count from 1")
	}
	client, done, err := a.policies(ctx)
	if err != nil {
		return err
	}
	defer done()
	policy, err := a.findPolicy(ctx, client, key)
	if err != nil {
		return err
	}
	req := &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: policy.GetActiveVersionId()}
	if o.from > 0 {
		from, err := a.findVersion(ctx, client, policy, o.from)
		if err != nil {
			return err
		}
		req.FromPolicyVersionId = from.GetId()
	}
	if req.GetFromPolicyVersionId() == "" {
		return fmt.Errorf("policy %q has no active version: name the version to compare with by --from", policy.GetName())
	}
	to, err := a.findVersion(ctx, client, policy, o.to)
	if err != nil {
		return err
	}
	req.ToPolicyVersionId = to.GetId()
	res, err := call(ctx, a, client.DiffPolicyVersions, req)
	if err != nil {
		return err
	}
	if o.rules {
		for _, m := range res.GetDiff().GetModules() {
			m.UnifiedDiff, m.Truncated = "", false
		}
	}
	if a.format != formatTable {
		err = a.printMessage("comparison", res)
	} else {
		err = a.printComparison(policy, res)
	}
	if err != nil {
		return err
	}
	if o.exitCode && decidesOtherwise(res.GetDiff()) {
		return answer(exitNo)
	}
	return nil
}

// decidesOtherwise reports whether one version may decide otherwise than the other.
func decidesOtherwise(d *governancev1.PolicyVersionDiff) bool {
	return !d.GetRulesCompared() || d.GetEntryPackageChanged() || d.GetRulesAdded()+d.GetRulesRemoved()+d.GetRulesChanged() > 0 || dataChange(d) != ""
}

// dataChange says what became of the data document, which is compared as a module of a path that no module can have; empty when nothing did.
func dataChange(d *governancev1.PolicyVersionDiff) string {
	for _, m := range d.GetModules() {
		if m.GetPath() == "data.json" {
			return changeName(m.GetKind())
		}
	}
	return ""
}

func (a *app) printComparison(policy *governancev1.Policy, res *governancev1.DiffPolicyVersionsResponse) error {
	d := res.GetDiff()
	version := func(v *governancev1.PolicyVersion) string {
		return fmt.Sprintf("%d, %s (%s)", v.GetNumber(), stateOf(policy, v), v.GetId())
	}
	rules := fmt.Sprintf("%d changed, %d added, %d removed", d.GetRulesChanged(), d.GetRulesAdded(), d.GetRulesRemoved())
	if !d.GetRulesCompared() {
		rules = "not compared: a version does not parse with this engine"
	}
	entry := ""
	if d.GetEntryPackageChanged() {
		entry = res.GetFromPolicyVersion().GetPackage() + " -> " + res.GetToPolicyVersion().GetPackage()
	}
	err := output.Pairs(a.stdout, "", "policy", policy.GetName()+" ("+policy.GetId()+")",
		"from", version(res.GetFromPolicyVersion()), "to", version(res.GetToPolicyVersion()), "rules", rules, "data", dataChange(d), "decides by", entry,
		"new packages", strings.Join(d.GetPackagesAdded(), " "), "gone packages", strings.Join(d.GetPackagesRemoved(), " "))
	if err != nil {
		return err
	}
	if len(d.GetRules()) > 0 {
		grid := output.NewGrid("rule", "change", "from", "to")
		for _, c := range d.GetRules() {
			grid.Row(c.GetPackage()+"."+c.GetName(), changeName(c.GetKind()), placeName(c.GetOldLocation()), placeName(c.GetNewLocation()))
		}
		if _, err := fmt.Fprintln(a.stdout); err != nil {
			return err
		}
		if err := grid.Print(a.stdout, ""); err != nil {
			return err
		}
		if n := int(d.GetRulesAdded()+d.GetRulesRemoved()+d.GetRulesChanged()) - len(d.GetRules()); n > 0 {
			a.note("note: %d more are not listed", n)
		}
	}
	for _, m := range d.GetModules() {
		if err := a.printUnified(m); err != nil {
			return err
		}
	}
	return nil
}

// printUnified prints the change of a module's text, each line safe for a terminal.
func (a *app) printUnified(m *governancev1.ModuleChange) error {
	if m.GetUnifiedDiff() == "" {
		return nil
	}
	var b strings.Builder
	b.WriteByte('\n')
	for line := range strings.Lines(m.GetUnifiedDiff()) {
		for i, part := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") { // which Clean would escape
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(output.Clean(part))
		}
		b.WriteByte('\n')
	}
	if _, err := fmt.Fprint(a.stdout, b.String()); err != nil {
		return err
	}
	if m.GetTruncated() {
		a.note("note: the text of %s is cut: the change is too long", m.GetPath())
	}
	return nil
}

func changeName(kind governancev1.PolicyChangeKind) string {
	return strings.ToLower(enum(kind.String(), "POLICY_CHANGE_KIND_"))
}

func placeName(l *governancev1.RegoLocation) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", l.GetModulePath(), l.GetRow(), l.GetColumn())
}
