package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// flight is a batch on its way: its rows are with the server, in a transaction that ends when the server is told so.
//
// Two are on their way at most. While the server waits for its disk, for the first one's sake, it inserts the rows of the second on another connection. They
// follow those of the first as if these were on the wall, so the second is told to commit only once the first is known to be durable: no entry is ever on the
// wall without those before it.
type flight struct {
	pending []*pending
	// ids are those of pending. Repeated are appends of an id that this flight or the one before it has: they are decided when both have landed.
	ids      map[entryKey]struct{}
	repeated []*pending

	rows      *rowBatch
	started   time.Time
	conn      *pgxpool.Conn // nil if it never left
	pipe      *pgconn.Pipeline
	cancel    context.CancelFunc
	failed    error // why it never left
	abandoned bool
	landed    chan error // the one outcome
}

// has reports whether an entry is on its way with the flight, if there is one.
func (f *flight) has(id entryKey) bool {
	if f == nil {
		return false
	}
	_, ok := f.ids[id]
	return ok
}

// launch sends a batch to the server, placed after the remembered heads and after what is on its way before it, if anything is. What goes wrong is the
// outcome of landing.
func (s *sequencer) launch(ctx context.Context, batch []*pending, before *flight) *flight {
	f := &flight{pending: batch, rows: newRows(batch), started: time.Now(), landed: make(chan error, 1)}
	s.heads.bound()
	timeout := s.cfg.FlushTimeout
	if before != nil {
		timeout *= 2 // the one before has to land in it, too
	}
	ctx, f.cancel = context.WithTimeout(ctx, timeout)
	if len(batch) > 0 {
		f.failed = s.send(ctx, f, before)
	}
	return f
}

// send has the server insert the rows. Extended queries are one transaction up to the message named Sync (PostgreSQL documentation, "Pipelining"), which is
// not sent yet.
func (s *sequencer) send(ctx context.Context, f, before *flight) error {
	known, err := s.headsBehind(ctx, before, f.rows.tenants())
	if err != nil {
		return err
	}
	f.rows.place(known, positionTime(time.Now()))
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	if err := insertShared.prepare(ctx, conn.Conn()); err != nil {
		conn.Release()
		return err
	}
	f.conn, f.pipe = conn, conn.Conn().PgConn().StartPipeline(ctx)
	parameters := s.encoder.parameters(insertShared.columns, f.rows.rows)
	makeRoom(conn.Conn().PgConn(), parameters)
	f.pipe.SendQueryPrepared(insertShared.name, parameters, []int16{pgx.BinaryFormatCode}, nil)
	if before == nil {
		return nil // land sends all of it at once
	}
	return f.pipe.Flush()
}

// headsBehind are the heads that the logs will have when what is on its way has landed.
func (s *sequencer) headsBehind(ctx context.Context, before *flight, tenants [][16]byte) (headCache, error) {
	heads := make(headCache, len(tenants))
	var unknown [][16]byte
	for _, id := range tenants {
		id := tenant.ID(id)
		switch {
		case before != nil && before.rows.heads[id] != nil:
			heads[id] = before.rows.heads[id]
		case s.heads[id] != nil:
			heads[id] = s.heads[id]
		default:
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 0 {
		return heads, nil
	}
	_, err := heads.refresh(ctx, s.pool, unknown)
	return heads, err
}

// land has the server commit.
func (f *flight) land() {
	if f.conn == nil || f.failed != nil {
		f.end(f.failed)
		return
	}
	if err := f.pipe.Sync(); err != nil {
		f.end(err)
		return
	}
	go func() { // until the server answers or the time is up; the sequencer waits for it
		_, err := f.pipe.GetResults()
		if committed := f.pipe.Close(); err == nil {
			err = committed
		}
		f.end(err)
	}()
}

// abandon ends a flight that was not told to land. Its connection is closed, so that the server rolls back.
func (f *flight) abandon() {
	if !f.abandoned {
		f.abandoned = true
		f.end(nil)
	}
}

// end gives the connection back, which is closed if anything on it is still open.
func (f *flight) end(outcome error) {
	if f.conn != nil {
		_ = f.pipe.Close()
		f.conn.Release()
	}
	f.cancel()
	if outcome != nil {
		outcome = fmt.Errorf("append entries: %w", outcome)
	}
	f.landed <- outcome
}
