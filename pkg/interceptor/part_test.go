package interceptor_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
)

// The error of a part says what that of a call would say, and no more.
func TestFailureOf(t *testing.T) {
	t.Parallel()
	secret := errors.New("connect to 10.0.0.7: password wrong")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	long := strings.Repeat("é", 5000)
	for name, tc := range map[string]struct {
		ctx    context.Context // a table of contexts
		err    error
		code   codes.Code
		reason errs.Reason
		advice bool
	}{
		"a defect":         {t.Context(), secret, codes.Internal, errs.ReasonInternal, false},
		"not found":        {t.Context(), errs.ResourceNotFound("policy", "7").Because(secret), codes.NotFound, errs.ReasonNotFound, false},
		"a dependency":     {t.Context(), errs.Down("audit wall", secret), codes.Unavailable, errs.ReasonUnavailable, true},
		"a field":          {t.Context(), errs.InvalidField("input", "%s", long), codes.InvalidArgument, errs.ReasonInvalidField, false},
		"the call is over": {ended, secret, codes.Canceled, errs.ReasonCallEnded, false},
	} {
		f := interceptor.FailureOf(tc.ctx, tc.err)
		if f.Code != tc.code || f.Reason != tc.reason || (f.RetryAfter > 0) != tc.advice || f.Message == "" || strings.Contains(f.Message, "10.0.0.7") {
			t.Errorf("%s: %+v", name, f)
		}
		for _, v := range f.Violations {
			if v.Field != "input" || len(v.Description) > 256 {
				t.Errorf("%s: %d bytes about %s", name, len(v.Description), v.Field)
			}
		}
	}
}

func TestValidatePart(t *testing.T) {
	t.Parallel()
	good := &governancev1.EvaluateRequest{
		Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "a.point"}, Input: &structpb.Struct{},
	}
	if err := interceptor.Validate(good); err != nil {
		t.Error(err)
	}
	err := interceptor.Validate(&governancev1.EvaluateRequest{Target: &governancev1.EvaluateRequest_PolicyId{PolicyId: "x"}})
	f := interceptor.FailureOf(t.Context(), err)
	if f.Code != codes.InvalidArgument || f.Reason != errs.ReasonInvalidField || len(f.Violations) != 2 || f.Violations[0].Field != "policy_id" {
		t.Errorf("%+v", f)
	}
}
