package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Keys of the advisory locks, arbitrary and unlike those of others.
const (
	bootstrapLock int64 = 0x61756d6f73_01 // "aumos", 1
	migrateLock   int64 = 0x61756d6f73_02
)

// closing bounds clean-up that must run although its context may have ended.
const closing = 5 * time.Second

// lock takes a session-level advisory lock, waiting for its holder. The connection's end releases it too.
func lock(ctx context.Context, conn *pgx.Conn, key int64) (unlock func(), err error) {
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, key); err != nil {
		return nil, fmt.Errorf("take advisory lock: %w", err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, key); err != nil {
			_ = conn.Close(ctx) // a connection that still held the lock would keep others out
		}
	}, nil
}

func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	_ = conn.Close(ctx) // nothing is lost with it
}
