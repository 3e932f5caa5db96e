package api

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/requestid"
)

// CorrectEntry appends a correction of an entry, which itself stays as it is.
func (s *AuditService) CorrectEntry(ctx context.Context, req *governancev1.CorrectEntryRequest) (*governancev1.CorrectEntryResponse, error) {
	entry, err := parseID("entry_id", req.GetEntryId())
	if err != nil {
		return nil, err
	}
	request, err := parseID("request_id", req.GetRequestId())
	if err != nil {
		return nil, err
	}
	if request == uuid.Nil {
		return nil, errs.InvalidField("request_id", "must not be the nil UUID")
	}
	if strings.TrimSpace(req.GetReason()) == "" {
		return nil, errs.InvalidField("reason", "must not be blank: say what was wrong")
	}
	actor, err := audit.Caller(ctx)
	if err != nil {
		return nil, err
	}
	position, err := s.Wall.Correct(ctx, audit.CorrectionRequest{
		Entry: entry, Reason: req.GetReason(), Corrected: structMap(req.GetCorrected()), Actor: actor, Request: request,
		RequestID: requestid.FromContext(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &governancev1.CorrectEntryResponse{Position: positionMessage(position)}, nil
}
