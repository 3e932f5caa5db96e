package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// urlVariable names the environment variable with the superuser's URL on a server for tests.
const urlVariable = "TEST_DATABASE_URL"

// externalPassword is what the roles get on the server of TEST_DATABASE_URL, the same for all test binaries that share it.
const externalPassword = "postgrestest"

// startWithin bounds the start of the server, the fetch of PostgreSQL included.
const startWithin = 5 * time.Minute

// server is what the tests of this binary share.
type server struct {
	admin     *pgxpool.Pool // superuser, maintenance database
	adminURL  string
	passwords func(role string) string
	strategy  string // of CREATE DATABASE

	mu        sync.Mutex
	templates map[string]*template // guarded by mu
}

// shared starts the server once. It is a global because tests of one package have nothing else in common; nothing stops it, since nothing tells
// when the last test has ended: it ends with the process.
var shared = sync.OnceValues(startServer) //nolint:gochecknoglobals // see above

func startServer() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	s := &server{templates: make(map[string]*template)}
	var err error
	if external := os.Getenv(urlVariable); external != "" {
		err = s.useExternal(ctx, external)
	} else {
		err = s.startLocal(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("start database server for tests: %w", err)
	}
	return s, nil
}

func (s *server) connect(ctx context.Context) (err error) {
	if s.admin, err = pgxpool.New(ctx, s.adminURL); err != nil {
		return fmt.Errorf("connect as superuser: %w", err)
	}
	if err := s.admin.Ping(ctx); err != nil {
		s.admin.Close()
		return fmt.Errorf("connect as superuser: %w", err)
	}
	return nil
}

// useExternal takes the server of TEST_DATABASE_URL. It sets the roles' passwords there, so it refuses one on which the platform is installed.
func (s *server) useExternal(ctx context.Context, adminURL string) error {
	if parsed, err := url.Parse(adminURL); err != nil || parsed.Scheme != "postgres" && parsed.Scheme != "postgresql" {
		return errors.New(urlVariable + " is not a URL like postgres://superuser:password@host/postgres")
	}
	s.adminURL, s.strategy = adminURL, "wal_log" // file_copy waits for a checkpoint of the whole server
	s.passwords = func(string) string { return externalPassword }
	if err := s.connect(ctx); err != nil {
		return err
	}
	var installed bool
	err := s.admin.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT FROM pg_database
			WHERE datname IN ('aumos_governance', 'aumos_audit', 'aumos_drift')
		)`).Scan(&installed)
	if err != nil {
		return fmt.Errorf("look for an installation: %w", err)
	}
	if installed {
		return errors.New("the server of " + urlVariable + " holds an installation of the platform: tests would change its roles")
	}
	all := config.Secret(externalPassword)
	return s.locked(ctx, func() error {
		return s.bootstrapRoles(ctx, postgres.RolePasswords{GovernanceApp: all, AuditWriter: all, AuditReader: all, DriftApp: all})
	})
}

func (s *server) bootstrapRoles(ctx context.Context, passwords postgres.RolePasswords) error {
	fsys, err := source("bootstrap")
	if err != nil {
		return err
	}
	conn, err := s.admin.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("bootstrap roles: %w", err)
	}
	defer conn.Release()
	return postgres.BootstrapRoles(ctx, conn.Conn(), fsys, passwords)
}

// lockKey keeps test binaries that share a server apart while they make roles and templates.
const lockKey int64 = 0x61756d6f73_03

// locked runs fn under the lock. It waits on a connection of its own, which its end unlocks: those who wait must not hold the pool's connections,
// which fn needs.
func (s *server) locked(ctx context.Context, fn func() error) (err error) {
	conn, err := pgx.Connect(ctx, s.adminURL)
	if err != nil {
		return fmt.Errorf("take lock: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, lockKey); err != nil {
		return fmt.Errorf("take lock: %w", err)
	}
	return fn()
}

// url returns the URL to connect to a database as a role; an empty role is the superuser.
func (s *server) url(database, role string) string {
	u, err := url.Parse(s.adminURL)
	if err != nil { // it was checked, or made by postgreslocal
		panic(err)
	}
	u.Path = "/" + database
	if role != "" {
		u.User = url.UserPassword(role, s.passwords(role))
	}
	return u.String()
}
