package audit

import (
	"slices"
	"strconv"
	"strings"
)

// column is a column of the table of entries, as a batch of rows fills it.
type column struct {
	name, kind string
	values     func(r *rowBatch) any // a slice, in the order of the rows
}

// columns are those that this version of the program writes.
var columns = []column{ //nolint:gochecknoglobals // a constant table
	{"tenant_id", "uuid", func(r *rowBatch) any { return r.tenantIDs }},
	{"leaf_index", "bigint", func(r *rowBatch) any { return r.leafIndexes }},
	{"entry_id", "uuid", func(r *rowBatch) any { return r.entryIDs }},
	{"content_sha256", "bytea", func(r *rowBatch) any { return r.contents }},
	{"hashes", "bytea", func(r *rowBatch) any { return r.hashes }},
	{"recorded_at", "timestamptz", func(r *rowBatch) any { return r.recordedAt }},
	{"effective_at", "timestamptz", func(r *rowBatch) any { return r.effectiveAt }},
	{"state_change", "boolean", func(r *rowBatch) any { return r.stateChanges }},
	{"event_type", "text", func(r *rowBatch) any { return r.eventTypes }},
	{"action", "text", func(r *rowBatch) any { return r.actions }},
	{"outcome", "text", func(r *rowBatch) any { return r.outcomes }},
	{"actor_id", "text", func(r *rowBatch) any { return r.actorIDs }},
	{"resource_type", "text", func(r *rowBatch) any { return r.resourceTypes }},
	{"resource_id", "text", func(r *rowBatch) any { return r.resourceIDs }},
	{"source_service", "text", func(r *rowBatch) any { return r.sources }},
	{"correlation_id", "text", func(r *rowBatch) any { return r.correlations }},
	{"request_id", "text", func(r *rowBatch) any { return r.requests }},
	{"entry", "bytea", func(r *rowBatch) any { return r.entries }},
}

// insertRows is one statement for a batch of any size.
var insertRows = insertStatement(columns) //nolint:gochecknoglobals // built once

// insertStatement inserts into the columns given, whose values are its parameters, in order. COPY, which would do, is refused under row-level
// security. The arrays, all of one length, are taken apart in the list of values: in FROM the server would put each of them into a store of its own first,
// which is a seventh of what it does for a batch.
func insertStatement(columns []column) string {
	names := make([]string, len(columns))
	values := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
		values[i] = "unnest($" + strconv.Itoa(i+1) + "::" + c.kind + "[])"
	}
	return `
		INSERT INTO public.gov_audit_trail_entries (` + strings.Join(names, ", ") + `)
		SELECT ` + strings.Join(values, ", ")
}

// args are the parameters of insertStatement(columns).
func (r *rowBatch) args(columns []column) []any {
	args := make([]any, len(columns))
	for i, c := range columns {
		args[i] = c.values(r)
	}
	return args
}

// existing returns those of the columns that a table has, whose columns are named.
func existing(columns []column, names []string) []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return !slices.Contains(names, c.name) })
}
