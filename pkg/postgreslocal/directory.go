package postgreslocal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/aumos-enterprise/platform/pkg/postgreslocal/filelock"
)

// directory is where a server keeps everything:
//
//	lock      held by the process that runs the server
//	password  the superuser's, mode 0600
//	port      the TCP port, the same after every start while it is free
//	data      PostgreSQL's data directory, owned by the account
//	run       the Unix socket, for the account and the calling user only
//	server.log  PostgreSQL's messages since the last start
type directory string

func (d directory) lock() string     { return filepath.Join(string(d), "lock") }
func (d directory) password() string { return filepath.Join(string(d), "password") }
func (d directory) port() string     { return filepath.Join(string(d), "port") }
func (d directory) data() string     { return filepath.Join(string(d), "data") }
func (d directory) log() string      { return filepath.Join(string(d), "server.log") }

// openDirectory makes the directory and returns it, or another one among the temporary files when the account cannot enter it: root's home,
// for example, is closed to everyone else.
func openDirectory(ctx context.Context, runner account, path string, log *slog.Logger) (directory, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", path, err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil { // the account must enter it; what is secret in it has its own mode
		return "", fmt.Errorf("open %s: %w", path, err)
	}
	if runner.mayEnter(ctx, path) {
		return directory(path), nil
	}
	if ctx.Err() != nil { // which also ends the attempt to enter
		return "", context.Cause(ctx)
	}
	sum := sha256.Sum256([]byte(path))
	other := filepath.Join(os.TempDir(), "aumos-postgres-"+hex.EncodeToString(sum[:4]))
	if err := PrivateDir(other); err != nil {
		return "", err
	}
	if !runner.mayEnter(ctx, other) {
		return "", fmt.Errorf("PostgreSQL runs as %s, which can enter neither %s nor %s: choose a data directory that others may enter",
			runner.name, path, other)
	}
	log.LogAttrs(ctx, slog.LevelWarn, "PostgreSQL's user cannot enter the data directory: using another one",
		slog.String("user", runner.name), slog.String("wanted", path), slog.String("used", other))
	return directory(other), nil
}

// PrivateDir makes a directory that everyone may enter and only the calling user may write to, for a predictable name among the temporary files: it
// refuses what somebody else has put there.
func PrivateDir(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil { // the account must enter it
		return fmt.Errorf("make directory: %w", err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("make directory: %s is somebody else's or open to others", path)
	}
	if err := os.Chmod(path, 0o755); err != nil { // the account must enter it, whatever the umask
		return fmt.Errorf("make directory: %w", err)
	}
	return nil
}

// major returns the major version that made the data, 0 when there is none yet.
func (d directory) major() (int, error) {
	text, err := os.ReadFile(filepath.Join(d.data(), "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read version of data directory: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read version of data directory: %w", err)
	}
	return major, nil
}

// secret returns the superuser's password, which it makes before there is data.
func (d directory) secret(fresh bool) (string, error) {
	text, err := os.ReadFile(d.password())
	switch {
	case err == nil:
		return strings.TrimSpace(string(text)), nil
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("read superuser password: %w", err)
	case !fresh:
		return "", fmt.Errorf("the superuser's password is lost: restore %s, or remove %s to start with an empty server", d.password(), d)
	}
	secret := rand.Text() + rand.Text()
	if err := writeFile(d.password(), secret); err != nil {
		return "", fmt.Errorf("keep superuser password: %w", err)
	}
	return secret, nil
}

// writeFile replaces a small private file, whole or not at all.
func writeFile(path, text string) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, []byte(text+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// defaultPort names the socket of a server that has no TCP port.
const defaultPort = 5432

// maxSocketPath is the longest path of a Unix socket that every system takes (sun_path has 104 bytes on macOS, 108 on Linux).
const maxSocketPath = 100

func socketName(port int) string { return ".s.PGSQL." + strconv.Itoa(port) }

// socketDirectory makes the directory of the Unix socket, elsewhere when the path here would be too long for a socket.
func (d directory) socketDirectory(runner account) (string, error) {
	dir := filepath.Join(string(d), "run")
	if len(filepath.Join(dir, socketName(65535))) > maxSocketPath {
		sum := sha256.Sum256([]byte(d))
		dir = filepath.Join("/tmp", "aumos-run-"+hex.EncodeToString(sum[:6]))
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("make socket directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("make socket directory: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || !runner.is(int(stat.Uid)) && int(stat.Uid) != os.Geteuid() {
		return "", fmt.Errorf("make socket directory: %s is somebody else's", dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return "", fmt.Errorf("make socket directory: %w", err)
	}
	return dir, runner.own(dir)
}

// acquire makes the directory this process's alone until release.
func (d directory) acquire() (release func(), err error) {
	release, err = filelock.Try(d.lock())
	if err != nil {
		return nil, fmt.Errorf("the data directory %s is in use: %w", d, err)
	}
	return release, nil
}
