package errs_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

func TestBuildersCopy(t *testing.T) {
	t.Parallel()
	base := errs.New(errs.NotFound, errs.ReasonNotFound, "%s not found", "policy")
	full := base.With("a", "1").With("b", "2").Field("f", "is %d", 1).Field("g", "is bad").After(time.Second).Because(io.EOF)
	if base.Metadata != nil || base.Violations != nil || base.RetryAfter != 0 || base.Cause != nil {
		t.Errorf("the first error has changed: %+v", base)
	}
	left, right := full.With("side", "left"), full.With("side", "right")
	if left.Metadata["side"] != "left" || right.Metadata["side"] != "right" || full.Metadata["side"] != "" {
		t.Errorf("copies share metadata: %v %v %v", left.Metadata, right.Metadata, full.Metadata)
	}
	l, r := full.Field("l", ""), full.Field("r", "")
	if l.Violations[2].Field != "l" || r.Violations[2].Field != "r" {
		t.Errorf("copies share violations: %v %v", l.Violations, r.Violations)
	}
	within := full.Within("entries[3]")
	if diff := cmp.Diff([]errs.Violation{{Field: "entries[3].f", Description: "is 1"}, {Field: "entries[3].g", Description: "is bad"}}, within.Violations); diff != "" {
		t.Error(diff)
	}
	want := []errs.Violation{{Field: "f", Description: "is 1"}, {Field: "g", Description: "is bad"}}
	if diff := cmp.Diff(want, full.Violations); diff != "" {
		t.Error(diff)
	}
}

func TestErrorIsForTheLog(t *testing.T) {
	t.Parallel()
	err := errs.New(errs.NotFound, errs.ReasonNotFound, "policy not found").Because(errors.New("no rows"))
	if got := err.Error(); got != "policy not found: no rows" {
		t.Errorf("Error() = %q", got)
	}
	if got := errs.New(errs.NotFound, errs.ReasonNotFound, "policy not found").Error(); got != "policy not found" {
		t.Errorf("Error() = %q", got)
	}
}

func TestChains(t *testing.T) {
	t.Parallel()
	inner := errs.Down("audit wall", io.ErrUnexpectedEOF)
	err := fmt.Errorf("append entry: %w", inner)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if !errors.Is(err, errs.New(errs.Unavailable, errs.ReasonUnavailable, "")) {
		t.Error("an error of the same kind and reason is not found")
	}
	if errors.Is(err, errs.New(errs.Unavailable, errs.ReasonOverloaded, "")) || errors.Is(err, errs.New(errs.Aborted, errs.ReasonUnavailable, "")) {
		t.Error("an error of another kind or reason is found")
	}
	if got := errs.ReasonOf(err); got != errs.ReasonUnavailable {
		t.Errorf("ReasonOf = %q", got)
	}
	if got := errs.ReasonOf(io.EOF); got != "" {
		t.Errorf("ReasonOf(foreign) = %q", got)
	}
	if inner.RetryAfter <= 0 {
		t.Error("an error of a dependency that is down gives no advice when to retry")
	}
}

func TestCommonErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    *errs.Error
		kind   errs.Kind
		reason errs.Reason
		md     map[string]string
	}{
		"not found": {errs.ResourceNotFound("policy", "7"), errs.NotFound, errs.ReasonNotFound, map[string]string{"resource": "policy", "id": "7"}},
		"duplicate": {errs.Duplicate("policy", "slug"), errs.AlreadyExists, errs.ReasonAlreadyExists, map[string]string{"resource": "policy", "field": "slug"}},
		"field":     {errs.InvalidField("x", "is bad"), errs.InvalidArgument, errs.ReasonInvalidField, nil},
		"etag":      {errs.StaleETag("policy"), errs.Aborted, errs.ReasonStaleETag, nil},
		"down":      {errs.Down("wall", io.EOF), errs.Unavailable, errs.ReasonUnavailable, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.err.Kind != tc.kind || tc.err.Reason != tc.reason || tc.err.Message == "" {
				t.Errorf("%+v", tc.err)
			}
			if diff := cmp.Diff(tc.md, tc.err.Metadata); diff != "" {
				t.Error(diff)
			}
		})
	}
}
