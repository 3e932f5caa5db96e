package drifttest

import (
	"testing"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// Evaluate sends the header and the batches of both sides and returns how the performance changed.
func (c *Client) Evaluate(tb testing.TB, header *driftv1.PerformanceHeader, batches ...*driftv1.ComparisonBatch) (*driftv1.PerformanceEvaluation, error) {
	tb.Helper()
	stream, err := c.EvaluatePerformance(tb.Context())
	if err != nil {
		return nil, err
	}
	parts := []*driftv1.EvaluatePerformanceRequest{{Part: &driftv1.EvaluatePerformanceRequest_Header{Header: header}}}
	for _, b := range batches {
		parts = append(parts, &driftv1.EvaluatePerformanceRequest{Part: &driftv1.EvaluatePerformanceRequest_Batch{Batch: b}})
	}
	if err := sendAll(stream.Send, parts); err != nil {
		return nil, err
	}
	resp, err := stream.CloseAndRecv()
	return resp.GetEvaluation(), err
}

// Estimate sends the header and the batches of both sides and returns how good the predictions probably are.
func (c *Client) Estimate(tb testing.TB, header *driftv1.EstimationHeader, batches ...*driftv1.ComparisonBatch) (*driftv1.PerformanceEstimation, error) {
	tb.Helper()
	stream, err := c.EstimatePerformance(tb.Context())
	if err != nil {
		return nil, err
	}
	parts := []*driftv1.EstimatePerformanceRequest{{Part: &driftv1.EstimatePerformanceRequest_Header{Header: header}}}
	for _, b := range batches {
		parts = append(parts, &driftv1.EstimatePerformanceRequest{Part: &driftv1.EstimatePerformanceRequest_Batch{Batch: b}})
	}
	if err := sendAll(stream.Send, parts); err != nil {
		return nil, err
	}
	resp, err := stream.CloseAndRecv()
	return resp.GetEstimation(), err
}
