package outbox

import (
	"context"
	"errors"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// reach says what would fail like an intent that has failed.
type reach uint8

const (
	itself     reach = iota // its entry is refused for what it says
	wholeLog                // its tenant's log takes nothing for now: what was to stand before others must not be passed by them
	everything              // the wall or the database does not answer, or nobody waits any more
)

// reachOf judges an error of bringing an intent to the wall.
func reachOf(err error) reach {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return everything
	}
	known, ok := errors.AsType[*errs.Error](err)
	if !ok {
		return itself // the entry cannot be read, or the database refuses what it holds
	}
	switch known.Kind {
	case errs.Unavailable, errs.ResourceExhausted:
		return everything
	case errs.DataLoss, errs.Aborted:
		return wholeLog
	default:
		return itself
	}
}
