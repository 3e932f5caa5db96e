package api

import (
	"context"
	"log/slog"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxBatchBytes bounds a batch, as the contract says.
const maxBatchBytes = 4 << 20

// BatchEvaluate answers several questions, each by itself.
func (s *DecisionService) BatchEvaluate(
	ctx context.Context, req *governancev1.BatchEvaluateRequest,
) (*governancev1.BatchEvaluateResponse, error) {
	id, _ := tenant.FromContext(ctx)
	if err := audit.RefusePlatform(id); err != nil {
		return nil, err
	}
	if n := proto.Size(req); n > maxBatchBytes {
		return nil, errs.InvalidField("requests", "%d bytes together, at most %d", n, maxBatchBytes)
	}
	answers := make([]decision.Answer, len(req.GetRequests()))
	questions, places := make([]decision.Question, 0, len(answers)), make([]int, 0, len(answers))
	for i, r := range req.GetRequests() {
		q, err := partOf(ctx, r)
		if err != nil {
			answers[i].Err = err
			continue
		}
		questions, places = append(questions, q), append(places, i)
	}
	shareExplanation(questions)
	for i, a := range s.Decider.EvaluateBatch(ctx, questions) {
		answers[places[i]] = a
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err // nobody waits; a repetition with the same request ids gets what was decided
	}
	res := &governancev1.BatchEvaluateResponse{Results: make([]*governancev1.BatchEvaluateResult, len(answers))}
	logged := make(map[codes.Code]bool)
	for i, a := range answers {
		res.Results[i] = s.part(ctx, a, logged)
	}
	return res, nil
}

// partOf reads one question of several, which the chain has not validated.
func partOf(ctx context.Context, req *governancev1.EvaluateRequest) (decision.Question, error) {
	if err := interceptor.Validate(req); err != nil {
		return decision.Question{}, err
	}
	return questionOf(ctx, req)
}

// shareExplanation divides what may be explained in one answer among the questions that ask.
func shareExplanation(questions []decision.Question) {
	n := 0
	for _, q := range questions {
		if q.Explain != nil {
			n++
		}
	}
	for _, q := range questions {
		if q.Explain != nil {
			q.Explain.MaxBytes /= n
		}
	}
}

// part converts an answer. Failures that concern an operator are logged as the chain does for a call, the first of each code.
func (s *DecisionService) part(ctx context.Context, a decision.Answer, logged map[codes.Code]bool) *governancev1.BatchEvaluateResult {
	if a.Err == nil {
		return &governancev1.BatchEvaluateResult{Result: &governancev1.BatchEvaluateResult_Response{Response: answerMessage(a.Decision)}}
	}
	f := interceptor.FailureOf(ctx, a.Err)
	if severe := f.Code == codes.Internal || f.Code == codes.DataLoss; (severe || f.Code == codes.Unavailable) && !logged[f.Code] {
		logged[f.Code] = true
		level := slog.LevelWarn
		if severe {
			level = slog.LevelError
		}
		s.Log.LogAttrs(ctx, level, "a question of a batch failed",
			slog.String("code", f.Code.String()), slog.String("reason", string(f.Reason)), slog.Any("error", a.Err))
	}
	m := &governancev1.EvaluateError{
		Code: int32(f.Code), Message: f.Message, // one of seventeen
		Reason: governancev1.ErrorReason(governancev1.ErrorReason_value["ERROR_REASON_"+string(f.Reason)]),
	}
	for _, v := range f.Violations {
		m.FieldViolations = append(m.FieldViolations, &governancev1.EvaluateFieldViolation{Field: v.Field, Description: v.Description})
	}
	if f.RetryAfter > 0 {
		m.RetryDelay = durationpb.New(f.RetryAfter)
	}
	return &governancev1.BatchEvaluateResult{Result: &governancev1.BatchEvaluateResult_Error{Error: m}}
}
