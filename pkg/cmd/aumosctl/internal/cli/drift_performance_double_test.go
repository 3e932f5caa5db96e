package cli_test

import (
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// performanceDouble answers as the service does, with made-up numbers.
type performanceDouble struct {
	driftv1.UnimplementedPerformanceServiceServer

	mu        sync.Mutex // guards what follows
	verdict   driftv1.DriftStatus
	evaluated *driftv1.PerformanceHeader
	estimated *driftv1.EstimationHeader
	columns   [2][]string
	rows      [2]int
}

// take notes the batches of both sides.
func (d *performanceDouble) take(receive func() (*driftv1.ComparisonBatch, error)) error {
	d.columns, d.rows = [2][]string{}, [2]int{}
	for {
		batch, err := receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		side := batch.GetSide() - 1
		d.columns[side] = nil
		for _, column := range batch.GetRows().GetColumns() {
			d.columns[side] = append(d.columns[side], column.GetName())
		}
		d.rows[side] += len(batch.GetRows().GetColumns()[0].GetNumbers().GetValues())
	}
}

func (d *performanceDouble) EvaluatePerformance(stream grpc.ClientStreamingServer[driftv1.EvaluatePerformanceRequest, driftv1.EvaluatePerformanceResponse]) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	d.evaluated = first.GetHeader()
	err = d.take(func() (*driftv1.ComparisonBatch, error) {
		part, err := stream.Recv()
		return part.GetBatch(), err
	})
	if err != nil {
		return err
	}
	accuracy := &driftv1.MetricChange{
		Metric:   driftv1.PerformanceMetric_PERFORMANCE_METRIC_ACCURACY,
		Baseline: &driftv1.MeasuredMetric{Value: new(0.9), Low: new(0.85), High: new(0.94), RowCount: 200},
		Current:  &driftv1.MeasuredMetric{Value: new(0.8), Low: new(0.75), High: new(0.85), RowCount: 200}, Difference: new(-0.1), Worse: true,
		PValue: new(0.001), QValue: new(0.002), Test: driftv1.PerformanceTest_PERFORMANCE_TEST_TWO_PROPORTIONS, Status: d.verdict, Reason: "the change is significant",
	}
	undefined := &driftv1.MetricChange{
		Metric:   driftv1.PerformanceMetric_PERFORMANCE_METRIC_PRECISION,
		Baseline: &driftv1.MeasuredMetric{Value: new(0.9)}, Current: &driftv1.MeasuredMetric{UndefinedReason: "no row was predicted positive"},
		Status: driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA, Reason: "undefined in the current data: no row was predicted positive",
	}
	return stream.SendAndClose(&driftv1.EvaluatePerformanceResponse{Evaluation: &driftv1.PerformanceEvaluation{
		Status: d.verdict, Summary: "The performance got worse.", BaselineRowCount: int64(d.rows[0]), CurrentRowCount: int64(d.rows[1]), CurrentSkippedCount: 2,
		Metrics: []*driftv1.MetricChange{accuracy, undefined}, Classes: []string{"0", "1"},
		Segments: []*driftv1.SegmentPerformance{{Segment: "north", Status: d.verdict, Metrics: []*driftv1.MetricChange{accuracy}}},
	}})
}

func (d *performanceDouble) EstimatePerformance(stream grpc.ClientStreamingServer[driftv1.EstimatePerformanceRequest, driftv1.EstimatePerformanceResponse]) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	d.estimated = first.GetHeader()
	err = d.take(func() (*driftv1.ComparisonBatch, error) {
		part, err := stream.Recv()
		return part.GetBatch(), err
	})
	if err != nil {
		return err
	}
	return stream.SendAndClose(&driftv1.EstimatePerformanceResponse{Estimation: &driftv1.PerformanceEstimation{
		Status: d.verdict, Summary: "The performance is probably as in the baseline.", BaselineRowCount: int64(d.rows[0]), CurrentRowCount: int64(d.rows[1]), ChunkRows: 100,
		Chunks: []*driftv1.EstimatedChunk{{RowCount: 100, Status: d.verdict, Metrics: []*driftv1.MetricEstimate{
			{Metric: driftv1.PerformanceMetric_PERFORMANCE_METRIC_ROC_AUC, Status: d.verdict, Value: new(0.9), Low: new(0.87), High: new(0.93), LowerThreshold: new(0.88), UpperThreshold: new(0.96)},
			{Metric: driftv1.PerformanceMetric_PERFORMANCE_METRIC_PRECISION, Status: driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA, Reason: "no row of the chunk enters the metric"},
		}}},
		Calibrations: []*driftv1.ScoreCalibration{{Class: "1", Fitted: true, Reason: "a fit lowers the calibration error"}},
	}})
}
