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

// answers are entries that are on the wall.
type answers map[entryKey]answered

func (a answers) of(key entryKey) (answered, bool) {
	known, ok := a[key]
	return known, ok
}

// verdict is what is known of an append's entries.
type verdict uint8

const (
	fresh  verdict = iota // none of them is known
	partly                // some are, which for all that is known may be because the others were forgotten
	decided
)

// decide answers an append whose entries are all known, or of which one is known with other content.
func decide(p *pending, known func(entryKey) (answered, bool)) verdict {
	var positions []Position
	for _, d := range p.drafts {
		a, ok := known(keyOf(d))
		switch {
		case !ok:
		case a.contentDigest != d.ContentDigest:
			p.answer([]Position{a.position}, reused(a.position, "with other content"))
			return decided
		default:
			positions = append(positions, a.position)
		}
	}
	switch {
	case len(positions) == 0:
		return fresh
	case len(positions) < len(p.drafts):
		return partly
	}
	for i := range positions {
		if positions[i].LeafIndex != positions[0].LeafIndex+int64(i) {
			p.answer(positions[i:i+1], reused(positions[i], "in another place of the log than after the entry before it"))
			return decided
		}
	}
	p.answer(positions, nil)
	return decided
}

// reused is the answer to an append of an entry whose id is on the wall already, where it is not the same append again.
func reused(at Position, how string) error {
	return errs.New(errs.InvalidArgument, errs.ReasonEntryIDReused,
		"entry id %s is on the wall %s: give each entry an id of its own", at.EntryID, how).
		With("entry_id", at.EntryID.String()).With("leaf_index", strconv.FormatInt(at.LeafIndex, 10))
}

// answerKnown answers the appends that are on the wall and returns the others. Known is all that there is of the batch: since an append's
// entries stand or fall together, one of which some are there is another one.
func (s *sequencer) answerKnown(batch []*pending, known answers) []*pending {
	rest := batch[:0:0]
	for _, p := range batch {
		verdict := decide(p, known.of)
		if verdict == fresh {
			rest = append(rest, p)
			continue
		}
		for _, d := range p.drafts {
			a, ok := known[keyOf(d)]
			if !ok {
				continue
			}
			s.recent.add(keyOf(d), a)
			if verdict == partly {
				p.answer([]Position{a.position}, reused(a.position, "without others of the batch"))
				verdict = decided
			}
		}
		s.metrics.repeated.Add(float64(len(p.drafts)))
	}
	return rest
}

// answerRecent answers the repeated appends of late without a transaction, so that a client that repeats itself does not make batches fail.
func (s *sequencer) answerRecent(ctx context.Context, batch []*pending) []*pending {
	rest, unclear := batch[:0:0], batch[:0:0]
	for _, p := range batch {
		switch decide(p, s.recent.of) {
		case fresh:
			rest = append(rest, p)
		case partly:
			unclear = append(unclear, p)
		case decided:
			s.metrics.repeated.Add(float64(len(p.drafts)))
		}
	}
	if len(unclear) == 0 {
		return rest
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.FlushTimeout)
	defer cancel()
	known, err := lookUp(ctx, s.pool, unclear)
	if err != nil {
		return append(rest, unclear...) // the try to write them finds out as well
	}
	return append(rest, s.answerKnown(unclear, known)...)
}

// lookUp finds which entries of a batch are on the wall.
func lookUp(ctx context.Context, q querier, batch []*pending) (answers, error) {
	var tenants, entries [][16]byte
	for _, p := range batch {
		for _, d := range p.drafts {
			tenants, entries = append(tenants, d.Entry.TenantID), append(entries, d.Entry.EntryID)
		}
	}
	rows, err := q.Query(ctx, `
		SELECT e.tenant_id, e.entry_id, e.leaf_index, e.content_sha256, e.hashes
		FROM unnest(@tenants::uuid[], @entries::uuid[]) AS asked (tenant_id, entry_id)
		JOIN public.gov_audit_trail_entries AS e USING (tenant_id, entry_id)`,
		pgx.NamedArgs{"tenants": tenants, "entries": entries})
	if err != nil {
		return nil, fmt.Errorf("look up entries: %w", err)
	}
	known := make(answers)
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

// maxRecent bounds the positions that are remembered, twice. It is larger than any batch, so that what a batch has just answered is found.
const maxRecent = 1 << 14

// recentPositions remembers the last entries that were answered. There are two generations: when the newer is full it becomes the older, whose memory the next
// one takes. Nothing is allocated for an entry, and nothing in it is for the garbage collector to look at.
type recentPositions struct{ newer, older answers }

func newRecentPositions() *recentPositions {
	return &recentPositions{make(answers), make(answers)}
}

func (r *recentPositions) of(key entryKey) (answered, bool) {
	if a, ok := r.newer[key]; ok {
		return a, true
	}
	return r.older.of(key)
}

func (r *recentPositions) add(key entryKey, a answered) {
	if _, ok := r.of(key); ok {
		return
	}
	if len(r.newer) == maxRecent {
		r.newer, r.older = r.older, r.newer
		clear(r.newer)
	}
	r.newer[key] = a
}
