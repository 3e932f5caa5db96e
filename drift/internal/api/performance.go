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
	result, err := assess(stream.Context(), s.service, stream.Recv, evaluationFrom, assessment.Evaluation.Evaluate)
	if err != nil {
		return err
	}
	return stream.SendAndClose(&driftv1.EvaluatePerformanceResponse{Evaluation: evaluationTo(result)})
}

// EstimatePerformance implements driftv1.PerformanceServiceServer.
func (s performances) EstimatePerformance(stream grpc.ClientStreamingServer[driftv1.EstimatePerformanceRequest, driftv1.EstimatePerformanceResponse]) error {
	result, err := assess(stream.Context(), s.service, stream.Recv, estimationFrom, assessment.Estimation.Estimate)
	if err != nil {
		return err
	}
	return stream.SendAndClose(&driftv1.EstimatePerformanceResponse{Estimation: estimationTo(result)})
}

// assessable is what can be asked about a model's output.
type assessable interface {
	Check() error
	Options(path string) sample.Options
}

// assess reads what is asked for, gathers both sides, and works on them in an evaluation slot. Their memory is given back before it returns.
func assess[P part[H, driftv1.ComparisonBatch], H any, A assessable, R any](
	ctx context.Context, s *service, receive func() (P, error), from func(*H) A,
	work func(request A, ctx context.Context, baseline, current sample.Set) (R, error),
) (result R, err error) {
	inlet, err := s.admit(ctx)
	if err != nil {
		return result, err
	}
	defer inlet.Release()
	header, err := receiveHeader(receive)
	if err != nil {
		return result, err
	}
	request := from(header)
	if err := request.Check(); err != nil {
		return result, err
	}
	sides := openSides(inlet, request.Options(batchPath))
	defer sides.release()
	if err := receiveBatches(receive, sides.add); err != nil {
		return result, err
	}
	err = s.evaluate(ctx, func(ctx context.Context) error {
		baseline, current, err := sides.finish(ctx)
		if err != nil {
			return err
		}
		result, err = work(request, ctx, baseline, current)
		return err
	})
	return result, err
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
