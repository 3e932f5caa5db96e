package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxScanBytes bounds the leaves of one scan.
const maxScanBytes = 4 << 20

// maxRoom is for how many entries a scan has room from the beginning.
const maxRoom = 1_000

// Scanned is an entry that can be built upon.
type Scanned struct {
	auditlog.Lean

	LeafHash [32]byte
	LeafSize int
}

// Scan is what a scan found.
type Scan struct {
	Entries []Scanned
	// More reports whether others follow.
	More bool
	// Size is the number of entries that the log had.
	Size int64
}

// Scan returns entries after an index (-1: from the first) in the order of the filter, at most limit and fewer when they are large, for callers that count
// or list what entries say. An entry that has been altered is an error, LOG_INCONSISTENT. The filter chooses by the columns: who must not be told too much
// compares with the entries.
func (w *Wall) Scan(ctx context.Context, f Filter, after int64, limit int) (s Scan, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) (err error) {
		s = Scan{}
		if s.Size, err = StoredSize(ctx, tx, id); err != nil {
			return err
		}
		f := f
		if f.EndIndex == 0 {
			f.EndIndex = s.Size // nothing else is there, and who follows a log has not much left to read
		}
		size := s.Size
		s, err = f.read(ctx, tx, id, after, limit)
		s.Size = size
		return err
	})
	return s, err
}

// read reads the entries that match.
func (f Filter) read(ctx context.Context, tx pgx.Tx, id tenant.ID, after int64, limit int) (s Scan, err error) {
	sql, args := f.scan(id, after, limit)
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return s, fmt.Errorf("scan audit entries: %w", err)
	}
	defer rows.Close()
	s.Entries = make([]Scanned, 0, max(0, min(int64(limit), f.EndIndex-f.MinIndex, maxRoom)))
	err = s.collect(rows, id, limit)
	return s, err
}

// Size returns the number of entries of the log of the tenant in ctx.
func (w *Wall) Size(ctx context.Context) (int64, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return 0, errors.New("read log size: no tenant in context")
	}
	return w.look(ctx, id)
}

// scan returns the statement. It reads one row more, which tells whether others follow.
func (f Filter) scan(id tenant.ID, after int64, limit int) (string, pgx.NamedArgs) {
	where, args := f.conditions(id, after)
	args["limit"] = limit + 1
	return `
		SELECT leaf_index, entry, substring(hashes FOR 32) AS leaf_hash
		FROM public.gov_audit_trail_entries
		WHERE ` + where + `
		ORDER BY ` + f.order() + `
		LIMIT @limit`, args
}

var (
	errLeafHash = errors.New("the stored leaf hash is not that of the leaf")
	errPlace    = errors.New("the leaf is of another place")
)

// collect reads the rows up to the bounds.
func (s *Scan) collect(rows pgx.Rows, id tenant.ID, limit int) error {
	var index int64
	var leaf, stored pgtype.DriverBytes // of the row, while it is the current one
	for size := 0; rows.Next(); {
		if err := rows.Scan(&index, &leaf, &stored); err != nil {
			return fmt.Errorf("scan audit entries: %w", err)
		}
		if size += len(leaf); len(s.Entries) == limit || size > maxScanBytes && len(s.Entries) > 0 {
			s.More = true
			return nil
		}
		e, err := auditlog.UnmarshalLean(leaf)
		hash := auditlog.LeafHash(leaf)
		switch {
		case err != nil:
		case string(hash[:]) != string(stored):
			err = errLeafHash
		case e.LeafIndex != index || e.TenantID != id:
			err = errPlace
		}
		if err != nil {
			return altered(index, err)
		}
		s.Entries = append(s.Entries, Scanned{Lean: e, LeafHash: hash, LeafSize: len(leaf)})
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("scan audit entries: %w", err)
	}
	return nil
}
