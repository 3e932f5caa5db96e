package postgreslocal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// superuser is the name of the administrator.
const superuser = "postgres"

// initialize makes the data directory, whole or not at all: a start that was cut off begins again.
func (d directory) initialize(ctx context.Context, runner account, binaries Binaries, secret string, extra []string) error {
	work, err := os.MkdirTemp(string(d), "init-")
	if err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	defer os.RemoveAll(work) //nolint:errcheck // empty after success
	passwordFile := filepath.Join(work, "password")
	if err := os.WriteFile(passwordFile, []byte(secret+"\n"), 0o600); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	for _, path := range []string{work, passwordFile} {
		if err := runner.own(path); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
	}
	data := filepath.Join(work, "data")
	args := append([]string{
		"--pgdata=" + data, "--username=" + superuser, "--pwfile=" + passwordFile, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions",
	}, extra...)
	if out, err := runner.command(ctx, filepath.Join(binaries.Dir, "initdb"), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("make data directory: initdb as %s: %w\n%s", runner.name, err, strings.TrimSpace(string(out)))
	}
	if err := os.Rename(data, d.data()); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	return nil
}
