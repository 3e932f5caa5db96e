package postgreslocal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/porttest"
	"github.com/aumos-enterprise/platform/pkg/postgreslocal"
	"github.com/aumos-enterprise/platform/pkg/postgreslocal/filelock"
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

func TestServerSurvivesCrash(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	first := start(t, options(dir))
	query(t, first, `CREATE TABLE kept AS SELECT 'still here' AS word`)
	if err := syscall.Kill(postmaster(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	if err := first.Stop(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Stop after a crash: %v, want how the server ended", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); err != nil {
		t.Fatalf("the crash left nothing behind: %v", err)
	}
	second, err := postgreslocal.Start(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, second, `SELECT word FROM kept`); got != "still here" {
		t.Errorf("the table holds %q", got)
	}
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
}

// After a crash the process id in postmaster.pid may be another program's.
func TestServerStartsOverStalePIDFile(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	if err := start(t, options(dir)).Stop(); err != nil {
		t.Fatal(err)
	}
	stranger := exec.Command("cat")
	input, err := stranger.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = input.Close()
		if err := stranger.Wait(); err != nil {
			t.Errorf("the stranger was hurt: %v", err)
		}
	}()
	text := fmt.Sprintf("%d\n%s\n1\n5432\n%s\n", stranger.Process.Pid, filepath.Join(dir, "data"), filepath.Join(dir, "run"))
	if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	query(t, start(t, options(dir)), `SELECT 'it answers'`)
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// ownerVariable makes TestOwner the owner of a server in the directory it names.
const ownerVariable = "AUMOS_POSTGRESLOCAL_TEST_OWNER"

// TestOwner is no test: TestServerEndsWithItsOwner runs it in a process of its own.
func TestOwner(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(ownerVariable)
	if dir == "" {
		return
	}
	o := options(dir)
	o.Ephemeral = strings.HasSuffix(dir, "ephemeral")
	server := start(t, o)
	query(t, server, `CREATE TABLE kept AS SELECT 'still here' AS word`)
	fmt.Println("started") //nolint:forbidigo // what the test reads
	<-server.Done()
}

// killOwner starts a process that owns a server in dir, and kills it as the machine's operator would: without a word.
func killOwner(t *testing.T, dir string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	owner := exec.Command(program, "-test.run=^TestOwner$", "-test.v")
	owner.Env = append(os.Environ(), ownerVariable+"="+dir)
	output, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() && lines.Text() != "started" {
	}
	if lines.Text() != "started" {
		t.Fatalf("the owner did not start: %v", owner.Wait())
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, output)
	_ = owner.Wait() // it was killed
}

func TestServerEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	killOwner(t, dir)
	// Start waits for the server that is ending.
	if got := query(t, start(t, options(dir)), `SELECT word FROM kept`); got != "still here" {
		t.Errorf("the table holds %q", got)
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
