// Package postgreslocal runs a PostgreSQL server of one's own, for development and tests: it finds or fetches the programs, makes the data
// directory, and ends the server with the process that started it, however that process ends. The server listens on a Unix socket and on
// the loopback interface only, and every role needs its password.
package postgreslocal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// loopback is the only interface that the server listens on.
const loopback = "127.0.0.1"

// Options say where a server lives and how it runs.
type Options struct {
	// DataDir holds everything about the server and survives it. When root starts the server, it runs as an unprivileged user; if that
	// user cannot enter DataDir, a directory among the temporary files takes its place and Log says so.
	DataDir string
	// Binaries is the directory of initdb and postgres. Empty: see Find.
	Binaries string
	// Settings are server parameters by name, for example fsync.
	Settings map[string]string
	// Log gets what an operator should know. The server's own messages go to server.log in DataDir. Nil: nothing is logged.
	Log *slog.Logger
	// InitArgs are further arguments for initdb, for example --no-sync.
	InitArgs []string
	// SocketOnly leaves out the TCP port.
	SocketOnly bool
	// Ephemeral removes DataDir when the server has ended, also when the calling process was killed. That it is gone is seen shortly after Stop.
	Ephemeral bool
}

// Server is a running server.
type Server struct {
	runner  account
	dir     directory
	socket  string // the directory of the Unix socket
	port    int
	tcp     bool
	secret  string
	process *process
	release func() // of the lock on dir
}

// Start starts the server, which it first makes if DataDir has none, and returns when it answers. The data directory is this process's alone until
// Stop. A server that lost its owner is ended first. When the calling process ends without Stop, the server shuts down by itself.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("start local PostgreSQL: %w", err)
	}
	if err := s.launch(ctx, o); err != nil {
		for _, path := range s.garbage(o) { // there may be no watcher that does it
			err = errors.Join(err, os.RemoveAll(path))
		}
		s.release()
		return nil, fmt.Errorf("start local PostgreSQL: %w", err)
	}
	return s, nil
}

// open takes possession of the directory.
func open(ctx context.Context, o Options) (*Server, error) {
	runner, err := chooseAccount()
	if err != nil {
		return nil, err
	}
	dir, err := openDirectory(ctx, runner, o.DataDir, o.Log)
	if err != nil {
		return nil, err
	}
	release, err := dir.acquire()
	if err != nil {
		return nil, err
	}
	socket, err := dir.socketDirectory(runner)
	if err != nil {
		release()
		return nil, err
	}
	return &Server{runner: runner, dir: dir, socket: socket, port: defaultPort, tcp: !o.SocketOnly, release: release}, nil
}

// launch runs the server in its directory.
func (s *Server) launch(ctx context.Context, o Options) error {
	if o.Ephemeral {
		if err := s.runner.own(string(s.dir)); err != nil { // so that the watcher, which is the account, may remove it
			return err
		}
	}
	if err := s.dir.endPredecessor(ctx, s.socket, o.Log); err != nil {
		return err
	}
	binaries, err := s.prepare(ctx, o)
	if err != nil {
		return err
	}
	s.process, err = run(ctx, s.runner, filepath.Join(binaries.Dir, "postgres"), s.arguments(o), s.dir.log(), s.garbage(o))
	if err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return errors.Join(err, s.process.stop())
	}
	o.Log.LogAttrs(ctx, slog.LevelInfo, "PostgreSQL runs", slog.String("version", binaries.Version), slog.String("data", s.dir.data()),
		slog.String("user", s.runner.name), slog.Int("port", s.port), slog.Bool("tcp", s.tcp))
	return nil
}

// prepare finds the programs and makes the data directory if there is none.
func (s *Server) prepare(ctx context.Context, o Options) (Binaries, error) {
	major, err := s.dir.major()
	if err != nil {
		return Binaries{}, err
	}
	binaries, err := find(ctx, s.runner, o.Binaries, major, o.Log)
	if err != nil {
		return Binaries{}, err
	}
	if s.secret, err = s.dir.secret(major == 0); err != nil {
		return Binaries{}, err
	}
	if major == 0 {
		if err := s.dir.initialize(ctx, s.runner, binaries, s.secret, o.InitArgs); err != nil {
			return Binaries{}, err
		}
	}
	if s.tcp {
		s.port, err = s.dir.choosePort(ctx, o.Log)
	}
	return binaries, err
}

// arguments are the server's settings: ours, then those of the options.
func (s *Server) arguments(o Options) []string {
	settings := map[string]string{
		"listen_addresses":        "",
		"port":                    strconv.Itoa(s.port),
		"unix_socket_directories": s.socket,
		"unix_socket_permissions": "0700",
		"password_encryption":     "scram-sha-256",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_destination":         "stderr",
		"logging_collector":       "off",
	}
	if s.tcp {
		settings["listen_addresses"] = loopback
	}
	maps.Copy(settings, o.Settings)
	args := []string{"-D", s.dir.data()}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	return args
}

// garbage lists what is to be removed when the server has ended.
func (s *Server) garbage(o Options) []string {
	if !o.Ephemeral {
		return nil
	}
	return []string{string(s.dir), s.socket}
}

// check connects as the superuser.
func (s *Server) check(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.AdminURL())
	if err != nil {
		return fmt.Errorf("connect to the new server: %w", err)
	}
	return conn.Close(ctx)
}

// AdminURL returns the URL to connect as the superuser, to the maintenance database.
func (s *Server) AdminURL() string { return s.url(superuser, s.secret, "postgres") }

// URL returns the URL to connect to a database as a role that has the password of RolePasswords, or as the superuser.
func (s *Server) URL(database, user string) string {
	if user == superuser {
		return s.url(user, s.secret, database)
	}
	return s.url(user, s.Password(user), database)
}

// RolePasswords returns the passwords to give to postgres.Bootstrap, which are those that URL uses. They are derived from the superuser's, so
// that they stay the same after a restart and no other file has to hold them.
func (s *Server) RolePasswords() postgres.RolePasswords {
	return postgres.RolePasswords{
		GovernanceApp: config.Secret(s.Password(postgres.RoleGovernanceApp)),
		AuditWriter:   config.Secret(s.Password(postgres.RoleAuditWriter)),
		AuditReader:   config.Secret(s.Password(postgres.RoleAuditReader)),
		DriftApp:      config.Secret(s.Password(postgres.RoleDriftApp)),
	}
}

// Password returns the password that RolePasswords has for a role.
func (s *Server) Password(role string) string {
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte("role " + role))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

func (s *Server) url(user, password, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Path: "/" + database}
	query := url.Values{}
	if s.tcp {
		u.Host = net.JoinHostPort(loopback, strconv.Itoa(s.port))
		query.Set("sslmode", "disable") // it never leaves the machine
	} else {
		query.Set("host", s.socket)
		query.Set("port", strconv.Itoa(s.port))
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// Done is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.process.ended }

// Stop ends the server as a fast shutdown does: connections are closed, transactions roll back, nothing that was committed is lost. It returns
// when the server has ended. Later calls do nothing.
func (s *Server) Stop() error {
	defer s.release()
	if err := s.process.stop(); err != nil {
		return fmt.Errorf("stop local PostgreSQL: %w", err)
	}
	return nil
}

// Crash ends the server at once and without a checkpoint, as a failing machine does: its next start recovers from the write-ahead log. It is for tests
// of what survives.
func (s *Server) Crash() error {
	defer s.release()
	if err := s.process.crash(); err != nil {
		return fmt.Errorf("crash local PostgreSQL: %w", err)
	}
	return nil
}
