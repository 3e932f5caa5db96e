package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxHeads bounds the heads that are remembered, about a kilobyte each.
const maxHeads = 1 << 16

// head is the end of a log: all that the next entry's place and hashes depend on.
type head struct {
	tree auditlog.Range
	last time.Time // the last entry's recorded time
}

// headCache remembers the heads of logs as this replica last knew them. It is never trusted: a position taken already fails on the primary key.
type headCache map[tenant.ID]*head

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// bound makes room. It is called between batches only, since a batch needs all of its heads.
func (c headCache) bound() {
	if len(c) > maxHeads {
		clear(c)
	}
}

// newest is the last entry of a log.
type newest struct {
	TenantID   [16]byte
	LeafIndex  int64
	RecordedAt time.Time
}

// readNewest returns the last entries of those of the tenants that have any.
func readNewest(ctx context.Context, q querier, tenants [][16]byte) ([]newest, error) {
	rows, err := q.Query(ctx, `
		SELECT asked.tenant_id, last.leaf_index, last.recorded_at
		FROM unnest(@tenants::uuid[]) AS asked (tenant_id)
		CROSS JOIN LATERAL (
			SELECT e.leaf_index, e.recorded_at
			FROM public.gov_audit_trail_entries AS e
			WHERE e.tenant_id = asked.tenant_id
			ORDER BY e.leaf_index DESC
			LIMIT 1
		) AS last`, pgx.NamedArgs{"tenants": tenants})
	if err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[newest])
	if err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	return found, nil
}

// StoredSize returns the number of entries of a log, as a pool or a transaction sees it.
func StoredSize(ctx context.Context, q querier, id tenant.ID) (int64, error) {
	found, err := readNewest(ctx, q, [][16]byte{id})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].LeafIndex + 1, nil
}

// refresh reads the heads of tenants that differ from what is remembered, and reports whether any did.
func (c headCache) refresh(ctx context.Context, q querier, tenants [][16]byte) (changed bool, err error) {
	found, err := readNewest(ctx, q, tenants)
	if err != nil {
		return false, err
	}
	byTenant := make(map[tenant.ID]newest, len(found))
	for _, n := range found {
		byTenant[tenant.ID(n.TenantID)] = n
	}
	var moved []newest
	for _, id := range tenants {
		n, exists := byTenant[tenant.ID(id)]
		known := c[tenant.ID(id)]
		switch {
		case !exists:
			changed = changed || known != nil && known.tree.Size() > 0
			c[tenant.ID(id)] = &head{}
		case known == nil || known.tree.Size() != n.LeafIndex+1:
			changed = changed || known != nil
			moved = append(moved, n)
		}
	}
	return changed, c.load(ctx, q, moved)
}

// load reads the right edges of trees: the roots of their perfect subtrees, from the rows that completed them.
func (c headCache) load(ctx context.Context, q querier, moved []newest) error {
	if len(moved) == 0 {
		return nil
	}
	wanted := make(map[tenant.ID][]auditlog.Node, len(moved))
	var places placeList
	for _, n := range moved {
		nodes := auditlog.RangeNodes(n.LeafIndex + 1)
		wanted[tenant.ID(n.TenantID)] = nodes
		for _, node := range nodes {
			places.add(n.TenantID, node.LeafIndex)
		}
	}
	stored, err := places.read(ctx, q)
	if err != nil {
		return err
	}
	for _, n := range moved {
		id := tenant.ID(n.TenantID)
		roots := make([]tlog.Hash, 0, len(wanted[id]))
		for _, node := range wanted[id] {
			h, err := stored.at(n.TenantID, node)
			if err != nil {
				return err
			}
			roots = append(roots, h)
		}
		tree, err := auditlog.NewRange(n.LeafIndex+1, roots)
		if err != nil {
			return fmt.Errorf("read head of %s: %w", id, err)
		}
		c[id] = &head{tree: tree, last: n.RecordedAt.UTC()}
	}
	return nil
}

// clone returns a head to try out on.
func (h *head) clone() *head { return &head{tree: h.tree.Clone(), last: h.last} }
