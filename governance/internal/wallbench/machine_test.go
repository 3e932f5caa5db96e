package wallbench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// describe names what the numbers depend on.
func describe(b *testing.B, admin *pgx.Conn) string {
	b.Helper()
	var version, fsync, synchronous, sync string
	err := admin.QueryRow(b.Context(), `
		SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
			current_setting('wal_sync_method')`).Scan(&version, &fsync, &synchronous, &sync)
	if err != nil {
		b.Fatal(err)
	}
	if fsync != "on" || synchronous != "on" {
		b.Fatalf("fsync is %s and synchronous_commit is %s: what is measured must survive a crash", fsync, synchronous)
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		kernel = []byte(runtime.GOOS)
	}
	number, _, _ := strings.Cut(version, " ")
	return fmt.Sprintf("%s, %d cores for PostgreSQL, the service and the load together; %s %s; PostgreSQL %s with fsync and full_page_writes on (%s), "+
		"shared_buffers 256 MB; %s.", processor(), runtime.NumCPU(), runtime.GOOS, strings.TrimSpace(string(kernel)), number, sync, runtime.Version())
}

// processor is the model that Linux names.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
