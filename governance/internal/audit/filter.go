package audit

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// narrowRange is a number of entries that are read one by one sooner than looked for in an index.
const narrowRange = 2048

// Filter says which entries to list, and in what order; zero fields match everything.
type Filter struct {
	// EventType is a whole event type or, ending in ".", what it begins with.
	EventType     string
	Action        string
	Outcome       auditlog.Outcome
	ActorID       string
	ResourceType  string
	ResourceID    string
	CorrelationID string
	SourceService string
	// RecordedFrom and RecordedBefore bound the recorded time.
	RecordedFrom   time.Time
	RecordedBefore time.Time
	// MinIndex is the smallest index; EndIndex, unless it is 0, is the one after the largest.
	MinIndex, EndIndex int64
	// NewestFirst turns the order around.
	NewestFirst bool
}

func (f Filter) order() string {
	if f.NewestFirst {
		return `leaf_index DESC`
	}
	return `leaf_index`
}

// condition is a filter in SQL with its parameters.
type condition struct {
	where []string
	args  pgx.NamedArgs
}

func (c *condition) add(where, name string, value any) {
	c.where = append(c.where, where)
	c.args[name] = value
}

func (c *condition) String() string { return strings.Join(c.where, ` AND `) }

// conditions are the filter in SQL: an index gives the entries of each, in order.
func (f Filter) conditions(id tenant.ID, after int64) (string, pgx.NamedArgs) {
	c := condition{where: []string{`tenant_id = @tenant_id`}, args: pgx.NamedArgs{"tenant_id": [16]byte(id)}}
	narrow := f.indexes(&c, after)
	f.times(&c)
	bounds := c.String()
	ordered := f.equalities(&c)
	k := f.kinds(&c)
	byKind := len(k.first)+len(k.also) > 0 && !narrow
	if byKind && !ordered && f.ResourceID == "" {
		return f.byKind(&c, k), c.args
	}
	c.where = append(append(c.where, k.first...), k.also...)
	rest := c
	if byKind {
		rest.where = append(slices.Clip(c.where), manyMatch)
	}
	sql := rest.String()
	if !ordered && !narrow && f.ResourceID != "" {
		sql = f.byResourceType(&rest)
	}
	if byKind {
		sql = f.byFew(&c, k, bounds, sql)
	}
	return sql, c.args
}

// indexes are the bounds of the index, and of the page. It reports whether they are so narrow that reading everything between them is cheap.
func (f Filter) indexes(c *condition, after int64) (narrow bool) {
	from, end := f.MinIndex, int64(math.MaxInt64)
	if f.EndIndex > 0 {
		end = f.EndIndex
	}
	switch {
	case after < 0:
	case f.NewestFirst:
		end = min(end, after)
	default:
		from = max(from, after+1)
	}
	c.add(`leaf_index >= @min_index`, "min_index", from)
	if end < math.MaxInt64 {
		c.add(`leaf_index < @end_index`, "end_index", end)
	}
	return end-from <= narrowRange
}

// equalities are the filters by value, but for those by kind. It reports whether one of them has an index that gives its entries in order.
func (f Filter) equalities(c *condition) (ordered bool) {
	if f.ActorID != "" {
		c.add(`actor_id = @actor_id`, "actor_id", f.ActorID)
		ordered = true
	}
	if f.ResourceID != "" {
		c.add(`resource_id = @resource_id`, "resource_id", f.ResourceID)
	}
	if f.ResourceID != "" && f.ResourceType != "" {
		c.add(`resource_type = @resource_type`, "resource_type", f.ResourceType)
		ordered = true
	}
	if f.CorrelationID != "" {
		c.add(`correlation_id = @correlation_id AND correlation_id <> ''`, "correlation_id", f.CorrelationID) // as the index says it
		ordered = true
	}
	switch f.Outcome {
	case auditlog.Success:
		c.where = append(c.where, `outcome = 'SUCCESS'`)
	case auditlog.Denied: // constants, with which a plan that is kept can use the index of what did not succeed
		c.where = append(c.where, `outcome = 'DENIED'`)
		ordered = true
	case auditlog.Failure:
		c.where = append(c.where, `outcome = 'FAILURE'`)
		ordered = true
	}
	return ordered
}

// times turns a range of recorded times into a range of indexes, since both grow together.
func (f Filter) times(c *condition) {
	if !f.RecordedFrom.IsZero() {
		c.add(`leaf_index >= (`+firstSince("from")+`)`, "from", f.RecordedFrom)
	}
	if !f.RecordedBefore.IsZero() {
		c.add(`leaf_index < (`+firstSince("before")+`)`, "before", f.RecordedBefore)
	}
}

// firstSince is the index of the first entry that was recorded at a time, a parameter's, or later, and the log's size if none was. Times never fall within a
// log, so bisection finds it: a probe of the primary key for each of the number's bits. An index of times would cost every entry more than that costs a search.
//
// Everything before low was recorded earlier, and nothing from high on was.
func firstSince(parameter string) string {
	return `
		WITH RECURSIVE bisected AS (
			SELECT 0::bigint AS low, coalesce((
				SELECT last.leaf_index + 1
				FROM public.gov_audit_trail_entries AS last
				WHERE last.tenant_id = @tenant_id
				ORDER BY last.leaf_index DESC
				LIMIT 1
			), 0) AS high
			UNION ALL
			SELECT
				CASE WHEN probe.recorded_at < @` + parameter + ` THEN probe.leaf_index + 1 ELSE low END,
				CASE WHEN probe.recorded_at < @` + parameter + ` THEN high ELSE (low + high) / 2 END
			FROM bisected
			CROSS JOIN LATERAL (
				SELECT e.leaf_index, e.recorded_at
				FROM public.gov_audit_trail_entries AS e
				WHERE e.tenant_id = @tenant_id AND e.leaf_index >= (low + high) / 2
				ORDER BY e.leaf_index
				LIMIT 1
			) AS probe
			WHERE low < high
		)
		SELECT max(low)
		FROM bisected`
}
