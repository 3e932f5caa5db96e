package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/aumos-enterprise/platform/pkg/postgreslocal"
	"github.com/aumos-enterprise/platform/pkg/postgreslocal/filelock"
)

// unused is how long a prepared data directory stays that no test run has used.
const unused = 7 * 24 * time.Hour

// startLocal starts this binary's own server.
func (s *server) startLocal(ctx context.Context) error {
	local, err := startCopy(ctx)
	if err != nil {
		return err
	}
	s.adminURL, s.strategy, s.passwords = local.AdminURL(), "file_copy", local.Password
	return s.connect(ctx)
}

// startCopy starts a server on a copy of the prepared data directory.
func startCopy(ctx context.Context) (*postgreslocal.Server, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	binaries, err := postgreslocal.Find(ctx, "", log)
	if err != nil {
		return nil, err
	}
	prepared, err := prepare(ctx, binaries, log)
	if err != nil {
		return nil, fmt.Errorf("prepare data directory: %w", err)
	}
	own, err := os.MkdirTemp(postgreslocal.ScratchDir(), "aumos-pg-")
	if err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	if err := os.Chmod(own, 0o755); err != nil { // the server may run as another user
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	// cp keeps owners and modes, on which PostgreSQL insists.
	if out, err := exec.CommandContext(ctx, "cp", "-pR", prepared+"/.", own).CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("copy data directory: %w: %s", err, out), os.RemoveAll(own))
	}
	local, err := postgreslocal.Start(ctx, options(own, binaries, log, true))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(own))
	}
	return local, nil
}

// prepare returns a data directory that has the roles, made by the first test run that needs it.
func prepare(ctx context.Context, binaries postgreslocal.Binaries, log *slog.Logger) (string, error) {
	fsys, err := source("bootstrap")
	if err != nil {
		return "", err
	}
	key, err := digest(fsys, binaries.Dir, binaries.Version, "format 1")
	if err != nil {
		return "", err
	}
	shelf := filepath.Join(os.TempDir(), fmt.Sprintf("aumos-postgrestest-%d", os.Geteuid()))
	if err := postgreslocal.PrivateDir(shelf); err != nil {
		return "", err
	}
	release, err := filelock.Acquire(ctx, filepath.Join(shelf, "lock"))
	if err != nil {
		return "", err
	}
	defer release()
	prepared := filepath.Join(shelf, key)
	now := time.Now()
	if os.Chtimes(prepared, now, now) == nil { // it exists, and is in use
		return prepared, nil
	}
	if err := clearShelf(shelf, now); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(shelf, "new-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(work, 0o755); err != nil { // as above
		return "", err
	}
	if err := initialize(ctx, work, binaries, log); err != nil {
		return "", errors.Join(err, os.RemoveAll(work))
	}
	return prepared, os.Rename(work, prepared)
}

func initialize(ctx context.Context, dir string, binaries postgreslocal.Binaries, log *slog.Logger) (err error) {
	local, err := postgreslocal.Start(ctx, options(dir, binaries, log, false))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Stop()) }()
	s := &server{adminURL: local.AdminURL()}
	if err := s.connect(ctx); err != nil {
		return err
	}
	defer s.admin.Close()
	return s.bootstrapRoles(ctx, local.RolePasswords())
}

// clearShelf removes prepared directories that nobody has used for long, and what was left unfinished.
func clearShelf(shelf string, now time.Time) error {
	entries, err := os.ReadDir(shelf)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && entry.IsDir() && now.Sub(info.ModTime()) > unused {
			err = os.RemoveAll(filepath.Join(shelf, entry.Name()))
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// options are a server's whose data is worth nothing: it never waits for the disk.
func options(dir string, binaries postgreslocal.Binaries, log *slog.Logger, ephemeral bool) postgreslocal.Options {
	return postgreslocal.Options{
		DataDir:  dir,
		Binaries: binaries.Dir,
		Settings: map[string]string{
			"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0",
			"max_connections": "400", "shared_buffers": "64MB", "jit": "off",
		},
		InitArgs:   []string{"--no-sync", "--wal-segsize=1"},
		Log:        log,
		SocketOnly: true,
		Ephemeral:  ephemeral,
	}
}
