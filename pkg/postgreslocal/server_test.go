package postgreslocal_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgreslocal"
	"github.com/aumos-enterprise/platform/pkg/postgreslocal/filelock"
)

func TestServerKeepsDataPortAndPasswordOverRestarts(t *testing.T) {
	t.Parallel()
	dir := withPort(t)
	first := start(t, options(dir))
	query(t, first, `CREATE TABLE kept AS SELECT 'still here' AS word`)
	if got := query(t, first, `SHOW fsync`); got != "off" {
		t.Errorf("fsync is %s: the settings did not arrive", got)
	}
	if got := query(t, first, `SHOW data_checksums`); got != "on" {
		t.Errorf("data_checksums is %s, want on", got)
	}
	if _, err := postgreslocal.Start(t.Context(), options(dir)); !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("a second server on the same directory: %v, want ErrHeld", err)
	}
	for range 2 { // the second does nothing
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	<-first.Done()

	second := start(t, options(dir))
	if second.AdminURL() != first.AdminURL() {
		t.Error("the URL changed over a restart")
	}
	if second.Password("someone") != first.Password("someone") {
		t.Error("a role's password changed over a restart")
	}
	if got := query(t, second, `SELECT word FROM kept`); got != "still here" {
		t.Errorf("the table holds %q", got)
	}
}

func TestServerTakesAnotherPortWhenItsOwnIsTaken(t *testing.T) {
	t.Parallel()
	dir := withPort(t)
	first := start(t, options(dir))
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	old, err := url.Parse(first.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", old.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	second := start(t, options(dir))
	if second.AdminURL() == first.AdminURL() {
		t.Fatal("the port is still the one that is taken")
	}
	query(t, second, `SELECT 'it answers'`)
}

func TestServerIsClosedToOthers(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	server := start(t, options(dir))
	if got := query(t, server, `SHOW listen_addresses`); got != "127.0.0.1" {
		t.Errorf("the server listens on %q", got)
	}
	for _, change := range []func(*url.URL){
		func(u *url.URL) { u.User = url.UserPassword("postgres", "guess") },
		func(u *url.URL) {
			u.Host, u.RawQuery = "", "host="+filepath.Join(dir, "run")+"&port="+u.Port()
			u.User = url.User("postgres")
		},
	} {
		u, err := url.Parse(server.AdminURL())
		if err != nil {
			t.Fatal(err)
		}
		change(u)
		if conn, err := pgx.Connect(t.Context(), u.String()); err == nil {
			t.Errorf("%s lets in without the password", u.Redacted())
			_ = conn.Close(t.Context())
		}
	}
	for name, want := range map[string]os.FileMode{"password": 0o600, "run": 0o700, "data": 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), want)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid == 0 {
		t.Error("the data directory belongs to root")
	}
}

func TestEphemeralServerLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "ephemeral")
	killOwner(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		// The watcher may remove the directory itself only where it may write to its parent.
		left, err := os.ReadDir(dir)
		if errors.Is(err, os.ErrNotExist) || err == nil && len(left) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("left behind: %v", left)
		case <-ticker.C:
		}
	}
}

// Root's directories are often closed to the user that PostgreSQL runs as.
func TestServerMovesWhereItsUserCanEnter(t *testing.T) {
	t.Parallel()
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	o := options(filepath.Join(closed, "state"))
	o.Ephemeral = true
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	data := query(t, start(t, o), `SHOW data_directory`)
	here := strings.HasPrefix(data, closed)
	if root := os.Geteuid() == 0; here == root {
		t.Errorf("started by root %t: the data is in %s, and the directory asked for was in %s", root, data, closed)
	}
	if !strings.Contains(log.String(), filepath.Dir(data)) {
		t.Errorf("the log does not say where the data is: %s", log.String())
	}
}

// Unix limits a socket's path to about a hundred bytes.
func TestServerTakesLongPaths(t *testing.T) {
	t.Parallel()
	o := options(filepath.Join(tempDir(t), strings.Repeat("long-", 20)))
	o.SocketOnly, o.Ephemeral = true, true
	server := start(t, o)
	if got := query(t, server, `SHOW listen_addresses`); got != "" {
		t.Errorf("a server with a socket only listens on %q", got)
	}
}

func TestStartReportsWhatPostgresSays(t *testing.T) {
	t.Parallel()
	o := options(tempDir(t))
	o.Settings["shared_buffers"] = "many"
	_, err := postgreslocal.Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "shared_buffers") || !strings.Contains(err.Error(), "server.log") {
		t.Errorf("error %v, want the server's own message and where there is more", err)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	found, err := postgreslocal.Find(t.Context(), "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		version int // that made the data
		want    string
	}{
		{"data of another version", 99, "made by 99"},
		{"data without its password", found.Major, "password is lost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := options(tempDir(t))
			o.Binaries = found.Dir
			data := filepath.Join(o.DataDir, "data")
			if err := os.Mkdir(data, 0o755); err != nil { // as PostgreSQL's parent
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(strconv.Itoa(c.version)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := postgreslocal.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := postgreslocal.Start(ctx, options(tempDir(t))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
