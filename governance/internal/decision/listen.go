package decision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// pings is how often within a lease the connection is tried.
	pings = 3
	// listenTimeout bounds every statement on the connection.
	listenTimeout = 2 * time.Second
	// listenAgain is the pause before a new connection.
	listenAgain = 250 * time.Millisecond
)

// listen keeps a connection on which the database announces changes, until ctx ends. Whenever there is none, the cache remembers nothing.
func (d *Decider) listen(ctx context.Context) error {
	defer d.cache.deafen()
	for {
		err := d.listenOnce(ctx)
		d.cache.deafen()
		d.metrics.listening.Set(0)
		if ctx.Err() != nil {
			return nil
		}
		d.config.Log.LogAttrs(ctx, slog.LevelWarn, "changes of policies cannot be heard: nothing is remembered until they can", slog.Any("error", err))
		timer := time.NewTimer(listenAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// listenOnce listens until the connection fails or ctx ends. The connection is its own: the pool's would be handed out again.
//
// The lease goes on only after a round trip: the server sends what was announced before it says that a statement is done, and the connection hands it
// on before it returns. A notification alone proves less: there may be others behind it.
func (d *Decider) listenOnce(ctx context.Context) error {
	begun := time.Now()
	conn, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenTimeout)
		defer cancel()
		_ = conn.Close(closing)
	}()
	d.cache.hear(begun) // after LISTEN has returned: what is read from now on cannot miss a change
	d.metrics.listening.Set(1)
	for {
		if err := d.waitForPing(ctx, conn, time.Now().Add(d.config.Lease/pings)); err != nil {
			return err
		}
		tried := time.Now()
		if err := exec(ctx, conn, `SELECT`); err != nil {
			return fmt.Errorf("try the listening connection: %w", err)
		}
		d.cache.extend(tried)
	}
}

// waitForPing takes notifications until then.
func (d *Decider) waitForPing(ctx context.Context, conn *pgx.Conn, then time.Time) error {
	waiting, cancel := context.WithDeadline(ctx, then)
	defer cancel()
	for {
		_, err := conn.WaitForNotification(waiting) // which has gone to heard already
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded):
			return nil
		case err != nil:
			return fmt.Errorf("wait for notifications: %w", err)
		}
	}
}

func (d *Decider) connect(ctx context.Context) (*pgx.Conn, error) {
	connecting, cancel := context.WithTimeout(ctx, listenTimeout)
	defer cancel()
	cfg := d.config.Pool.Config().ConnConfig
	cfg.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { d.heard(ctx, n.Payload) }
	conn, err := pgx.ConnectConfig(connecting, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to listen: %w", err)
	}
	if err := exec(ctx, conn, `LISTEN `+pgx.Identifier{policy.ChangedChannel}.Sanitize()); err != nil {
		_ = conn.Close(connecting)
		return nil, fmt.Errorf("listen: %w", err)
	}
	return conn, nil
}

func exec(ctx context.Context, conn *pgx.Conn, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, listenTimeout)
	defer cancel()
	_, err := conn.Exec(ctx, sql)
	return err
}

// heard drops what is known of the tenant that the payload names; of every tenant when it names none.
func (d *Decider) heard(ctx context.Context, payload string) {
	id, err := tenant.Parse(payload)
	if err != nil {
		d.config.Log.LogAttrs(ctx, slog.LevelWarn, "a notification of changed policies names no tenant", slog.Any("error", err))
		d.cache.forget()
		return
	}
	d.cache.drop(id)
}
