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
	f := s.launch(ctx, batch, nil)
	f.land()
	if err := <-f.landed; err != nil {
		return batch, err
	}
	s.commit(f.rows)
	return nil, nil
}

// tryInTurn writes a batch while no other replica writes. A careful try answers entries that are on the wall already.
func (s *sequencer) tryInTurn(ctx context.Context, batch []*pending, careful bool) ([]*pending, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.FlushTimeout)
	defer cancel()
	s.heads.bound()
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
		return rows.insert(ctx, tx.Conn(), insertRows, &s.encoder)
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
	s.tails.add(rows.rows)
	s.metrics.appended.Add(float64(len(rows.rows)))
	for p, positions := range rows.placed() {
		for i, d := range p.drafts {
			s.recent.add(keyOf(d), answered{positions[i], d.ContentDigest})
		}
		p.answer(positions, nil)
	}
}

// rowBatch is a batch on its way into the table.
type rowBatch struct {
	pending []*pending
	heads   map[tenant.ID]*head // after the batch
	rows    []placedRow         // of all drafts, in order
}

// placedRow is an entry with its place in the log.
type placedRow struct {
	draft    *auditlog.Draft
	index    int64
	recorded time.Time
	leaf     []byte
	hashes   []byte // of the tree nodes that the leaf completes, its own first
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

// place gives every entry its position, after the known heads.
func (r *rowBatch) place(known headCache, now time.Time) {
	r.heads = make(map[tenant.ID]*head)
	r.rows = make([]placedRow, 0, countEntries(r.pending))
	var completed []tlog.Hash
	hashes := make([]byte, 0, 2*tlog.HashSize*cap(r.rows)) // a leaf completes two nodes in the mean
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
			leaf, hash := d.Leaf(index, h.last)
			completed = h.tree.Append(completed[:0], hash)
			start := len(hashes)
			for i := range completed {
				hashes = append(hashes, completed[i][:]...)
			}
			r.rows = append(r.rows, placedRow{draft: d, index: index, recorded: h.last, leaf: leaf, hashes: hashes[start:len(hashes):len(hashes)]})
		}
	}
}

// insert writes the rows.
func (r *rowBatch) insert(ctx context.Context, conn *pgx.Conn, statement insertion, enc *encoder) error {
	if err := statement.prepare(ctx, conn); err != nil {
		return err
	}
	result := conn.PgConn().ExecPrepared(ctx, statement.name, enc.parameters(statement.columns, r.rows), []int16{pgx.BinaryFormatCode}, nil)
	if _, err := result.Close(); err != nil {
		return fmt.Errorf("append entries: %w", err)
	}
	return nil
}

// placed returns the appends of the batch, each with the positions of its entries.
func (r *rowBatch) placed() iter.Seq2[*pending, []Position] {
	return func(yield func(*pending, []Position) bool) {
		positions := make([]Position, len(r.rows))
		for i, row := range r.rows {
			positions[i] = Position{EntryID: row.draft.Entry.EntryID, LeafIndex: row.index, LeafHash: [32]byte(row.hashes)}
		}
		for _, p := range r.pending {
			n := len(p.drafts)
			if !yield(p, positions[:n:n]) {
				return
			}
			positions = positions[n:]
		}
	}
}

// effectiveTime returns when an entry took effect, as a timestamptz can hold it.
func effectiveTime(e *auditlog.Entry, recorded time.Time) time.Time {
	if e.EffectiveTime.IsZero() {
		return recorded
	}
	return positionTime(e.EffectiveTime)
}
