package outbox

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// What may pass an intent that has failed is the order of a resource's states on the wall: only what is refused for itself is passed.
func TestReach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want reach
	}{
		"id reused":      {errs.New(errs.InvalidArgument, errs.ReasonEntryIDReused, "-"), itself},
		"invalid field":  {errs.InvalidField("action", "-"), itself},
		"platform's log": {errs.New(errs.PermissionDenied, errs.ReasonPlatformLog, "-"), itself},
		"not readable":   {errors.New("decode audit entry"), itself},
		"data exception": {&pgconn.PgError{Code: "22021"}, itself},
		"damaged log":    {errs.New(errs.DataLoss, errs.ReasonLogInconsistent, "-"), wholeLog},
		"other replicas": {errs.New(errs.Aborted, errs.ReasonConflict, "-").Because(&pgconn.PgError{Code: "23505"}), wholeLog},
		"wall down":      {errs.Down("the audit wall", errors.New("-")), everything},
		"queue full":     {errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "-"), everything},
		"stopped":        {context.Canceled, everything},
		"late":           {context.DeadlineExceeded, everything},
	} {
		if got := reachOf(fmt.Errorf("append intent: %w", c.err)); got != c.want {
			t.Errorf("%s: reaches %d, want %d", name, got, c.want)
		}
	}
}
