package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxWalk bounds the resources that one page looks at: those that had been deleted are passed over, and there may be any number of them.
const maxWalk = 2000

// StateList asks for the resources of a kind at a moment.
type StateList struct {
	ResourceType string
	At           Moment
	// Deleted also lists resources that had been deleted.
	Deleted bool
	// After goes on after the page that returned it as Next; nil: from the start.
	After *StatePlace
	// Limit is the most resources on the page, at least 1.
	Limit int
}

// StatePlace is where a list stands. It names entries, not resources, whose ids are long.
type StatePlace struct {
	// Last is the last entry that counts: the moment that the first page found, for all of them.
	Last int64
	// Resource is the entry of the last resource looked at.
	Resource int64
}

// StatePage is a page of resources.
type StatePage struct {
	// Entries say the states, in the order of the resources' ids.
	Entries []LogEntry
	// Last is the last entry that counts.
	Last int64
	// Next is nil on the last page. A page before may have fewer entries than asked for, or none: its size is bounded, and so is the number of deleted
	// resources that it passes over.
	Next *StatePlace
}

// ListStates returns a page of the resources of a kind as they were at a moment.
func (w *Wall) ListStates(ctx context.Context, l StateList) (page StatePage, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) (err error) {
		page, err = listStates(ctx, tx, id, l)
		return err
	})
	return page, err
}

func listStates(ctx context.Context, tx pgx.Tx, id tenant.ID, l StateList) (page StatePage, err error) {
	if l.After == nil {
		l.After = &StatePlace{Resource: -1}
		if l.After.Last, err = lastIndex(ctx, tx, id, l.At); err != nil {
			return StatePage{}, err
		}
	}
	page.Last = l.After.Last
	steps, err := walk(ctx, tx, id, l)
	if err != nil {
		return StatePage{}, err
	}
	// What ended the walk: the limit's one more, the bounds, or the end of the resources.
	if n := len(steps); n > 0 && steps[n-1].Shown > int64(l.Limit) {
		steps = steps[:n-1]
		page.Next = &StatePlace{Last: page.Last, Resource: steps[n-2].LeafIndex}
	} else if n > 0 && (steps[n-1].Bytes > maxPageBytes || steps[n-1].Step == maxWalk) {
		page.Next = &StatePlace{Last: page.Last, Resource: steps[n-1].LeafIndex}
	}
	var indexes []int64
	for _, s := range steps {
		if s.Present || l.Deleted {
			indexes = append(indexes, s.LeafIndex)
		}
	}
	if len(indexes) == 0 {
		return page, nil
	}
	page.Entries, err = stateRows(ctx, tx, `
		SELECT `+rowColumns+`
		FROM public.gov_audit_trail_entries
		WHERE tenant_id = @tenant_id AND leaf_index = ANY (@indexes)
		ORDER BY resource_id`, pgx.NamedArgs{"tenant_id": [16]byte(id), "indexes": indexes})
	return page, err
}

// walkStep is a resource that a page looks at.
type walkStep struct {
	Step      int64
	LeafIndex int64 // of the entry that says its state
	Present   bool
	Shown     int64 // how many are shown up to this one
	Bytes     int64 // of the entries that are
}

func walk(ctx context.Context, tx pgx.Tx, id tenant.ID, l StateList) ([]walkStep, error) {
	sql, args := l.query(id)
	rows, err := tx.Query(ctx, sql, planned, args)
	if err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	steps, err := pgx.CollectRows(rows, pgx.RowToStructByName[walkStep])
	if err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	return steps, nil
}

// query returns the statement that walks over the resources. From one to the next it skips in the index, so that the number of changes of a resource
// costs nothing; a resource of which no change counts costs its index tuples.
func (l StateList) query(id tenant.ID) (string, pgx.NamedArgs) {
	args := l.At.args(id, l.After.Last)
	args["resource_type"], args["after"] = l.ResourceType, l.After.Resource
	args["deleted"], args["limit"], args["bytes"], args["steps"] = l.Deleted, l.Limit, maxPageBytes, maxWalk
	const changes = `
				FROM public.gov_audit_trail_entries AS change
				WHERE change.tenant_id = @tenant_id AND change.resource_type = @resource_type AND `
	return `
		WITH RECURSIVE walk AS (
			SELECT
				coalesce((
					SELECT resource_id
					FROM public.gov_audit_trail_entries
					WHERE tenant_id = @tenant_id AND leaf_index = @after
				), '') COLLATE "C" AS resource_id,
				0::bigint AS step, -1::bigint AS leaf_index, false AS present, 0::bigint AS shown, 0::bigint AS bytes
			UNION ALL
			SELECT
				following.resource_id, walk.step + 1, state.leaf_index, state.present, walk.shown + state.counts,
				walk.bytes + state.counts * state.size
			FROM walk
			CROSS JOIN LATERAL (
				SELECT change.resource_id` + changes + l.At.stateConditions() + ` AND change.resource_id > walk.resource_id
				ORDER BY change.resource_id, ` + l.At.stateOrder("ASC") + `
				LIMIT 1
			) AS following
			CROSS JOIN LATERAL (
				SELECT found.leaf_index, found.present, found.size, (found.present OR @deleted)::integer AS counts
				FROM (
					SELECT change.leaf_index, octet_length(change.entry) AS size,
						NOT (change.event_type LIKE '%.deleted' AND change.outcome = 'SUCCESS') AS present` + changes + l.At.stateConditions() + `
						AND change.resource_id = following.resource_id
					ORDER BY ` + l.At.stateOrder("DESC") + `
					LIMIT 1
				) AS found
			) AS state
			WHERE walk.step < @steps AND walk.shown <= @limit AND walk.bytes <= @bytes
		)
		SELECT step, leaf_index, present, shown, bytes
		FROM walk
		WHERE step > 0
		ORDER BY step`, args
}
