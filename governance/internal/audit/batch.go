package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

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
	s.tails.add(rows.stretches)
	s.metrics.appended.Add(float64(len(rows.rows)))
	for p, positions := range rows.placed() {
		for i, d := range p.drafts {
			s.recent.add(keyOf(d), answered{positions[i], d.ContentDigest})
			d.Release() // the log has its own copy of the leaf, and so has the server
		}
		p.answer(positions, nil)
	}
}

// insert writes the rows.
func (r *rowBatch) insert(ctx context.Context, conn *pgx.Conn, statement insertion, enc *encoder) error {
	if err := statement.prepare(ctx, conn); err != nil {
		return err
	}
	parameters := enc.parameters(statement.columns, r.rows)
	makeRoom(conn.PgConn(), parameters)
	result := conn.PgConn().ExecPrepared(ctx, statement.name, parameters, []int16{pgx.BinaryFormatCode}, nil)
	if _, err := result.Close(); err != nil {
		return fmt.Errorf("append entries: %w", err)
	}
	return nil
}
