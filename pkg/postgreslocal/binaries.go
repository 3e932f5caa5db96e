package postgreslocal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// binariesVariable names the environment variable that says which PostgreSQL to use.
const binariesVariable = "AUMOS_POSTGRES_BIN"

// oldestMajor is the oldest PostgreSQL that the platform supports.
const oldestMajor = 15

// Binaries are the programs of an installed PostgreSQL.
type Binaries struct {
	// Dir holds initdb and postgres.
	Dir string
	// Version is what postgres says of itself.
	Version string
	// Major is its major version.
	Major int
}

// installed are the places where systems and installers put PostgreSQL, as patterns.
var installed = []string{ //nolint:gochecknoglobals // a constant table
	"/usr/lib/postgresql/*/bin", // Debian
	"/usr/pgsql-*/bin",          // Red Hat
	"/usr/lib/postgresql*/bin",  // SUSE
	"/usr/libexec/postgresql*",  // Alpine
	"/usr/local/pgsql/bin",      // from source
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// Find returns the PostgreSQL to run: the one in dir, or in AUMOS_POSTGRES_BIN when dir is empty, and nothing else if either is set; otherwise
// the first on PATH, then the newest that is installed, then one that it fetches from Maven Central into the user's cache directory.
func Find(ctx context.Context, dir string, log *slog.Logger) (Binaries, error) {
	runner, err := chooseAccount()
	if err != nil {
		return Binaries{}, err
	}
	return find(ctx, runner, dir, 0, log)
}

// find is Find for an account, and for one major version unless major is 0.
func find(ctx context.Context, runner account, dir string, major int, log *slog.Logger) (Binaries, error) {
	if dir == "" {
		dir = os.Getenv(binariesVariable)
	}
	if dir != "" {
		found, err := probe(ctx, runner, dir, major)
		if err != nil {
			return Binaries{}, fmt.Errorf("use PostgreSQL in %s: %w", dir, err)
		}
		return found, nil
	}
	var refused []error
	for _, dir := range candidates() {
		found, err := probe(ctx, runner, dir, major)
		if err == nil {
			return found, nil
		}
		refused = append(refused, fmt.Errorf("%s: %w", dir, err))
	}
	found, err := fetch(ctx, runner, major, log)
	if err != nil {
		return Binaries{}, missing(major, errors.Join(refused...), err)
	}
	return found, nil
}

// candidates lists the directories that hold an initdb, without symbolic links: PATH in its order, then the installed ones, newest first.
func candidates() []string {
	var dirs []string
	add := func(dir string) {
		resolved, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb"))
		if err != nil {
			return
		}
		if dir := filepath.Dir(resolved); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.IsAbs(dir) {
			add(dir)
		}
	}
	for _, pattern := range installed {
		matches, _ := filepath.Glob(pattern) // fails only for a malformed pattern
		slices.SortFunc(matches, func(a, b string) int { return cmp.Compare(versionIn(b), versionIn(a)) })
		for _, dir := range matches {
			add(dir)
		}
	}
	return dirs
}

var number = regexp.MustCompile(`[0-9]+`)

func versionIn(path string) int {
	n, _ := strconv.Atoi(number.FindString(path))
	return n
}

var versionLine = regexp.MustCompile(`^postgres \(PostgreSQL\) ([0-9]+)`)

// probe runs postgres in dir as the account, which also shows that the account can.
func probe(ctx context.Context, runner account, dir string, major int) (Binaries, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return Binaries{}, fmt.Errorf("no initdb: %w", err)
	}
	out, err := runner.command(ctx, filepath.Join(dir, "postgres"), "-V").Output()
	if err != nil {
		return Binaries{}, fmt.Errorf("run postgres -V as %s: %w%s", runner.name, err, stderrOf(err))
	}
	version := strings.TrimSpace(string(out))
	match := versionLine.FindStringSubmatch(version)
	if match == nil {
		return Binaries{}, fmt.Errorf("postgres -V says %q", version)
	}
	found, err := strconv.Atoi(match[1])
	switch {
	case err != nil:
		return Binaries{}, fmt.Errorf("postgres -V says %q: %w", version, err)
	case found < oldestMajor:
		return Binaries{}, fmt.Errorf("it is PostgreSQL %d: the platform needs %d or later", found, oldestMajor)
	case major != 0 && found != major:
		return Binaries{}, fmt.Errorf("it is PostgreSQL %d: the data directory was made by %d", found, major)
	}
	return Binaries{Dir: dir, Version: version, Major: found}, nil
}

func stderrOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return ": " + strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}

// missing says what was looked for and what to do.
func missing(major int, refused, fetched error) error {
	var b strings.Builder
	fmt.Fprintf(&b, "no PostgreSQL to run: looked for initdb and postgres (%s) on PATH and in %s", wanted(major), strings.Join(installed, ", "))
	if refused != nil {
		fmt.Fprintf(&b, "\nfound, but not usable:\n%v", refused)
	}
	fmt.Fprintf(&b, "\ncould not be fetched:\n%v", fetched)
	fmt.Fprintf(&b, "\ninstall it (Debian: apt-get install postgresql; macOS: brew install postgresql@17) or set %s to the directory of initdb and postgres",
		binariesVariable)
	return errors.New(b.String())
}

func wanted(major int) string {
	if major == 0 {
		return fmt.Sprintf("version %d or later", oldestMajor)
	}
	return fmt.Sprintf("version %d, which made the data directory", major)
}
