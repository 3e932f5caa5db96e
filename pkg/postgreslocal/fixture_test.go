package postgreslocal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/porttest"
	"github.com/aumos-enterprise/platform/pkg/postgreslocal"
)

// options are for a server in dir that loses nothing but a test when the machine crashes.
func options(dir string) postgreslocal.Options {
	return postgreslocal.Options{
		DataDir:  dir,
		Settings: map[string]string{"fsync": "off"},
		InitArgs: []string{"--no-sync"},
	}
}

// withPort returns a directory whose server takes a port that nobody gets by chance while it is down.
func withPort(t *testing.T) string {
	t.Helper()
	dir := tempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "port"), []byte(strconv.Itoa(porttest.Free(t))), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tempDir returns a directory that PostgreSQL's user may enter: those of testing are closed to everyone else.
func tempDir(t *testing.T) string {
	t.Helper()
	return tempDirIn(t, postgreslocal.ScratchDir())
}

func tempDirIn(t *testing.T, parent string) string {
	t.Helper()
	dir, err := os.MkdirTemp(parent, "aumos-test-") //nolint:usetesting // see tempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, o postgreslocal.Options) *postgreslocal.Server {
	t.Helper()
	server, err := postgreslocal.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// query runs a statement as the superuser and returns its single value.
func query(t *testing.T, server *postgreslocal.Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var value string
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}
