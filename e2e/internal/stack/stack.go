// Package stack starts what both services need around them: a PostgreSQL server with the platform's roles and databases, and an issuer of tokens. It
// also says how each service is configured to use them. The development command runs the services in its own process with these settings; the
// end-to-end tests run the real binaries with them.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/devissuer"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgreslocal"
)

// Config says where a stack lives.
type Config struct {
	// Dir keeps the state.
	Dir string
	// IssuerListen is the address of the token issuer.
	IssuerListen string
	// Clients may get tokens, besides the drift service.
	Clients []devissuer.Client
	// DriftSecret is the drift service's client secret.
	DriftSecret config.Secret
	// InputsKey encrypts the tenants' keys for kept inputs; without it no inputs can be kept.
	InputsKey config.Secret
	// Ephemeral is for tests: the database's data goes to a scratch directory, is not synced to disk, and is removed when the process ends.
	Ephemeral bool
	// Log gets what an operator should know.
	Log *slog.Logger
}

// driftClient is the drift service's client id at the issuer.
const driftClient = "aumos-drift"

// Stack is what has been started.
type Stack struct {
	Postgres *postgreslocal.Server
	Issuer   *devissuer.Issuer

	cfg    Config
	issuer *http.Server
	served chan error // what the issuer's server ended with
}

// Start starts the database server and the issuer, and makes roles and databases. Migrations are the services' own business.
func Start(ctx context.Context, cfg Config) (_ *Stack, err error) {
	s := &Stack{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if err := s.startPostgres(ctx); err != nil {
		return nil, err
	}
	if err := postgres.Bootstrap(ctx, s.Postgres.AdminURL(), migrations.Bootstrap(), s.Postgres.RolePasswords()); err != nil {
		return nil, err
	}
	if err := s.startIssuer(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Stack) startPostgres(ctx context.Context) (err error) {
	options := postgreslocal.Options{DataDir: filepath.Join(s.cfg.Dir, "postgres"), Log: s.cfg.Log}
	if s.cfg.Ephemeral {
		options.DataDir, err = os.MkdirTemp(postgreslocal.ScratchDir(), "aumos-e2e-")
		if err != nil {
			return fmt.Errorf("make scratch directory: %w", err)
		}
		if err := os.Chmod(options.DataDir, 0o755); err != nil { // the server runs as another user when this process is root
			return fmt.Errorf("open scratch directory: %w", err)
		}
		options.Ephemeral, options.InitArgs = true, []string{"--no-sync"}
		options.Settings = map[string]string{"fsync": "off"}
	}
	s.Postgres, err = postgreslocal.Start(ctx, options)
	return err
}

// CrashPostgres ends the database server as a failing machine does, and starts it again over what is on disk. Ephemeral stacks leave nothing there.
func (s *Stack) CrashPostgres(ctx context.Context) error {
	if err := s.Postgres.Crash(); err != nil {
		return err
	}
	return s.startPostgres(ctx)
}

func (s *Stack) startIssuer(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.IssuerListen)
	if err != nil {
		return fmt.Errorf("start token issuer: %w", err)
	}
	s.Issuer, err = devissuer.New(devissuer.Config{
		URL:     "http://" + listener.Addr().String(),
		KeyFile: filepath.Join(s.cfg.Dir, "secrets", "issuer-key"),
		Clients: append([]devissuer.Client{
			{ID: driftClient, Secret: s.cfg.DriftSecret, Roles: []auth.Role{auth.RoleService}},
		}, s.cfg.Clients...),
	})
	if err != nil {
		return errors.Join(fmt.Errorf("start token issuer: %w", err), listener.Close())
	}
	s.issuer = &http.Server{Handler: s.Issuer.Handler(), ReadHeaderTimeout: 5 * time.Second}
	s.served = make(chan error, 1)
	go func() { s.served <- s.issuer.Serve(listener) }()
	return nil
}

// Stop stops the issuer and the database server, in this order.
func (s *Stack) Stop() error {
	var problems []error
	if s.issuer != nil {
		problems = append(problems, s.issuer.Close())
		if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
			problems = append(problems, err)
		}
	}
	if s.Postgres != nil {
		problems = append(problems, s.Postgres.Stop())
	}
	return errors.Join(problems...)
}

// TokenURL is the issuer's token endpoint.
func (s *Stack) TokenURL() string { return s.Issuer.URL() + "/token" }

// AdminURL connects to a database as the server's superuser.
func (s *Stack) AdminURL(database string) string {
	u, err := url.Parse(s.Postgres.AdminURL())
	if err != nil { // it is our own text
		panic(fmt.Sprintf("parse administrator's URL: %v", err))
	}
	u.Path = "/" + database
	return u.String()
}
