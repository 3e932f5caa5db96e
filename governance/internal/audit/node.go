package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// place is a row of the wall.
type place struct {
	tenantID  [16]byte
	leafIndex int64
}

// placeList collects rows whose stored hashes are to be read, of any tenants.
type placeList struct {
	tenants [][16]byte
	indexes []int64
}

func (l *placeList) add(tenantID [16]byte, leafIndex int64) {
	l.tenants = append(l.tenants, tenantID)
	l.indexes = append(l.indexes, leafIndex)
}

// storedHashes are the hashes stored with rows, concatenated as they are in the row.
type storedHashes map[place][]byte

func (l *placeList) read(ctx context.Context, q querier) (storedHashes, error) {
	rows, err := q.Query(ctx, `
		SELECT e.tenant_id, e.leaf_index, e.hashes
		FROM unnest(@tenants::uuid[], @indexes::bigint[]) AS asked (tenant_id, leaf_index)
		JOIN public.gov_audit_trail_entries AS e USING (tenant_id, leaf_index)`,
		pgx.NamedArgs{"tenants": l.tenants, "indexes": l.indexes})
	if err != nil {
		return nil, fmt.Errorf("read tree nodes: %w", err)
	}
	return collectHashes(rows)
}

func collectHashes(rows pgx.Rows) (storedHashes, error) {
	stored := storedHashes{}
	var p place
	var hashes []byte
	_, err := pgx.ForEachRow(rows, []any{&p.tenantID, &p.leafIndex, &hashes}, func() error {
		stored[p] = append([]byte(nil), hashes...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tree nodes: %w", err)
	}
	return stored, nil
}

// at returns one hash. That it is missing means that somebody has removed or cut the row.
func (s storedHashes) at(tenantID [16]byte, n auditlog.Node) (tlog.Hash, error) {
	hashes, ok := s[place{tenantID, n.LeafIndex}]
	if !ok || len(hashes) < (n.Level+1)*tlog.HashSize {
		return tlog.Hash{}, inconsistent("the node of level %d that entry %d completes is missing", n.Level, n.LeafIndex)
	}
	return tlog.Hash(hashes[n.Level*tlog.HashSize:]), nil
}

// inconsistent is the answer when the log contradicts itself or a head that was signed.
func inconsistent(format string, args ...any) error {
	return errs.New(errs.DataLoss, errs.ReasonLogInconsistent,
		"the audit log contradicts what was signed before: it was restored, cut or rewritten; nothing is signed until an operator has looked into it").
		Because(fmt.Errorf(format, args...))
}

// withNodes runs fn, which calls functions of package tlog for a tenant's log, with the stored hashes that it needs, all read by one query: a
// first run on zero hashes finds out which those are. fn must not depend on the hashes in what it reads.
func withNodes(ctx context.Context, q querier, id tenant.ID, fn func(r tlog.HashReader) error) error {
	var needed []int64
	dry := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		for _, i := range indexes {
			needed = append(needed, auditlog.NodeAt(i).LeafIndex)
		}
		return make([]tlog.Hash, len(indexes)), nil
	})
	if err := fn(dry); err != nil {
		return err
	}
	stored := storedHashes{}
	if len(needed) > 0 {
		rows, err := q.Query(ctx, `
			SELECT tenant_id, leaf_index, hashes
			FROM public.gov_audit_trail_entries
			WHERE tenant_id = @tenant_id AND leaf_index = ANY (@indexes)`,
			pgx.NamedArgs{"tenant_id": [16]byte(id), "indexes": needed})
		if err != nil {
			return fmt.Errorf("read tree nodes: %w", err)
		}
		if stored, err = collectHashes(rows); err != nil {
			return err
		}
	}
	return fn(tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			var err error
			if hashes[i], err = stored.at(id, auditlog.NodeAt(index)); err != nil {
				return nil, err
			}
		}
		return hashes, nil
	}))
}

// StoredRoot computes the root of a log's first entries from their stored hashes.
func StoredRoot(ctx context.Context, q querier, id tenant.ID, size int64) (root tlog.Hash, err error) {
	err = withNodes(ctx, q, id, func(r tlog.HashReader) (err error) {
		root, err = tlog.TreeHash(size, r)
		return err
	})
	return root, err
}
