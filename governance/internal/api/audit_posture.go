package api

import (
	"context"
	"errors"
	"regexp"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/posture"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// GetWallPosture returns the posture of the wall, which is all tenants': it is looked at anew only after a few seconds.
func (s *AuditService) GetWallPosture(ctx context.Context, _ *governancev1.GetWallPostureRequest) (*governancev1.GetWallPostureResponse, error) {
	caller, ok := tenant.FromContext(ctx)
	if !ok {
		return nil, errors.New("get wall posture: no tenant in context")
	}
	r, err := s.Posture.Report(ctx)
	if err != nil {
		return nil, err
	}
	sum := r.SHA256()
	res := &governancev1.GetWallPostureResponse{Sha256: sum[:], CheckTime: timestamppb.New(r.CheckTime)}
	for _, c := range r.Checks {
		res.Checks = append(res.Checks, postureCheckMessage(c, caller))
	}
	return res, nil
}

func postureCheckMessage(c posture.Check, caller tenant.ID) *governancev1.PostureCheck {
	m := &governancev1.PostureCheck{Name: c.Name, Ok: c.OK, Required: c.Required, Problems: make([]string, len(c.Problems)), Remedy: c.Remedy}
	for i, problem := range c.Problems {
		m.Problems[i] = withoutStrangers(problem, caller)
	}
	return m
}

var (
	uuidText = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	numbers  = regexp.MustCompile(`\b[0-9]+\b`)
)

// withoutStrangers hides the ids of other tenants, and how much there is in their logs: neither is anybody else's business.
func withoutStrangers(problem string, caller tenant.ID) string {
	strangers := false
	for _, id := range uuidText.FindAllString(problem, -1) {
		strangers = strangers || id != caller.String()
	}
	if !strangers {
		return problem
	}
	return numbers.ReplaceAllString(uuidText.ReplaceAllString(problem, "of another tenant"), "some")
}
