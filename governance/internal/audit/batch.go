package audit

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// turnLock is the advisory lock that replicas share while all goes well, and take alone, in turns, when they contend for positions. The primary
// key alone keeps them apart; the lock gives the one that lost its fair share.
const turnLock int64 = 0x61756d_57414c4c // "aumWALL"

// tryAtOnce writes a batch at the positions that follow the remembered heads.
func (s *sequencer) tryAtOnce(ctx context.Context, batch []*pending) ([]*pending, error) {
	rows := newRows(batch)
	var unknown [][16]byte
	for _, id := range rows.tenants() {
		if s.heads[tenant.ID(id)] == nil {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		if _, err := s.heads.refresh(ctx, s.pool, unknown); err != nil {
			return batch, err
		}
	}
	rows.place(s.heads, positionTime(time.Now()))
	var b pgx.Batch // one implicit transaction, one round trip
	b.Queue(`SELECT pg_advisory_xact_lock_shared($1)`, turnLock)
	b.Queue(insertRows, rows.args(columns)...)
	if err := s.pool.SendBatch(ctx, &b).Close(); err != nil {
		return batch, fmt.Errorf("append entries: %w", err)
	}
	s.commit(rows)
	return nil, nil
}

// tryInTurn writes a batch while no other replica writes. A careful try answers entries that are on the wall already.
func (s *sequencer) tryInTurn(ctx context.Context, batch []*pending, careful bool) ([]*pending, error) {
	rest := batch
	var rows *rowBatch
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, turnLock); err != nil {
			return fmt.Errorf("take turn: %w", err)
		}
		if careful {
			known, err := lookUp(ctx, tx, batch)
			if err != nil {
				return err
			}
			// Whoever wrote them has committed: they can be answered whatever becomes of this transaction.
			rest = s.answerKnown(batch, known)
		}
		if len(rest) == 0 {
			return nil
		}
		rows = newRows(rest)
		foreign, err := s.heads.refresh(ctx, tx, rows.tenants())
		if err != nil {
			return err
		}
		if foreign {
			s.contended = staysContended
		}
		rows.place(s.heads, positionTime(time.Now()))
		if _, err := tx.Exec(ctx, insertRows, rows.args(columns)...); err != nil {
			return fmt.Errorf("append entries: %w", err)
		}
		return nil
	})
	if err != nil {
		return rest, err
	}
	s.contended = max(0, s.contended-1)
	if rows != nil {
		s.commit(rows)
	}
	return nil, nil
}

// commit learns and answers what is durable now.
func (s *sequencer) commit(rows *rowBatch) {
	seen := make(map[tenant.ID]int64, len(rows.heads))
	for id, h := range rows.heads {
		s.heads[id] = h
		seen[id] = h.tree.Size()
		s.moved(id)
	}
	// Before the answers: who reads after one, or looks at the metrics, finds it.
	s.sizes.learn(seen)
	s.metrics.appended.Add(float64(len(rows.leafIndexes)))
	for p, positions := range rows.placed() {
		for i, d := range p.drafts {
			s.recent.add(keyOf(d), answered{positions[i], d.ContentDigest})
		}
		p.answer(positions, nil)
	}
}

// rowBatch is a batch on its way into the table, a slice a column.
type rowBatch struct {
	pending    []*pending
	heads      map[tenant.ID]*head // after the batch
	leafHashes []tlog.Hash

	tenantIDs, entryIDs                                         [][16]byte
	leafIndexes                                                 []int64
	contents, hashes, entries                                   [][]byte
	recordedAt, effectiveAt                                     []time.Time
	stateChanges                                                []bool
	eventTypes, actions, outcomes, actorIDs                     []string
	resourceTypes, resourceIDs, sources, correlations, requests []string
}

// newRows sorts a batch by tenant, keeping the order of each tenant's entries: two replicas that write to the same logs then meet in the same
// order and cannot deadlock.
func newRows(batch []*pending) *rowBatch {
	sorted := slices.Clone(batch)
	slices.SortStableFunc(sorted, func(a, b *pending) int {
		idA, idB := a.tenant(), b.tenant()
		return bytes.Compare(idA[:], idB[:])
	})
	return &rowBatch{pending: sorted}
}

// tenants returns the tenants of the batch, each once.
func (r *rowBatch) tenants() [][16]byte {
	var ids [][16]byte
	for _, p := range r.pending {
		id := [16]byte(p.tenant())
		if len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	return ids
}

// place gives every entry its position, after the known heads, and makes the columns.
func (r *rowBatch) place(known headCache, now time.Time) {
	r.heads = make(map[tenant.ID]*head)
	var completed []tlog.Hash
	for _, p := range r.pending {
		h := r.heads[p.tenant()]
		if h == nil {
			h = known[p.tenant()].clone()
			r.heads[p.tenant()] = h
		}
		if now.After(h.last) { // a clock that went back, or another replica's that is ahead, does not make time fall
			h.last = now
		}
		for _, d := range p.drafts {
			index := h.tree.Size()
			leaf := d.Leaf(index, h.last)
			completed = h.tree.Append(completed[:0], auditlog.LeafHash(leaf))
			hashes := make([]byte, 0, len(completed)*tlog.HashSize)
			for i := range completed {
				hashes = append(hashes, completed[i][:]...)
			}
			r.leafHashes = append(r.leafHashes, completed[0])
			r.add(d, index, h.last, leaf, hashes)
		}
	}
}

// placed returns the appends of the batch, each with the positions of its entries.
func (r *rowBatch) placed() iter.Seq2[*pending, []Position] {
	return func(yield func(*pending, []Position) bool) {
		row := 0
		for _, p := range r.pending {
			positions := make([]Position, len(p.drafts))
			for i, d := range p.drafts {
				positions[i] = Position{EntryID: d.Entry.EntryID, LeafIndex: r.leafIndexes[row], LeafHash: r.leafHashes[row]}
				row++
			}
			if !yield(p, positions) {
				return
			}
		}
	}
}

func (r *rowBatch) add(d *auditlog.Draft, index int64, recorded time.Time, leaf, hashes []byte) {
	e := &d.Entry
	r.tenantIDs = append(r.tenantIDs, e.TenantID)
	r.leafIndexes = append(r.leafIndexes, index)
	r.entryIDs = append(r.entryIDs, e.EntryID)
	r.contents = append(r.contents, d.ContentDigest[:])
	r.hashes = append(r.hashes, hashes)
	r.recordedAt = append(r.recordedAt, recorded)
	r.effectiveAt = append(r.effectiveAt, effectiveTime(e, recorded))
	r.stateChanges = append(r.stateChanges, e.ChangesState())
	r.eventTypes = append(r.eventTypes, e.EventType)
	r.actions = append(r.actions, e.Action)
	r.outcomes = append(r.outcomes, e.Outcome.String())
	r.actorIDs = append(r.actorIDs, e.Actor.ID)
	r.resourceTypes = append(r.resourceTypes, e.Resource.Type)
	r.resourceIDs = append(r.resourceIDs, e.Resource.ID)
	r.sources = append(r.sources, e.SourceService)
	r.correlations = append(r.correlations, e.CorrelationID)
	r.requests = append(r.requests, e.RequestID)
	r.entries = append(r.entries, leaf)
}

// effectiveTime returns when an entry took effect, as a timestamptz can hold it.
func effectiveTime(e *auditlog.Entry, recorded time.Time) time.Time {
	if e.EffectiveTime.IsZero() {
		return recorded
	}
	return positionTime(e.EffectiveTime)
}
