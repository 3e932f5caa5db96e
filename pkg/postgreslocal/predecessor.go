package postgreslocal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	predecessorPoll = 20 * time.Millisecond
	predecessorEnds = 30 * time.Second // how long a fast shutdown may take
)

// endPredecessor waits until no server runs on the data directory. The caller holds the lock, so a server that still runs has lost its owner and is
// on its way out, or is told to go. A postmaster.pid that a crash left behind is removed when its process id is another program's now;
// PostgreSQL itself handles one whose process is gone.
func (d directory) endPredecessor(ctx context.Context, socketDir string, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, predecessorEnds)
	defer cancel()
	ticker := time.NewTicker(predecessorPoll)
	defer ticker.Stop()
	pidFile := filepath.Join(d.data(), "postmaster.pid")
	told := false
	for {
		pid, port := readPostmaster(pidFile)
		if pid == 0 || syscall.Kill(pid, 0) != nil {
			return nil
		}
		if !isPostgres(ctx, pid) {
			log.LogAttrs(ctx, slog.LevelWarn, "removing what a crash left behind", slog.String("file", pidFile), slog.Int("pid", pid))
			if err := os.Remove(pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("remove stale file: %w", err)
			}
			return nil
		}
		if !told && answers(ctx, filepath.Join(socketDir, socketName(port))) { // else it has closed its socket and is about to end
			log.LogAttrs(ctx, slog.LevelWarn, "a server without an owner runs on the data directory: ending it", slog.Int("pid", pid))
			if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("end server %d: %w", pid, err)
			}
			told = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the data directory %s is in use by process %d: end it, or remove %s if that process has nothing to do with it: %w",
				d.data(), pid, pidFile, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// readPostmaster returns the process id and the port in a postmaster.pid (its first and fourth line), 0 when there is none.
func readPostmaster(path string) (pid, port int) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0
	}
	lines := strings.Split(string(text), "\n")
	if pid, err = strconv.Atoi(strings.TrimSpace(lines[0])); err != nil {
		return 0, 0
	}
	if len(lines) > 3 {
		port, _ = strconv.Atoi(strings.TrimSpace(lines[3])) // not written yet: nothing answers there
	}
	return pid, port
}

// answers reports whether a server listens on the socket, which is private to this data directory.
func answers(ctx context.Context, socket string) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// isPostgres reports whether the process is a PostgreSQL server by its name; true when that cannot be told.
func isPostgres(ctx context.Context, pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		name, err = exec.CommandContext(ctx, "ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	}
	base := filepath.Base(strings.TrimSpace(string(name)))
	return err != nil || base == "postgres" || base == "postmaster"
}
