package audit

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// answered is an entry that is on the wall.
type answered struct {
	position      Position
	contentDigest [32]byte
}

// answerFor answers an append whose id is on the wall already.
func (a answered) answerFor(p *pending) {
	if a.contentDigest == p.draft.ContentDigest {
		p.answer(a.position, nil)
		return
	}
	p.answer(a.position, errs.New(errs.InvalidArgument, errs.ReasonEntryIDReused,
		"entry id %s is on the wall with other content: give each entry an id of its own", a.position.EntryID).
		With("entry_id", a.position.EntryID.String()).With("leaf_index", strconv.FormatInt(a.position.LeafIndex, 10)))
}

// answerKnown answers the appends that are on the wall and returns the others.
func (s *sequencer) answerKnown(batch []*pending, known map[entryKey]answered) []*pending {
	rest := batch[:0:0]
	for _, p := range batch {
		a, ok := known[keyOf(p)]
		if !ok {
			rest = append(rest, p)
			continue
		}
		s.recent.add(keyOf(p), a)
		s.metrics.repeated.Inc()
		a.answerFor(p)
	}
	return rest
}

// answerRecent answers the repeated appends of late without the database, so that a client that repeats itself does not make batches fail.
func (s *sequencer) answerRecent(batch []*pending) []*pending {
	rest := batch[:0:0]
	for _, p := range batch {
		a, ok := s.recent.positions[keyOf(p)]
		if !ok {
			rest = append(rest, p)
			continue
		}
		s.metrics.repeated.Inc()
		a.answerFor(p)
	}
	return rest
}

// lookUp finds which entries of a batch are on the wall.
func lookUp(ctx context.Context, q querier, batch []*pending) (map[entryKey]answered, error) {
	tenants := make([][16]byte, len(batch))
	entries := make([][16]byte, len(batch))
	for i, p := range batch {
		tenants[i], entries[i] = p.draft.Entry.TenantID, p.draft.Entry.EntryID
	}
	rows, err := q.Query(ctx, `
		SELECT e.tenant_id, e.entry_id, e.leaf_index, e.content_sha256, e.hashes
		FROM unnest(@tenants::uuid[], @entries::uuid[]) AS asked (tenant_id, entry_id)
		JOIN public.gov_audit_trail_entries AS e USING (tenant_id, entry_id)`,
		pgx.NamedArgs{"tenants": tenants, "entries": entries})
	if err != nil {
		return nil, fmt.Errorf("look up entries: %w", err)
	}
	known := make(map[entryKey]answered)
	var tenantID, entryID [16]byte
	var index int64
	var content, hashes []byte
	_, err = pgx.ForEachRow(rows, []any{&tenantID, &entryID, &index, &content, &hashes}, func() error {
		if len(content) != 32 || len(hashes) < 32 {
			return inconsistent("row %d of %s has been altered", index, tenant.ID(tenantID))
		}
		known[entryKey{tenant.ID(tenantID), uuid.UUID(entryID)}] = answered{
			position:      Position{EntryID: entryID, LeafIndex: index, LeafHash: [32]byte(hashes)},
			contentDigest: [32]byte(content),
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up entries: %w", err)
	}
	return known, nil
}

// maxRecent bounds the positions that are remembered. It is larger than any batch, so that what a batch has just answered is found.
const maxRecent = 1 << 14

// recentPositions remembers the last entries that were answered, the oldest giving way.
type recentPositions struct {
	positions map[entryKey]answered
	ring      []entryKey
	next      int
}

func newRecentPositions() *recentPositions {
	return &recentPositions{positions: make(map[entryKey]answered)}
}

func (r *recentPositions) add(key entryKey, a answered) {
	if _, ok := r.positions[key]; ok {
		return
	}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, key)
	} else {
		delete(r.positions, r.ring[r.next])
		r.ring[r.next] = key
		r.next = (r.next + 1) % maxRecent
	}
	r.positions[key] = a
}
