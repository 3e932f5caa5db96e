package interceptor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// A call whose context has ended failed for that, whatever its handler made of it; unless the domain knows better.
func TestClassifyEndedCalls(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelLate()
	plain := errors.New("conn closed")
	for name, tc := range map[string]struct {
		ctx    context.Context // a table of contexts
		err    error
		code   codes.Code
		reason errs.Reason
	}{
		"cancelled":                    {cancelled, plain, codes.Canceled, errs.ReasonCallEnded},
		"cancelled, said so":           {cancelled, fmt.Errorf("query: %w", context.Canceled), codes.Canceled, errs.ReasonCallEnded},
		"cancelled, and a dead server": {cancelled, status.Error(codes.Unavailable, "x"), codes.Canceled, errs.ReasonCallEnded},
		"cancelled, and not found":     {cancelled, errs.ResourceNotFound("policy", "7"), codes.NotFound, errs.ReasonNotFound},
		"cancelled, and a panic":       {cancelled, &panicError{value: "x"}, codes.Internal, errs.ReasonInternal},
		"late":                         {late, plain, codes.DeadlineExceeded, errs.ReasonCallEnded},
		"late, said so":                {late, fmt.Errorf("query: %w", context.DeadlineExceeded), codes.DeadlineExceeded, errs.ReasonCallEnded},
		"late, says cancelled":         {late, fmt.Errorf("query: %w", context.Canceled), codes.DeadlineExceeded, errs.ReasonCallEnded},
		"sending fails":                {t.Context(), &transportError{err: status.Error(codes.ResourceExhausted, "x")}, codes.Internal, errs.ReasonInternal},
		"sending to a lost connection": {t.Context(), &transportError{err: status.Error(codes.Unavailable, "x")}, codes.Unavailable, errs.ReasonUnavailable},
		"a panic of a domain error":    {t.Context(), &panicError{value: errs.ResourceNotFound("policy", "7")}, codes.Internal, errs.ReasonInternal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := classify(tc.ctx, tc.err); got.code != tc.code || got.Reason != tc.reason {
				t.Errorf("classify() = %v %s, want %v %s", got.code, got.Reason, tc.code, tc.reason)
			}
		})
	}
}

// A rule's path repeats the keys of the caller's maps, which may be long.
func TestLargeRulesAreLeftOut(t *testing.T) {
	t.Parallel()
	small, large := &validate.Violation{Message: new("m")}, &validate.Violation{Message: new(strings.Repeat("m", 10_000))}
	s := (&Chain{domain: "d"}).encode(t.Context(), &publicError{code: codes.InvalidArgument, rules: []*validate.Violation{large, small}})
	rules, ok := s.Details()[1].(*validate.Violations)
	if !ok || len(rules.GetViolations()) != 1 || rules.GetViolations()[0].GetMessage() != "m" {
		t.Errorf("details = %v", s.Details())
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcdef", 5, "ab…"}, {"aéé", 5, "aéé"}, {"aééé", 5, "a…"}, {"日本語日本語", 9, "日本…"},
	} {
		if got := truncate(tc.in, tc.limit); got != tc.want || len(got) > tc.limit {
			t.Errorf("truncate(%q, %d) = %q", tc.in, tc.limit, got)
		}
	}
}
