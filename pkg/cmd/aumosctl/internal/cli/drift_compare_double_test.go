package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// compared is what the double was asked to compare.
type compared struct {
	header  *driftv1.ComparisonHeader
	columns [2]map[string]string // by side: type of values by column
	rows    [2]int
}

func (d *driftDouble) Compare(stream grpc.ClientStreamingServer[driftv1.CompareRequest, driftv1.CompareResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if d.refuse != nil {
		return d.refuse
	}
	c := compared{header: first.GetHeader(), columns: [2]map[string]string{{}, {}}}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		side := part.GetBatch().GetSide() - 1
		rows := 0
		for _, column := range part.GetBatch().GetRows().GetColumns() {
			switch v := column.GetValues().(type) {
			case *driftv1.Column_Numbers:
				c.columns[side][column.GetName()], rows = "numbers", len(v.Numbers.GetValues())
			case *driftv1.Column_Texts:
				c.columns[side][column.GetName()], rows = "texts", len(v.Texts.GetValues())
			case *driftv1.Column_Booleans:
				c.columns[side][column.GetName()], rows = "booleans", len(v.Booleans.GetValues())
			case *driftv1.Column_Vectors:
				dimension := v.Vectors.GetDimension()
				c.columns[side][column.GetName()], rows = fmt.Sprintf("vectors of %d", dimension), len(v.Vectors.GetValues())/int(dimension)
			case *driftv1.Column_Timestamps:
				c.columns[side][column.GetName()], rows = "timestamps", len(v.Timestamps.GetUnixMicros())
			}
		}
		c.rows[side] += rows
	}
	if d.silent != nil {
		<-d.silent
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.compared = append(d.compared, c)
	like := detectionOf(&driftv1.Monitor{}, int64(c.rows[1]), "")
	comparison := &driftv1.Comparison{
		Status: like.GetStatus(), Severity: like.GetSeverity(), Summary: "DRIFT: 2 of 4 features drifted.", BaselineRowCount: int64(c.rows[0]), CurrentRowCount: int64(c.rows[1]),
		DriftedFeatureCount: 2, Features: like.GetFeatures(), NewColumns: []string{"extra"}, PValueCount: 5,
		Contributions: []*driftv1.FeatureContribution{{Feature: "temp", MarginalShare: 0.75, JointShare: new(0.5)}, {Feature: "dest", MarginalShare: 0.25}, {Feature: "origin", JointShare: new(0.0)}}, Permutations: 999,
		RowTests: []*driftv1.TestResult{{
			Test: driftv1.DriftTest_DRIFT_TEST_MAXIMUM_MEAN_DISCREPANCY, Status: like.GetStatus(), Statistic: new(0.5), PValue: new(0.001), MinEffect: 0.1,
			PValueMethod: driftv1.PValueMethod_P_VALUE_METHOD_PERMUTATION, BaselineCount: int64(c.rows[0]), CurrentCount: int64(c.rows[1]),
		}},
	}
	for _, f := range c.header.GetFeatures() {
		if f.GetEmbed() {
			e := &driftv1.TextEmbedding{Model: "m7", BaselineCount: int64(c.rows[0]), CurrentCount: int64(c.rows[1]), Dimension: 3}
			comparison.Features = append(comparison.Features, &driftv1.FeatureResult{Feature: f.GetName(), Type: f.GetType(), Status: like.GetStatus(), Embedding: e})
		}
	}
	if d.verdict != 0 {
		comparison.Status = d.verdict
	}
	return stream.SendAndClose(&driftv1.CompareResponse{Comparison: comparison})
}

func (d *driftDouble) ListTests(_ context.Context, req *driftv1.ListTestsRequest) (*driftv1.ListTestsResponse, error) {
	numeric, categorical := driftv1.FeatureType_FEATURE_TYPE_NUMERIC, driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL
	res := &driftv1.ListTestsResponse{Tests: []*driftv1.TestDescription{
		{
			Test: driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV, Title: "Kolmogorov–Smirnov", Scope: driftv1.TestScope_TEST_SCOPE_FEATURE, Kind: driftv1.TestKind_TEST_KIND_TEST,
			FeatureTypes: []driftv1.FeatureType{numeric}, NullHypothesis: "One distribution.", Assumptions: []string{"independent rows"}, PValue: "exact", EffectRange: "0 to 1", Source: "Hodges (1958)",
			Conventions: []*driftv1.TestConvention{{Name: "ks/two-sample", Description: "Two-sided.", FeatureTypes: []driftv1.FeatureType{numeric}, EffectName: "distance", DefaultMinEffect: 0.1}},
		},
		{
			Test: driftv1.DriftTest_DRIFT_TEST_POPULATION_STABILITY_INDEX, Title: "Population stability index", Scope: driftv1.TestScope_TEST_SCOPE_FEATURE, Kind: driftv1.TestKind_TEST_KIND_DISTANCE,
			FeatureTypes: []driftv1.FeatureType{numeric, categorical}, NullHypothesis: "One distribution.", PValue: "asymptotic", EffectRange: "0 upwards", Source: "Yurdakul (2018)",
			Conventions: []*driftv1.TestConvention{
				{Name: "psi/decile-ref", Description: "Deciles.", FeatureTypes: []driftv1.FeatureType{numeric}, EffectName: "psi", DefaultMinEffect: 0.1},
				{Name: "psi/category", Description: "Categories.", FeatureTypes: []driftv1.FeatureType{categorical}, EffectName: "psi", DefaultMinEffect: 0.1},
			},
		},
	}}
	if req.GetScope() == driftv1.TestScope_TEST_SCOPE_FEATURE { // also a test of rows, which can be made on vectors
		vector := driftv1.FeatureType_FEATURE_TYPE_VECTOR
		res.Tests = append(res.Tests, &driftv1.TestDescription{
			Test: driftv1.DriftTest_DRIFT_TEST_MAXIMUM_MEAN_DISCREPANCY, Title: "Maximum mean discrepancy", Scope: driftv1.TestScope_TEST_SCOPE_ROWS, Kind: driftv1.TestKind_TEST_KIND_TEST,
			FeatureTypes: []driftv1.FeatureType{numeric, vector}, Conventions: []*driftv1.TestConvention{{Name: "mmd/random-features", FeatureTypes: []driftv1.FeatureType{numeric, vector}}},
		})
	}
	if req.GetFeatureType() == categorical {
		res.Tests = res.GetTests()[1:]
	}
	return res, nil
}

func (d *driftDouble) RecommendTests(context.Context, *driftv1.RecommendTestsRequest) (*driftv1.RecommendTestsResponse, error) {
	return &driftv1.RecommendTestsResponse{Recommendations: []*driftv1.TestRecommendation{{
		Setting: &driftv1.TestSetting{Test: driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV, Convention: "ks/two-sample", MinEffect: new(0.1)}, Reason: "finds any change",
	}}}, nil
}
