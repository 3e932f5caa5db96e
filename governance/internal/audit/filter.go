package audit

import (
	"math"
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
	ordered := f.equalities(&c) || narrow
	f.times(&c)
	prefix, isPrefix := strings.CutSuffix(f.EventType, ".")
	switch {
	case isPrefix:
		// A range needs no escaping. Its end is the character after "." in the column's collation, C.
		c.args["kind_from"], c.args["kind_end"] = prefix+".", prefix+"/"
		if ordered {
			c.where = append(c.where, `event_type >= @kind_from`, `event_type < @kind_end`)
			break
		}
		return f.byKind(&c, `event_type`), c.args
	case f.ResourceID != "" && f.ResourceType == "" && !ordered:
		c.args["kind_from"], c.args["kind_end"] = "", "\U0010FFFF"
		return f.byKind(&c, `resource_type`), c.args
	}
	return c.String(), c.args
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

// equalities are the filters by value. It reports whether one of them has an index that gives its entries in order.
func (f Filter) equalities(c *condition) (ordered bool) {
	if f.EventType != "" && !strings.HasSuffix(f.EventType, ".") {
		c.add(`event_type = @event_type`, "event_type", f.EventType)
		ordered = true
	}
	for _, text := range []struct {
		column, value string
		ordered       bool
	}{
		{"action", f.Action, true},
		{"actor_id", f.ActorID, true},
		{"source_service", f.SourceService, true},
		{"resource_type", f.ResourceType, true},
		{"resource_id", f.ResourceID, f.ResourceType != ""},
	} {
		if text.value != "" {
			c.add(text.column+` = @`+text.column, text.column, text.value)
			ordered = ordered || text.ordered
		}
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
	// The inner query, not coalesce, stands at the comparison: under row-level security an index is searched only for what cannot leak, and coalesce is not
	// known as such.
	const firstSince = `(SELECT coalesce((
		SELECT since.leaf_index
		FROM public.gov_audit_trail_entries AS since
		WHERE since.tenant_id = @tenant_id AND since.recorded_at >= `
	const end = `
		ORDER BY since.recorded_at, since.leaf_index
		LIMIT 1
	), @beyond))`
	c.args["beyond"] = int64(math.MaxInt64)
	if !f.RecordedFrom.IsZero() {
		c.add(`leaf_index >= `+firstSince+`@from`+end, "from", f.RecordedFrom)
	}
	if !f.RecordedBefore.IsZero() {
		c.add(`leaf_index < `+firstSince+`@before`+end, "before", f.RecordedBefore)
	}
}

// byKind finds the entries of each kind in a range, a value of a column, by itself. There are few kinds, and the entries of each stand in order in an
// index: the cost is that of a page for each kind, however many entries there are of it and wherever they stand in the log. Sorting all of them
// or reading the log from one end until there are enough, which is what a plan over the whole range comes to, has no such bound.
func (f Filter) byKind(c *condition, column string) string {
	const next = `
		FROM public.gov_audit_trail_entries AS next
		WHERE next.tenant_id = @tenant_id AND next.`
	return `tenant_id = @tenant_id AND leaf_index = ANY (ARRAY(
		WITH RECURSIVE kinds AS (
			(
				SELECT next.` + column + ` AS kind` + next + column + ` >= @kind_from AND next.` + column + ` < @kind_end
				ORDER BY next.` + column + `
				LIMIT 1
			)
			UNION ALL
			SELECT (
				SELECT next.` + column + next + column + ` > kinds.kind AND next.` + column + ` < @kind_end
				ORDER BY next.` + column + `
				LIMIT 1
			)
			FROM kinds
			WHERE kinds.kind IS NOT NULL
		)
		SELECT of_kind.leaf_index
		FROM kinds
		CROSS JOIN LATERAL (
			SELECT leaf_index
			FROM public.gov_audit_trail_entries
			WHERE ` + c.String() + ` AND ` + column + ` = kinds.kind
			ORDER BY ` + f.order() + `
			LIMIT @limit
		) AS of_kind
		ORDER BY ` + f.order() + `
		LIMIT @limit
	))`
}
