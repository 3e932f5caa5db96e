package api

import (
	"context"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/recommend"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// ListTests implements driftv1.DetectionServiceServer.
func (s detections) ListTests(_ context.Context, req *driftv1.ListTestsRequest) (*driftv1.ListTestsResponse, error) {
	resp := &driftv1.ListTestsResponse{}
	for _, spec := range detect.Catalog() {
		types := detect.AllTypes()
		if kind := req.GetFeatureType(); kind != 0 {
			types = []detect.FeatureType{typeFrom[kind]}
		}
		if !slices.ContainsFunc(types, spec.Applies) {
			continue
		}
		// Tests of rows are tests of a feature too where its values are vectors.
		if req.GetScope() == driftv1.TestScope_TEST_SCOPE_FEATURE && !slices.ContainsFunc(types, spec.Test.Applies) ||
			req.GetScope() == driftv1.TestScope_TEST_SCOPE_ROWS && spec.Scope != detect.ScopeRows {
			continue
		}
		resp.Tests = append(resp.Tests, specTo(spec))
	}
	return resp, nil
}

// RecommendTests implements driftv1.DetectionServiceServer.
func (s detections) RecommendTests(_ context.Context, req *driftv1.RecommendTestsRequest) (*driftv1.RecommendTestsResponse, error) {
	t := req.GetTraits()
	resp := &driftv1.RecommendTestsResponse{}
	for _, r := range recommend.Tests(recommend.Traits{
		Type: typeFrom[t.GetType()], Baseline: t.GetBaselineCount(), Current: t.GetCurrentCount(), Distinct: t.GetDistinctCount(),
	}) {
		resp.Recommendations = append(resp.Recommendations, &driftv1.TestRecommendation{Setting: testSettingTo(r.Setting), Reason: r.Reason})
	}
	return resp, nil
}

func specTo(s detect.Spec) *driftv1.TestDescription {
	p := &driftv1.TestDescription{
		Test: testTo[s.Test], Title: s.Title, Scope: scopeTo[s.Scope], Kind: kindTo[s.Kind], FeatureTypes: typesTo(s.Types), NullHypothesis: s.Null,
		Assumptions: s.Assumptions, PValue: s.PValue, EffectRange: s.EffectRange, Source: s.Source,
	}
	for _, a := range s.Parameters() {
		p.Parameters = append(p.Parameters, &driftv1.TestParameter{Name: a.Name, Description: a.Description, DefaultValue: a.Default, Range: a.Range})
	}
	for _, c := range s.Conventions {
		types := c.Types
		if len(types) == 0 {
			types = s.Types
		}
		if i := slices.IndexFunc(types, s.Applies); i >= 0 { // with what the test says where the convention says nothing
			if full, ok := s.Convention(c.Name, types[i]); ok {
				c = full
			}
		}
		p.Conventions = append(p.Conventions, &driftv1.TestConvention{
			Name: c.Name, Description: c.Description, FeatureTypes: typesTo(types), EffectName: c.EffectName, DefaultMinEffect: c.MinEffect,
		})
	}
	return p
}

func typesTo(types []detect.FeatureType) (p []driftv1.FeatureType) {
	for _, t := range types {
		p = append(p, typeTo[t])
	}
	return p
}
