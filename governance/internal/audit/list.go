package audit

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxPageBytes bounds the leaves of one page, which a response carries about twice, under the usual message limit of 4 MiB.
const maxPageBytes = 1 << 20

// List returns entries after an index (-1 for the first page) in the order of the filter, at most limit and fewer when they are large, each with its
// corrections. more reports whether others follow.
func (w *Wall) List(ctx context.Context, f Filter, after int64, limit int) (entries []LogEntry, more bool, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		if entries, more, err = list(ctx, tx, id, f, after, limit); err != nil {
			return err
		}
		cut, err := withCorrections(ctx, tx, id, entries)
		entries, more = entries[:cut], more || cut < len(entries)
		return err
	})
	return entries, more, err
}

func list(ctx context.Context, tx pgx.Tx, id tenant.ID, f Filter, after int64, limit int) ([]LogEntry, bool, error) {
	sql, args := f.query(id, after, limit)
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return nil, false, fmt.Errorf("list audit entries: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[pageRow])
	if err != nil {
		return nil, false, fmt.Errorf("list audit entries: %w", err)
	}
	entries := make([]LogEntry, 0, len(found))
	for _, r := range found[:min(limit, len(found))] {
		entries = append(entries, r.logEntry())
	}
	return entries, len(found) > 0 && found[0].Matches > int64(len(entries)), nil
}

// withCorrections fills in the corrections and returns how many of the entries fit a page with them: all, unless some were corrected at length.
func withCorrections(ctx context.Context, tx pgx.Tx, id tenant.ID, entries []LogEntry) (fit int, err error) {
	ids := make([]uuid.UUID, len(entries))
	for i, e := range entries {
		ids[i] = e.EntryID
	}
	found, sizes, err := corrections(ctx, tx, id, ids)
	if err != nil {
		return 0, err
	}
	size := 0
	for i := range entries {
		entries[i].Corrections = found[entries[i].EntryID]
		size += len(entries[i].Leaf) + sizes[entries[i].EntryID]
		if i > 0 && size > 2*maxPageBytes {
			return i, nil
		}
	}
	return len(entries), nil
}

// pageRow is a row and the number of rows that the page would have had without the bound on its bytes.
type pageRow struct {
	row
	Matches int64
}

// query returns the statement for a page. It reads one row more, which tells whether others follow.
func (f Filter) query(id tenant.ID, after int64, limit int) (string, pgx.NamedArgs) {
	order := f.order()
	where, args := f.conditions(id, after)
	args["limit"] = limit + 1
	args["bytes"] = maxPageBytes
	return `
		SELECT ` + rowColumns + `, matches
		FROM (
			SELECT ` + rowColumns + `,
				count(*) OVER () AS matches,
				sum(octet_length(entry)) OVER (ORDER BY ` + order + `) - octet_length(entry) AS bytes_before
			FROM (
				SELECT ` + rowColumns + `
				FROM public.gov_audit_trail_entries
				WHERE ` + where + `
				ORDER BY ` + order + `
				LIMIT @limit
			) AS page
		) AS measured
		WHERE bytes_before <= @bytes
		ORDER BY ` + order, args
}
