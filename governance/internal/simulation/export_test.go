package simulation

import (
	"context"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// RunWithin is Run with another limit than half a minute.
func (s Simulation) RunWithin(ctx context.Context, engine *rego.Engine, limit time.Duration) ([]Finding, difference.Summary, error) {
	return s.run(ctx, engine, limit)
}
