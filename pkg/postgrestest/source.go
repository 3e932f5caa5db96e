package postgrestest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// source returns a directory of the migrations module. It is read from the checkout that the test runs in: this module depends on no other one
// of the repository, so that its commands can be installed with go install.
func source(name string) (fs.FS, error) {
	start, err := os.Getwd() // go test runs in the package's directory
	if err != nil {
		return nil, fmt.Errorf("find migrations: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "migrations", "bootstrap", "roles.sql")); err == nil {
			return os.DirFS(filepath.Join(dir, "migrations", name)), nil
		}
		if dir == filepath.Dir(dir) {
			return nil, fmt.Errorf("find migrations: no directory above %s has them", start)
		}
	}
}

// digest sums up files and words, to name what was made from them.
func digest(fsys fs.FS, words ...string) (string, error) {
	sum := sha256.New()
	for _, word := range words {
		fmt.Fprintf(sum, "%d %s\n", len(word), word)
	}
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return "", fmt.Errorf("digest migrations: %w", err)
	}
	if len(names) == 0 {
		return "", errors.New("digest migrations: there are none")
	}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return "", fmt.Errorf("digest migrations: %w", err)
		}
		fmt.Fprintf(sum, "%s %d %s\n", name, len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}
