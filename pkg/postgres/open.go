package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/config"
)

// Config says how a service reaches one of its databases. Zero numbers and durations mean the defaults.
type Config struct {
	URL                      config.Secret `env:"URL" help:"Connection URL: postgres://role:password@host:port/database?sslmode=verify-full."`
	MaxConns                 int32         `env:"MAX_CONNS" envDefault:"16" help:"Most connections of the pool."`
	ConnectTimeout           time.Duration `env:"CONNECT_TIMEOUT" envDefault:"5s" help:"Longest wait for a new connection."`
	StatementTimeout         time.Duration `env:"STATEMENT_TIMEOUT" envDefault:"30s" help:"Longest time that the server spends on one statement."`
	IdleInTransactionTimeout time.Duration `env:"IDLE_IN_TRANSACTION_TIMEOUT" envDefault:"30s" help:"Longest time that a transaction waits for its client before the server ends it."`
	AllowPrivilegedRole      bool          `env:"ALLOW_PRIVILEGED_ROLE" help:"Accept a role that bypasses row-level security. Never in production."`
}

const (
	defaultMaxConns = 16
	defaultConnect  = 5 * time.Second
	defaultTimeout  = 30 * time.Second
	connLifetime    = time.Hour // so that connections follow a failover, a new password and new grants
	connIdle        = 10 * time.Minute
	// flushAfter is what a session writes before it tells the system to begin with the disk. Else Linux keeps written pages for half a minute and writes them
	// all at once, and who waits for a commit meanwhile waits for them, too.
	flushAfter = "512kB"
)

func (c Config) withDefaults() Config {
	if c.MaxConns <= 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = defaultConnect
	}
	if c.StatementTimeout <= 0 {
		c.StatementTimeout = defaultTimeout
	}
	if c.IdleInTransactionTimeout <= 0 {
		c.IdleInTransactionTimeout = defaultTimeout
	}
	return c
}

// Open returns a pool after one connection has answered; name is what the server's activity view shows. It refuses a role that could see
// past row-level security. Commits wait for the disk, even where the server's or the role's settings say otherwise; the URL may ask for more
// (synchronous_commit=remote_apply). It may also say how much a session writes before the disk does (backend_flush_after). A server that does not answer is errs.Unavailable.
func Open(ctx context.Context, cfg Config, name string) (*pgxpool.Pool, error) {
	cfg = cfg.withDefaults()
	poolConfig, err := pgxpool.ParseConfig(cfg.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", err) // pgx redacts the password
	}
	poolConfig.MaxConns = cfg.MaxConns
	poolConfig.MaxConnLifetime = connLifetime
	poolConfig.MaxConnLifetimeJitter = connLifetime / 10
	poolConfig.MaxConnIdleTime = connIdle
	poolConfig.ConnConfig.ConnectTimeout = cfg.ConnectTimeout
	params := poolConfig.ConnConfig.RuntimeParams
	params["application_name"] = name
	params["statement_timeout"] = milliseconds(cfg.StatementTimeout)
	params["idle_in_transaction_session_timeout"] = milliseconds(cfg.IdleInTransactionTimeout)
	params["timezone"] = "UTC"
	if !durable(params["synchronous_commit"]) {
		// Whatever the server, the database or the role say: what a service has answered must survive a crash.
		params["synchronous_commit"] = "on"
	}
	if params["backend_flush_after"] == "" {
		params["backend_flush_after"] = flushAfter
	}

	pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", err)
	}
	if err := check(ctx, pool, cfg.AllowPrivilegedRole); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database pool %s: %w", name, Translate(err))
	}
	return pool, nil
}

// durable reports whether a commit waits for the disk under a value of synchronous_commit, here or on standbys as well.
func durable(synchronousCommit string) bool {
	switch synchronousCommit {
	case "on", "remote_apply", "remote_write", "local":
		return true
	default:
		return false
	}
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }

// check connects and looks at the session. A role that may become a privileged one through SET ROLE counts as privileged. A connection pooler
// may have dropped the parameters that were sent.
func check(ctx context.Context, pool *pgxpool.Pool, allowPrivileged bool) error {
	var role, synchronousCommit string
	var privileged bool
	err := pool.QueryRow(ctx, `
		SELECT current_user::text, current_setting('synchronous_commit'), EXISTS (
			SELECT FROM pg_roles
			WHERE (rolsuper OR rolbypassrls) AND pg_has_role(session_user, oid, 'MEMBER')
		)`).Scan(&role, &synchronousCommit, &privileged)
	switch {
	case err != nil:
		return fmt.Errorf("check session: %w", err)
	case privileged && !allowPrivileged:
		return fmt.Errorf("role %s bypasses row-level security: connect as the application role", role)
	case !durable(synchronousCommit):
		return fmt.Errorf("synchronous_commit is %s although the connection asks for on: commits that were answered would be lost in a crash",
			synchronousCommit)
	}
	return nil
}
