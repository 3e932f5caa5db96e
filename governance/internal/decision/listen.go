package decision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// pingAfter is how long nothing may be heard before the connection is tried. A connection that is dead in silence is noticed this late.
	pingAfter = time.Second
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
func (d *Decider) listenOnce(ctx context.Context) error {
	conn, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenTimeout)
		defer cancel()
		_ = conn.Close(closing)
	}()
	d.cache.hear() // after LISTEN has returned: what is read from now on cannot miss a change
	d.metrics.listening.Set(1)
	for {
		waiting, cancel := context.WithTimeout(ctx, pingAfter)
		notification, err := conn.WaitForNotification(waiting)
		cancel()
		switch {
		case err == nil:
			d.heard(ctx, notification.Payload)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded):
			if err := exec(ctx, conn, `SELECT`); err != nil {
				return fmt.Errorf("try the listening connection: %w", err)
			}
		default:
			return fmt.Errorf("wait for notifications: %w", err)
		}
	}
}

func (d *Decider) connect(ctx context.Context) (*pgx.Conn, error) {
	connecting, cancel := context.WithTimeout(ctx, listenTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(connecting, d.config.Pool.Config().ConnConfig)
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
		d.cache.hear()
		return
	}
	d.cache.drop(id)
}
