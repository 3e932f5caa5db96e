package decisionlog

import (
	"context"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
)

// CatchUp counts all that there is.
func (l *Log) CatchUp(ctx context.Context) error { return l.catchUp(ctx) }

// Match judges one decision.
func (f Filter) Match(d decision.Decision) bool { return f.match(d) }
