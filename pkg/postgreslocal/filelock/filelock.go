// Package filelock keeps processes of one machine apart by a lock on a file, which the system releases when its holder ends, however it ends.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrHeld says that another process has the lock.
var ErrHeld = errors.New("lock is held")

// poll is how often Acquire tries again: flock(2) can wait, but not for a context.
const poll = 20 * time.Millisecond

// Try takes the lock on the file at path, which it creates, or fails with ErrHeld and the holder's process id.
func Try(path string) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w by process %s", ErrHeld, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The process id is for people; the lock itself needs no content.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return func() { _ = file.Close() }, nil // closing releases the lock
}

// Acquire takes the lock and waits for its holder until ctx ends.
func Acquire(ctx context.Context, path string) (release func(), err error) {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		release, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock: %w: %w", context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}
