package decisionlog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// MaxRange bounds the time that statistics are of.
const MaxRange = 92 * 24 * time.Hour

// Query says what to count. Zero values of Policy and DecisionPoint stand for any.
type Query struct {
	From, Until   time.Time // whole hours
	Policy        uuid.UUID // what it said, alone or as one of several
	DecisionPoint string
	Top           int  // how many resources and rules to name
	Hourly        bool // whether every hour is counted by itself, too
}

func (q Query) check() error {
	for _, t := range []struct {
		field string
		time  time.Time
	}{{"time_range.start_time", q.From}, {"time_range.end_time", q.Until}} {
		if t.time.IsZero() {
			return errs.InvalidField(t.field, "must be set")
		}
		if !t.time.Equal(t.time.Truncate(time.Hour)) {
			return errs.InvalidField(t.field, "must be a whole hour (UTC)")
		}
	}
	if q.Until.Sub(q.From) > MaxRange {
		return errs.InvalidField("time_range", "must not be longer than 92 days")
	}
	return nil
}

// Counts are of decisions.
type Counts struct {
	Allowed, Denied, Errors int64
	P50, P95, P99           time.Duration // of the evaluations; 0 when there are none
}

// Total returns the number of all.
func (c Counts) Total() int64 { return c.Allowed + c.Denied + c.Errors }

// Hour is the counts of an hour.
type Hour struct {
	Time time.Time
	Counts
}

// DeniedResource is how often a resource was denied.
type DeniedResource struct {
	decision.Resource

	Denied int64
}

// ViolatedRule is in how many decisions a violation was found.
type ViolatedRule struct {
	Policy    uuid.UUID
	Code      string // or its message, where it has no code; cut to 1 KiB
	Control   string // of the newest
	Decisions int64
}

// Statistics are of the decisions among the tenant's first Position entries.
type Statistics struct {
	Counts
	Hours    []Hour // when asked for: oldest first, without those that have no decisions
	Denied   []DeniedResource
	Violated []ViolatedRule
	Position int64
}

// Statistics counts the decisions of the tenant in ctx. It counts those that stand on the wall when it begins, or as many of them as CatchUp lets it.
func (l *Log) Statistics(ctx context.Context, q Query) (s Statistics, err error) {
	if err := q.check(); err != nil {
		return Statistics{}, err
	}
	if err := l.catchUp(ctx); err != nil {
		return Statistics{}, err
	}
	err = postgres.ReadTenantTx(ctx, l.cfg.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		s = Statistics{}
		if s.Position, err = position(ctx, tx); err != nil {
			return err
		}
		if err := s.readCounts(ctx, tx, q); err != nil {
			return fmt.Errorf("read rollups: %w", err)
		}
		if s.Denied, err = readDenied(ctx, tx, q); err != nil {
			return fmt.Errorf("read denials: %w", err)
		}
		if s.Violated, err = readViolated(ctx, tx, q); err != nil {
			return fmt.Errorf("read violations: %w", err)
		}
		return nil
	})
	return s, err
}

// catchUp counts what the log has more than is counted, as far as the time lets it.
func (l *Log) catchUp(ctx context.Context) error {
	var counted int64
	err := postgres.ReadTenantTx(ctx, l.cfg.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		counted, err = position(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	size, err := l.cfg.Wall.Size(ctx)
	if err != nil || size == counted {
		return err
	}
	for end := time.Now().Add(l.cfg.CatchUp); ; {
		p, err := l.fold(ctx, l.cfg.Batch, wait)
		if err != nil {
			return err
		}
		if p.position >= size {
			return nil
		}
		if time.Now().After(end) {
			if id, ok := tenant.FromContext(ctx); ok {
				l.growth.Add(id)
			}
			return nil
		}
	}
}

func (q Query) args() pgx.NamedArgs {
	return pgx.NamedArgs{"from": q.From, "until": q.Until, "point": q.DecisionPoint, "policy": [16]byte(q.Policy), "top": q.Top}
}

// readCounts reads the rows of the query's scope, one for each hour.
func (s *Statistics) readCounts(ctx context.Context, tx pgx.Tx, q Query) error {
	rows, err := tx.Query(ctx, `
		SELECT hour, allowed, denied, errors, durations
		FROM gov_decision_rollups
		WHERE decision_point = @point AND policy_id = @policy AND hour >= @from AND hour < @until
		ORDER BY hour`, q.args())
	if err != nil {
		return err
	}
	all := make(histogram)
	var h Hour
	var durations []byte
	_, err = pgx.ForEachRow(rows, []any{&h.Time, &h.Allowed, &h.Denied, &h.Errors, &durations}, func() error {
		s.Allowed, s.Counts.Denied, s.Errors = s.Allowed+h.Allowed, s.Counts.Denied+h.Denied, s.Errors+h.Errors
		if !q.Hourly {
			return all.decode(durations)
		}
		one := make(histogram)
		if err := one.decode(durations); err != nil {
			return err
		}
		h.Time = h.Time.UTC()
		h.durations(one)
		all.add(one)
		s.Hours = append(s.Hours, h)
		return nil
	})
	s.durations(all)
	return err
}

func (c *Counts) durations(h histogram) {
	p := h.percentiles(50, 95, 99)
	c.P50, c.P95, c.P99 = p[0], p[1], p[2]
}
