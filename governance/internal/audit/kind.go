package audit

import "strings"

// kindConditions are a filter by what event type, action, resource type and source tell together, an entry's kind: conditions on the first, which bound a
// range of kinds in the index, and on the others.
type kindConditions struct {
	first, also []string
}

// kinds are the filters by what the kind of an entry tells.
func (f Filter) kinds(c *condition) (k kindConditions) {
	if prefix, isPrefix := strings.CutSuffix(f.EventType, "."); isPrefix {
		// A range needs no escaping. Its end is the character after "." in the column's collation, C.
		c.args["kind_from"], c.args["kind_end"] = prefix+".", prefix+"/"
		k.first = []string{`event_type >= @kind_from`, `event_type < @kind_end`}
	} else if f.EventType != "" {
		c.args["event_type"] = f.EventType
		k.first = []string{`event_type = @event_type`}
	}
	resourceType := f.ResourceType
	if f.ResourceID != "" {
		resourceType = "" // both together are one condition
	}
	for _, text := range []struct{ column, value string }{
		{"action", f.Action},
		{"resource_type", resourceType},
		{"source_service", f.SourceService},
	} {
		if text.value != "" {
			c.args[text.column] = text.value
			k.also = append(k.also, text.column+` = @`+text.column)
		}
	}
	return k
}

// byKind finds the entries of each kind that matches by itself. There are few kinds, and the entries of each stand in order in an index: the cost is that of
// a page for each kind that matches and of a probe for each other one, however many entries there are of it and wherever they stand in the log. Sorting all of
// them or reading the log from one end until there are enough, which is what a plan over the whole range comes to, has no such bound.
func (f Filter) byKind(c *condition, k kindConditions) string {
	return f.merged(k.matching(), c.String()+` AND `+ofKind)
}

// ofKind says that an entry is of one of the matching kinds.
const ofKind = `event_type = matching.event_type AND action = matching.action
				AND resource_type = matching.resource_type AND source_service = matching.source_service`

// matching are the kinds that match, from one to the next.
func (k kindConditions) matching() string {
	const kind = `next.event_type, next.action, next.resource_type, next.source_service`
	const next = `
				SELECT ` + kind + `
				FROM public.gov_audit_trail_entries AS next
				WHERE next.tenant_id = @tenant_id`
	const one = `
				ORDER BY ` + kind + `
				LIMIT 1`
	// From one kind to the next it skips in the index, from where the row comparison says. A second condition on where to begin would be taken in its place.
	end := ``
	switch {
	case len(k.first) == 1:
		end = ` AND next.event_type <= @event_type`
	case len(k.first) == 2:
		end = ` AND next.event_type < @kind_end`
	}
	return `
		WITH RECURSIVE kinds AS (
			(` + next + strings.Join(append([]string{``}, k.first...), ` AND next.`) + one + `
			)
			UNION ALL
			SELECT following.*
			FROM kinds
			CROSS JOIN LATERAL (` + next + `
					AND (` + kind + `) > (kinds.event_type, kinds.action, kinds.resource_type, kinds.source_service)` + end + one + `
			) AS following
		), matching AS (
			SELECT *
			FROM kinds
			` + where(k.also) + `
		)`
}

// manyOfKind is a number of entries from which on they are looked for by another filter than that by kind.
const manyOfKind = 512

// manyMatch says within byFew that there are so many.
const manyMatch = `(SELECT count(*) FROM few) = @many_of_kind`

// byFew looks at all entries within the bounds that are of a matching kind, if they are few, and else for those that the other filters
// find, as manyMatch says there: who did
// almost everything in a log has also done what is rare in it, and that is not to be looked for in everything.
func (f Filter) byFew(c *condition, k kindConditions, bounds, rest string) string {
	c.args["many_of_kind"] = manyOfKind
	page := func(where string) string {
		return `(
			SELECT leaf_index
			FROM public.gov_audit_trail_entries
			WHERE ` + where + `
			ORDER BY ` + f.order() + `
			LIMIT @limit
		)`
	}
	return `tenant_id = @tenant_id AND leaf_index = ANY (ARRAY(` + k.matching() + `, few AS MATERIALIZED (
			SELECT of_one.leaf_index
			FROM matching
			CROSS JOIN LATERAL (
				SELECT leaf_index
				FROM public.gov_audit_trail_entries
				WHERE ` + bounds + ` AND ` + ofKind + `
				ORDER BY leaf_index
				LIMIT @many_of_kind
			) AS of_one
			LIMIT @many_of_kind
		)
		` + page(`(SELECT count(*) FROM few) < @many_of_kind AND leaf_index = ANY (ARRAY(SELECT leaf_index FROM few)) AND `+c.String()) + `
		UNION ALL
		` + page(rest) + `
	))`
}

// byResourceType finds the entries of a resource id of each type by itself, as byKind does.
func (f Filter) byResourceType(c *condition) string {
	const next = `
				SELECT next.resource_type
				FROM public.gov_audit_trail_entries AS next
				WHERE next.tenant_id = @tenant_id`
	const one = `
				ORDER BY next.resource_type
				LIMIT 1`
	return f.merged(`
		WITH RECURSIVE matching AS (
			(`+next+one+`
			)
			UNION ALL
			SELECT following.*
			FROM matching
			CROSS JOIN LATERAL (`+next+` AND next.resource_type > matching.resource_type`+one+`
			) AS following
		)`, c.String()+` AND resource_type = matching.resource_type`)
}

// merged is the entries that meet a condition for one of the rows of "matching", in order.
func (f Filter) merged(with, condition string) string {
	return `tenant_id = @tenant_id AND leaf_index = ANY (ARRAY(` + with + `
		SELECT of_one.leaf_index
		FROM matching
		CROSS JOIN LATERAL (
			SELECT leaf_index
			FROM public.gov_audit_trail_entries
			WHERE ` + condition + `
			ORDER BY ` + f.order() + `
			LIMIT @limit
		) AS of_one
		ORDER BY ` + f.order() + `
		LIMIT @limit
	))`
}

func where(conditions []string) string {
	if len(conditions) == 0 {
		return ``
	}
	return `WHERE ` + strings.Join(conditions, ` AND `)
}
