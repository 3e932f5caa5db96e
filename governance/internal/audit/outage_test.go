package audit_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// TestOutageAndRecovery takes the database away under load.
func TestOutageAndRecovery(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	appendMany(t, wall, id, 3)
	server, err := pgx.Connect(t.Context(), strings.Replace(db.AdminURL, "/"+db.Name, "/postgres", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close(context.Background()) }()
	exec := func(sql string) {
		t.Helper()
		if _, err := server.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`ALTER DATABASE ` + db.Name + ` ALLOW_CONNECTIONS false`)
	exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '` + db.Name + `'`)
	e := newEntry(t, id)
	_, err = wall.Append(t.Context(), e)
	var down *errs.Error
	if !errors.As(err, &down) || down.Kind != errs.Unavailable || down.Reason != errs.ReasonUnavailable || down.RetryAfter <= 0 {
		t.Errorf("Append without a database: %v", err)
	}
	if err := wall.Ready(); errs.ReasonOf(err) != errs.ReasonUnavailable {
		t.Errorf("Ready without a database: %v", err)
	}
	exec(`ALTER DATABASE ` + db.Name + ` ALLOW_CONNECTIONS true`)
	eventually(t, "the wall is back without an append", func() bool { return wall.Ready() == nil })
	if p := mustAppend(t, wall, e); p.LeafIndex != 3 {
		t.Errorf("after the outage: %+v", p)
	}
	db.Reader.Reset() // its idle connections ended, too
	checkLog(t, wall, db.Admin(), id)
}

// TestEndedSessionsGoUnnoticed ends all of the writer's idle sessions, as a restart of the server does.
func TestEndedSessionsGoUnnoticed(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	appendMany(t, wall, id, 1)
	var idle []*pgxpool.Conn
	for range 6 {
		conn, err := db.Writer.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	for _, conn := range idle {
		conn.Release()
	}
	admin := db.Admin()
	if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'aumos_audit_writer' AND datname = current_database()`); err != nil {
		t.Fatal(err)
	}
	if p := mustAppend(t, wall, newEntry(t, id)); p.LeafIndex != 1 {
		t.Errorf("%+v", p)
	}
}

// TestSessionsEndedMidBatch ends the writer's sessions while batches are under way.
func TestSessionsEndedMidBatch(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	appendMany(t, wall, id, 2)
	blocker := holdTurn(t, db)
	answered := make(chan result, 1)
	go func() {
		p, err := wall.Append(context.Background(), newEntry(t, id))
		answered <- result{p, err}
	}()
	eventually(t, "the batch waits for the database", func() bool { return blocker.waiting() > 0 })
	blocker.terminate()
	blocker.release()
	if got := <-answered; got.err != nil || got.position.LeafIndex != 2 {
		t.Errorf("Append: %+v, %v", got.position, got.err)
	}
	if rows := checkLog(t, wall, db.Admin(), id); len(rows) != 3 {
		t.Errorf("%d rows, want 3", len(rows))
	}
}

// TestShortOutageGoesUnnoticed refuses connections a few times: an append that has time is written all the same.
func TestShortOutageGoesUnnoticed(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg, err := pgxpool.ParseConfig(db.WriterURL)
	if err != nil {
		t.Fatal(err)
	}
	var refuse atomic.Int64
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if refuse.Add(-1) >= 0 {
			return nil, errors.New("refused")
		}
		return dial(ctx, network, addr)
	}
	writer, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(writer.Close)
	wall, _ := audittest.Start(t, audit.Databases{Writer: writer, Reader: db.Reader}, wallConfig(t))
	id := newTenant(t)
	appendMany(t, wall, id, 1)
	refuse.Store(8) // an attempt to connect dials twice at most
	writer.Reset()
	if p := mustAppend(t, wall, newEntry(t, id)); p.LeafIndex != 1 {
		t.Errorf("%+v", p)
	}
	if left := refuse.Load(); left > 0 {
		t.Errorf("%d refusals were not met", left)
	}
}

// lossyConn loses the server's answer when told to: the request has arrived and is carried out, and the connection is gone.
type lossyConn struct {
	net.Conn
	lose *atomic.Bool
}

func (c lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && n > 0 && c.lose.CompareAndSwap(true, false) {
		_ = c.Conn.Close() // the server sends its answers to a batch when it has committed
		return 0, net.ErrClosed
	}
	return n, err
}

// TestLostAnswer loses the server's answer to a batch, so that the wall cannot know whether it was committed.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	var lose atomic.Bool
	cfg, err := pgxpool.ParseConfig(db.WriterURL)
	if err != nil {
		t.Fatal(err)
	}
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return lossyConn{conn, &lose}, err
	}
	writer, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(writer.Close)
	wallCfg := wallConfig(t)
	wallCfg.FlushTimeout = time.Minute // an answer that is lost is missed at once
	wall, _ := audittest.Start(t, audit.Databases{Writer: writer, Reader: db.Reader}, wallCfg)
	id := newTenant(t)
	for i := range 12 {
		lose.Store(i%3 == 1)
		if p := mustAppend(t, wall, newEntry(t, id)); p.LeafIndex != int64(i) {
			t.Errorf("append %d: %+v", i, p)
		}
	}
	if rows := checkLog(t, wall, db.Admin(), id); len(rows) != 12 {
		t.Errorf("%d rows, want 12", len(rows))
	}
}
