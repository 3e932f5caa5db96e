package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/drift/internal/comparison"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// batchPath is where the rows of a batch stand in a CompareRequest.
const batchPath = "batch.rows"

// Compare implements driftv1.DetectionServiceServer.
func (s detections) Compare(stream grpc.ClientStreamingServer[driftv1.CompareRequest, driftv1.CompareResponse]) error {
	ctx := stream.Context()
	inlet, err := s.admit(ctx)
	if err != nil {
		return err
	}
	defer inlet.Release()
	header, err := receiveHeader(stream.Recv)
	if err != nil {
		return err
	}
	request, err := comparisonFrom(header)
	if err != nil {
		return err
	}
	if i, ok := request.Embeds(); ok && s.Embedder == nil {
		return noEmbedder(fmt.Sprintf("header.features[%d].embed", i))
	}
	sides := openSides(inlet, request.Options(batchPath))
	defer sides.release()
	if err := receiveBatches(stream.Recv, sides.add); err != nil {
		return err
	}
	result, err := s.compare(ctx, request, sides)
	sides.release()
	if err != nil {
		return err
	}
	return stream.SendAndClose(&driftv1.CompareResponse{Comparison: comparisonTo(result)})
}

// compare sorts both sides and compares them. Where texts are to be embedded it does so in two evaluations: nobody waits for another service in a slot
// that is for work with a CPU.
func (s detections) compare(ctx context.Context, request comparison.Request, sides sides) (result comparison.Result, err error) {
	var baseline, current sample.Set
	var embeddings comparison.Embeddings
	finish := func(ctx context.Context) (err error) {
		baseline, current, err = sides.finish(ctx)
		return err
	}
	tests := func(ctx context.Context) (err error) {
		if result, err = request.Compare(ctx, baseline, current, embeddings); err != nil {
			return err
		}
		return result.Trim()
	}
	if _, ok := request.Embeds(); !ok {
		err = s.evaluate(ctx, func(ctx context.Context) error {
			if err := finish(ctx); err != nil {
				return err
			}
			return tests(ctx)
		})
		return result, err
	}
	if err := s.evaluate(ctx, finish); err != nil {
		return comparison.Result{}, err
	}
	if embeddings, err = s.embed(ctx, request, sides.current.Reserve, baseline, current); err != nil {
		return comparison.Result{}, err
	}
	err = s.evaluate(ctx, tests)
	return result, err
}

// sides are the data of a comparison on their way in.
type sides struct {
	baseline, current *sample.Accumulator
}

// openSides returns both sides without data. They must be released.
func openSides(inlet *sample.Inlet, options sample.Options) sides {
	return sides{baseline: sample.Open(inlet, options), current: sample.Open(inlet, options)}
}

func (s sides) release() {
	s.baseline.Release()
	s.current.Release()
}

// add takes a batch of either side; they come in any order.
func (s sides) add(batch *driftv1.ComparisonBatch) error {
	if batch.GetSide() == driftv1.ComparisonSide_COMPARISON_SIDE_CURRENT {
		return ofSide(s.current.Add(columnsFrom(batch.GetRows())), "current")
	}
	return ofSide(s.baseline.Add(columnsFrom(batch.GetRows())), "baseline")
}

// finish sorts what was received. Both sides must have rows.
func (s sides) finish(ctx context.Context) (baseline, current sample.Set, err error) {
	if baseline, err = s.baseline.Finish(ctx); err != nil {
		return sample.Set{}, sample.Set{}, ofSide(err, "baseline")
	}
	if current, err = s.current.Finish(ctx); err != nil {
		return sample.Set{}, sample.Set{}, ofSide(err, "current")
	}
	return baseline, current, nil
}

// ofSide says which side the refusal of data is about: their fields have the same paths on both.
func ofSide(err error, side string) error {
	refused, ok := errors.AsType[*errs.Error](err)
	if !ok || refused.Kind != errs.InvalidArgument {
		return err
	}
	named := refused.With("side", side)
	named.Message = side + ": " + named.Message
	named.Violations = slices.Clone(named.Violations)
	for i := range named.Violations {
		named.Violations[i].Description = side + ": " + named.Violations[i].Description
	}
	return named
}
