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
// past row-level security. A server that does not answer is errs.Unavailable.
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

	pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", err)
	}
	if err := checkRole(ctx, pool, cfg.AllowPrivilegedRole); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database pool %s: %w", name, Translate(err))
	}
	return pool, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }

// checkRole connects. A role that may become a privileged one through SET ROLE counts as privileged.
func checkRole(ctx context.Context, pool *pgxpool.Pool, allowPrivileged bool) error {
	var role string
	var privileged bool
	err := pool.QueryRow(ctx, `
		SELECT current_user::text, EXISTS (
			SELECT FROM pg_roles
			WHERE (rolsuper OR rolbypassrls) AND pg_has_role(session_user, oid, 'MEMBER')
		)`).Scan(&role, &privileged)
	if err != nil {
		return fmt.Errorf("check role: %w", err)
	}
	if privileged && !allowPrivileged {
		return fmt.Errorf("role %s bypasses row-level security: connect as the application role", role)
	}
	return nil
}
