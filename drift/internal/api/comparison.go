package api

import (
	"fmt"

	"github.com/aumos-enterprise/platform/drift/internal/comparison"
	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/monitor"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// comparisonFrom reads and checks a header.
func comparisonFrom(header *driftv1.ComparisonHeader) (comparison.Request, error) {
	settings := ruleFrom(header.GetRule()).Settings()
	settings.Permutations, settings.Seed = int(header.GetPermutations()), header.GetSeed()
	request := comparison.Request{Settings: settings, RowTests: testsFrom(header.GetRowTests())}
	var patterns comparison.Patterns
	for i, f := range header.GetFeatures() {
		constraint, err := constraintFrom(&patterns, fmt.Sprintf("header.features[%d].constraint", i), f.GetConstraint())
		if err != nil {
			return comparison.Request{}, err
		}
		request.Features = append(request.Features, comparison.Feature{
			Name: f.GetName(), Type: typeFrom[f.GetType()], Tests: testsFrom(f.GetTests()), Constraint: constraint,
			TimeZone: f.GetTimeZone(), Importance: f.Importance, Embed: f.GetEmbed(),
		})
	}
	return request, request.Check()
}

func ruleFrom(r *driftv1.DecisionRule) monitor.Rule {
	return monitor.Rule{FalseDiscoveryRate: r.GetFalseDiscoveryRate(), MinRows: int64(r.GetMinRows()), MinDriftedFeatures: int(r.GetMinDriftedFeatures())}
}

func testsFrom(settings []*driftv1.TestSetting) (tests []detect.TestSetting) {
	for _, t := range settings {
		tests = append(tests, detect.TestSetting{Test: testFrom[t.GetTest()], Convention: t.GetConvention(), MinEffect: t.GetMinEffect()})
	}
	return tests
}

func testSettingTo(t detect.TestSetting) *driftv1.TestSetting {
	return &driftv1.TestSetting{Test: testTo[t.Test], Convention: t.Convention, MinEffect: new(t.MinEffect)}
}

func constraintFrom(patterns *comparison.Patterns, field string, c *driftv1.FeatureConstraint) (*detect.Constraint, error) {
	if c == nil {
		return nil, nil
	}
	pattern, err := patterns.Parse(field+".pattern", c.GetPattern())
	if err != nil {
		return nil, err
	}
	return &detect.Constraint{Min: c.Min, Max: c.Max, Allowed: c.GetAllowed(), Pattern: pattern, Unique: c.GetUnique(), Format: c.GetFormat()}, nil
}

func comparisonTo(r comparison.Result) *driftv1.Comparison {
	p := &driftv1.Comparison{
		Status: statusTo[r.Status], Severity: r.Severity, Summary: r.Summary,
		Rule:             ruleTo(monitor.Rule{FalseDiscoveryRate: r.Settings.FDR, MinRows: r.Settings.MinRows, MinDriftedFeatures: r.Settings.MinDriftedFeatures}),
		BaselineRowCount: r.BaselineRows, CurrentRowCount: r.CurrentRows, DriftedFeatureCount: int32(r.DriftedFeatures), // at most 500
		NewColumns: r.New, RemovedColumns: r.Removed, PValueCount: int32(r.PValuesTested), // at most as many as tests
		Permutations: int32(r.Settings.Permutations), Seed: r.Settings.Seed, // at most 9,999
	}
	for _, i := range r.BySeverity() {
		p.Features = append(p.Features, featureTo(&r.Features[i]))
	}
	for i := range r.Rows {
		p.RowTests = append(p.RowTests, testResultTo(&r.Rows[i]))
	}
	for _, c := range r.Contributions() {
		p.Contributions = append(p.Contributions, &driftv1.FeatureContribution{Feature: c.Feature, MarginalShare: c.Marginal, JointShare: c.Joint})
	}
	return p
}
