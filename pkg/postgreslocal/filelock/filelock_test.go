package filelock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/postgreslocal/filelock"
)

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	release, err := filelock.Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Try(path); !errors.Is(err, filelock.ErrHeld) || !strings.HasSuffix(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("second Try: %v, want ErrHeld with the holder's process id", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := filelock.Acquire(ended, path); !errors.Is(err, context.Canceled) || !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("Acquire until its context ends: %v, want context.Canceled and ErrHeld", err)
	}

	acquired := make(chan error, 1)
	go func() {
		release, err := filelock.Acquire(t.Context(), path)
		if err == nil {
			defer release()
		}
		acquired <- err
	}()
	release()
	release() // does nothing
	if err := <-acquired; err != nil {
		t.Errorf("Acquire after release: %v", err)
	}
}

func TestTryReportsWhatIsWrongWithTheFile(t *testing.T) {
	t.Parallel()
	_, err := filelock.Try(filepath.Join(t.TempDir(), "missing", "lock"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want os.ErrNotExist", err)
	}
}
