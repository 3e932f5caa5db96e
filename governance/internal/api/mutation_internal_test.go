package api

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// A change whose entry could not be recorded for now is UNAVAILABLE, which clients repeat, whatever the wall said: codes and reasons go together.
func TestUnsettledChangesAreToBeRepeated(t *testing.T) {
	t.Parallel()
	for name, passing := range map[string]*errs.Error{
		"the wall is down":  errs.Down("the audit wall", nil),
		"the queue is full": errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "too many wait").After(3 * time.Second),
		"others were first": errs.New(errs.Aborted, errs.ReasonConflict, "others were first"),
	} {
		got, ok := errors.AsType[*errs.Error](unsettled(fmt.Errorf("settle: %w", passing)))
		if !ok || got.Kind != errs.Unavailable || got.Reason != errs.ReasonUnavailable || !errors.Is(got.Cause, passing) {
			t.Errorf("%s: %v", name, got)
		}
		if want := max(passing.RetryAfter, time.Second); got.RetryAfter != want {
			t.Errorf("%s: to be repeated after %s, want %s", name, got.RetryAfter, want)
		}
	}
	damaged := errs.New(errs.DataLoss, errs.ReasonLogInconsistent, "the log was cut")
	if got := unsettled(damaged); !errors.Is(got, damaged) {
		t.Errorf("a damaged log: %v", got)
	}
}
