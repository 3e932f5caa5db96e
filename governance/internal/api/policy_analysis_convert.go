package api

import (
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func reportMessage(r rego.Report, c policy.Content) *governancev1.ValidatePolicyResponse {
	digest := policy.ContentSHA256(c.Modules, c.Data)
	m := &governancev1.ValidatePolicyResponse{
		Valid: len(r.Errors) == 0, Errors: findingMessages(r.Errors, c.Modules), Warnings: findingMessages(r.Warnings, c.Modules),
		WarningsOmitted: int32(r.Omitted), // bounded by the size of the modules
		Package:         r.Package, EntryPoints: r.EntryPoints, ContentSha256: digest[:], EngineVersion: rego.EngineVersion(),
	}
	for i, summary := range r.Modules {
		module := &governancev1.RegoModuleSummary{Path: c.Modules[i].Path, Package: summary.Package}
		for _, rule := range summary.Rules {
			module.Rules = append(module.Rules, &governancev1.RegoRule{
				Name: rule.Name, Kind: ruleKinds[rule.Kind], IsDefault: rule.Default, Row: place(rule.Row), Column: place(rule.Column),
			})
		}
		m.Modules = append(m.Modules, module)
	}
	return m
}

func findingMessages(findings []rego.Finding, modules []policy.Module) []*governancev1.RegoFinding {
	messages := make([]*governancev1.RegoFinding, len(findings))
	for i, f := range findings {
		messages[i] = &governancev1.RegoFinding{Code: f.Code, Message: f.Message, Row: place(f.Row), Column: place(f.Column)}
		if f.Module >= 0 {
			messages[i].ModulePath = modules[f.Module].Path
		}
	}
	return messages
}

var ruleKinds = map[rego.RuleKind]governancev1.RegoRuleKind{ //nolint:gochecknoglobals // a constant table
	rego.CompleteRule: governancev1.RegoRuleKind_REGO_RULE_KIND_COMPLETE,
	rego.SetRule:      governancev1.RegoRuleKind_REGO_RULE_KIND_SET,
	rego.ObjectRule:   governancev1.RegoRuleKind_REGO_RULE_KIND_OBJECT,
	rego.FunctionRule: governancev1.RegoRuleKind_REGO_RULE_KIND_FUNCTION,
	rego.TestRule:     governancev1.RegoRuleKind_REGO_RULE_KIND_TEST,
}

var changeKinds = map[rego.ChangeKind]governancev1.PolicyChangeKind{ //nolint:gochecknoglobals // a constant table
	rego.Added:   governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_ADDED,
	rego.Removed: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_REMOVED,
	rego.Changed: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_CHANGED,
}

func diffMessage(d rego.Diff, from, to policy.Version) *governancev1.PolicyVersionDiff {
	m := &governancev1.PolicyVersionDiff{
		RulesCompared: d.Compared, RulesAdded: place(d.Added), RulesRemoved: place(d.Removed), RulesChanged: place(d.Changed),
		PackagesAdded: d.PackagesAdded, PackagesRemoved: d.PackagesRemoved, EntryPackageChanged: from.Package != to.Package,
	}
	for _, c := range d.Rules {
		change := &governancev1.RuleChange{Kind: changeKinds[c.Kind], Package: c.Package, Name: c.Name}
		if c.Kind != rego.Added {
			change.OldLocation = locationMessage(c.Old, from.Modules)
		}
		if c.Kind != rego.Removed {
			change.NewLocation = locationMessage(c.New, to.Modules)
		}
		m.Rules = append(m.Rules, change)
	}
	for _, c := range policy.CompareTexts(from, to) {
		kind := rego.Changed
		switch {
		case !c.Old:
			kind = rego.Added
		case !c.New:
			kind = rego.Removed
		}
		m.Modules = append(m.Modules, &governancev1.ModuleChange{Kind: changeKinds[kind], Path: c.Path, UnifiedDiff: c.Diff, Truncated: c.Truncated})
	}
	return m
}

func locationMessage(l rego.Location, modules []policy.Module) *governancev1.RegoLocation {
	return &governancev1.RegoLocation{ModulePath: modules[l.Module].Path, Row: place(l.Row), Column: place(l.Column)}
}
