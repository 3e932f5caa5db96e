package api

import (
	"context"

	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/drift/internal/assessment"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// EvaluatePerformance implements driftv1.PerformanceServiceServer.
func (s performances) EvaluatePerformance(stream grpc.ClientStreamingServer[driftv1.EvaluatePerformanceRequest, driftv1.EvaluatePerformanceResponse]) error {
	inlet, err := s.admit(stream.Context())
	if err != nil {
		return err
	}
	defer inlet.Release()
	header, err := receiveHeader(stream.Recv)
	if err != nil {
		return err
	}
	request := evaluationFrom(header)
	if err := request.Check(); err != nil {
		return err
	}
	var result assessment.Evaluated
	err = assess(stream.Context(), s.service, inlet, request.Options(batchPath), stream.Recv, func(ctx context.Context, baseline, current sample.Set) (err error) {
		result, err = request.Evaluate(ctx, baseline, current)
		return err
	})
	if err != nil {
		return err
	}
	return stream.SendAndClose(&driftv1.EvaluatePerformanceResponse{Evaluation: evaluationTo(result)})
}

// EstimatePerformance implements driftv1.PerformanceServiceServer.
func (s performances) EstimatePerformance(stream grpc.ClientStreamingServer[driftv1.EstimatePerformanceRequest, driftv1.EstimatePerformanceResponse]) error {
	inlet, err := s.admit(stream.Context())
	if err != nil {
		return err
	}
	defer inlet.Release()
	header, err := receiveHeader(stream.Recv)
	if err != nil {
		return err
	}
	request := estimationFrom(header)
	if err := request.Check(); err != nil {
		return err
	}
	var result assessment.Estimated
	err = assess(stream.Context(), s.service, inlet, request.Options(batchPath), stream.Recv, func(ctx context.Context, baseline, current sample.Set) (err error) {
		result, err = request.Estimate(ctx, baseline, current)
		return err
	})
	if err != nil {
		return err
	}
	return stream.SendAndClose(&driftv1.EstimatePerformanceResponse{Estimation: estimationTo(result)})
}

// assess gathers both sides and works on them in an evaluation slot. Their memory is given back before it returns.
func assess[P part[H, driftv1.ComparisonBatch], H any](
	ctx context.Context, s *service, inlet *sample.Inlet, options sample.Options, receive func() (P, error),
	work func(ctx context.Context, baseline, current sample.Set) error,
) error {
	sides := openSides(inlet, options)
	defer sides.release()
	if err := receiveBatches(receive, sides.add); err != nil {
		return err
	}
	return s.evaluate(ctx, func(ctx context.Context) error {
		baseline, current, err := sides.finish(ctx)
		if err != nil {
			return err
		}
		return work(ctx, baseline, current)
	})
}

func outputFrom(o *driftv1.ModelOutput) assessment.Output {
	output := assessment.Output{Task: taskFrom[o.GetTask()], Actual: o.GetActual(), Predicted: o.GetPredicted(), Positive: o.GetPositiveClass()}
	for _, score := range o.GetScores() {
		output.Scores = append(output.Scores, assessment.Score{Class: score.GetClass(), Column: score.GetColumn()})
	}
	return output
}

func evaluationFrom(h *driftv1.PerformanceHeader) assessment.Evaluation {
	return assessment.Evaluation{
		Output: outputFrom(h.GetOutput()), Segment: h.GetSegment(), FDR: h.GetFalseDiscoveryRate(), MinChange: h.GetMinChange(),
		MinRows: int64(h.GetMinRows()), Permutations: int(h.GetPermutations()), Seed: h.GetSeed(),
	}
}

func estimationFrom(h *driftv1.EstimationHeader) assessment.Estimation {
	return assessment.Estimation{Output: outputFrom(h.GetOutput()), Features: h.GetFeatures(), ChunkRows: int(h.GetChunkRows())}
}
