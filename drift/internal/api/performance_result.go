package api

import (
	"github.com/aumos-enterprise/platform/drift/internal/assessment"
	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

func evaluationTo(e assessment.Evaluated) *driftv1.PerformanceEvaluation {
	p := &driftv1.PerformanceEvaluation{
		Status: statusTo[e.Status], Summary: e.Summary, BaselineRowCount: e.BaselineRows, CurrentRowCount: e.CurrentRows,
		BaselineSkippedCount: e.BaselineSkipped, CurrentSkippedCount: e.CurrentSkipped, Metrics: changesTo(e.Changes),
		PValueCount: int32(e.PValues), Classes: e.Classes, // at most 17 metrics of 51 parts
	}
	for _, s := range e.Segments {
		p.Segments = append(p.Segments, &driftv1.SegmentPerformance{Segment: s.Segment, Status: statusTo[s.Status], Metrics: changesTo(s.Changes)})
	}
	return p
}

func changesTo(changes []assessment.Change) (made []*driftv1.MetricChange) {
	for i := range changes {
		c := &changes[i]
		p := &driftv1.MetricChange{
			Metric: metricTo[c.Current.Metric], Baseline: measureTo(c.Baseline), Current: measureTo(c.Current),
			Effect: c.Effect, MinEffect: c.MinEffect, QValue: c.Q, Status: statusTo[c.Status], Reason: c.Reason,
		}
		if c.Defined {
			p.Difference, p.PValue, p.Test, p.Worse = &c.Difference, &c.P, performanceTestTo[c.Test], c.Worse()
		}
		made = append(made, p)
	}
	return made
}

func measureTo(m performance.Measure) *driftv1.MeasuredMetric {
	if m.Undefined != "" {
		return &driftv1.MeasuredMetric{UndefinedReason: m.Undefined}
	}
	return &driftv1.MeasuredMetric{Value: &m.Value, Low: &m.Low, High: &m.High, IntervalMethod: intervalMethodTo[m.Interval], RowCount: m.Rows}
}

func estimationTo(e assessment.Estimated) *driftv1.PerformanceEstimation {
	p := &driftv1.PerformanceEstimation{
		Status: statusTo[e.Status], Summary: e.Summary, BaselineRowCount: e.BaselineRows, CurrentRowCount: e.CurrentRows,
		BaselineSkippedCount: e.BaselineSkipped, CurrentSkippedCount: e.CurrentSkipped, ChunkRows: int32(e.ChunkRows), // at most 1,000,000
	}
	for _, c := range e.Chunks {
		p.Chunks = append(p.Chunks, estimatedChunkTo(c))
	}
	for _, c := range e.Calibrations {
		p.Calibrations = append(p.Calibrations, &driftv1.ScoreCalibration{Class: c.Class, Fitted: c.Needed, Reason: c.Reason, ErrorBefore: c.Before, ErrorAfter: c.After})
	}
	for _, m := range e.ErrorModels {
		p.ErrorModels = append(p.ErrorModels, &driftv1.ErrorModel{Metric: metricTo[m.Metric], Explained: m.Explained, Bias: m.Bias})
	}
	return p
}

func estimatedChunkTo(c assessment.Chunk) *driftv1.EstimatedChunk {
	p := &driftv1.EstimatedChunk{FirstRow: c.First, RowCount: c.Rows, Status: statusTo[c.Status]}
	for _, e := range c.Estimates {
		p.Metrics = append(p.Metrics, &driftv1.MetricEstimate{
			Metric: metricTo[e.Metric], Status: statusTo[e.Verdict], Reason: e.Why, Value: e.Value, SamplingError: e.SamplingError, Low: e.Low, High: e.High,
			LowerThreshold: e.Lower, UpperThreshold: e.Upper, Realized: e.Realized,
		})
	}
	return p
}
