package decisionlog

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// stretches returns where in the log decisions of the filter before an index can stand, newest first: what is not counted yet, and of the rest what the
// rollups leave. They know the first and the last decision of every hour, and how far recorded times were from decisions' own times at most, so that
// no decision is missed, whatever the clocks said.
func (l *Log) stretches(ctx context.Context, f Filter, before int64) (stretches []audit.Filter, err error) {
	var counted, delay, lead int64
	var first, last *int64
	err = postgres.ReadTenantTx(ctx, l.cfg.Pool, func(ctx context.Context, tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT c.position, c.max_delay_us, c.max_lead_us, r.first_index, r.last_index
			FROM (
				SELECT coalesce(max(position), 0) AS position, coalesce(max(max_delay_us), 0) AS max_delay_us, coalesce(max(max_lead_us), 0) AS max_lead_us
				FROM gov_decision_cursors
			) AS c
			CROSS JOIN (
				SELECT min(first_index) AS first_index, max(last_index) AS last_index
				FROM gov_decision_rollups
				WHERE decision_point = @point AND policy_id = @policy AND hour >= @from AND hour < @until AND first_index < @before
			) AS r`,
			pgx.NamedArgs{"point": f.DecisionPoint, "policy": [16]byte(f.Policy), "from": f.fromHour(), "until": f.until(), "before": before}).
			Scan(&counted, &delay, &lead, &first, &last)
		if err != nil {
			return fmt.Errorf("read rollups: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if before > counted {
		s := f.onWall()
		s.MinIndex = counted
		if before < math.MaxInt64 {
			s.EndIndex = before
		}
		stretches = append(stretches, s)
	}
	if first == nil {
		return stretches, nil
	}
	s := f.onWall()
	s.MinIndex, s.EndIndex = *first, min(before, *last+1)
	if !f.From.IsZero() {
		s.RecordedFrom = f.From.Add(-time.Duration(lead) * time.Microsecond)
	}
	if !f.Until.IsZero() {
		s.RecordedBefore = f.Until.Add(time.Duration(delay) * time.Microsecond)
	}
	return append(stretches, s), nil
}

// onWall is what of the filter the wall has indexes for.
func (f Filter) onWall() audit.Filter {
	w := decisions
	w.NewestFirst, w.ActorID, w.CorrelationID, w.Outcome = true, f.Subject, f.CorrelationID, outcomes[f.Outcome]
	if f.DecisionPoint != "" {
		w.ResourceType, w.ResourceID = pointResource, f.DecisionPoint
	}
	return w
}

// fromHour is the first hour of the filter's time.
func (f Filter) fromHour() time.Time { return f.From.Truncate(time.Hour) }

// until is the end of the filter's time, the last time that the contract has when there is none.
func (f Filter) until() time.Time {
	if f.Until.IsZero() {
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return f.Until
}

// filtersInside reports whether the filter asks for what is in the entry alone.
func (f Filter) filtersInside() bool {
	return f.Policy != uuid.Nil || f.Version != uuid.Nil || f.Resource.Type != "" || f.Resource.ID != "" || f.ViolationCode != ""
}
