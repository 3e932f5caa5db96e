// Package headstore keeps signed heads outside the database: what a changed log is compared with.
package headstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgreslocal/filelock"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	suffix = ".heads"
	// tailBytes is read from the end of a file to find the last head: many times the length of one.
	tailBytes = 64 << 10
	// lockWait is how long a new process waits for its predecessor to let go of the directory.
	lockWait = 30 * time.Second
)

// Store keeps the heads that this replica signed, outside the database, one file per log to which lines are only ever appended. A head is on
// disk before anybody sees its signature; so whatever happens to the database, nothing is signed that contradicts it.
//
// An operator who has looked into an inconsistency, and decides to go on from the log as it is, moves the log's file away. Without a file the newest
// stored checkpoint of the log counts: where the log contradicts that as well, it has to go first, which takes a superuser.
type Store struct {
	dir     string
	release func()
}

// headLine is a head in a file.
type headLine struct {
	TreeSize   int64     `json:"tree_size"`
	RootHash   tlog.Hash `json:"root_hash"`
	SignedTime time.Time `json:"signed_time"`
	KeyIDs     []string  `json:"key_ids"`
	Note       string    `json:"note"`
}

// Open takes a directory for this process alone, and waits for a predecessor to let go of it.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open signed heads: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	release, err := filelock.Acquire(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open signed heads in %s (each replica needs a directory of its own): %w", dir, err)
	}
	return &Store{dir: dir, release: release}, nil
}

// Close lets go of the directory.
func (s *Store) Close() { s.release() }

func (s *Store) path(id tenant.ID) string { return filepath.Join(s.dir, id.String()+suffix) }

// Tenants lists the logs that have a head.
func (s *Store) Tenants() ([]tenant.ID, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list signed heads: %w", err)
	}
	var ids []tenant.ID
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if id, err := tenant.Parse(name); ok && err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Last returns the last head of a log; ok is false when there is none.
func (s *Store) Last(id tenant.ID) (h auditlog.SignedHead, ok bool, err error) {
	file, err := os.Open(s.path(id))
	if errors.Is(err, os.ErrNotExist) {
		return auditlog.SignedHead{}, false, nil
	}
	if err != nil {
		return auditlog.SignedHead{}, false, fmt.Errorf("read signed head: %w", err)
	}
	defer func() { _ = file.Close() }() // was only read
	h, _, ok, err = lastHead(file)
	if err != nil {
		return auditlog.SignedHead{}, false, fmt.Errorf("read signed head %s: %w", file.Name(), err)
	}
	return h, ok, nil
}

// lastHead reads the last head and returns where the file's sound part ends. A last line that is not whole is what a crash leaves of a write that
// nobody was told of: it does not count. Any other line that does not read is an error.
func lastHead(file *os.File) (h auditlog.SignedHead, end int64, ok bool, err error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return h, 0, false, err
	}
	start := max(0, size-tailBytes)
	tail := make([]byte, size-start)
	if _, err := file.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return h, 0, false, err
	}
	lines := bytes.SplitAfter(tail, []byte("\n"))
	if start > 0 {
		lines = lines[1:] // cut by the window
	}
	end = size
	for _, line := range slices.Backward(lines) {
		if len(line) == 0 {
			continue
		}
		if h, err = parseHeadLine(line); err == nil {
			return h, end, true, nil
		}
		if end != size {
			return h, 0, false, fmt.Errorf("a line that is not the last: %w", err)
		}
		end -= int64(len(line))
	}
	if start > 0 {
		return h, 0, false, errors.New("no head near its end")
	}
	return auditlog.SignedHead{}, end, false, nil
}

func parseHeadLine(line []byte) (auditlog.SignedHead, error) {
	text, whole := bytes.CutSuffix(line, []byte("\n"))
	var l headLine
	if err := json.Unmarshal(text, &l); err != nil || !whole {
		return auditlog.SignedHead{}, errors.Join(err, errors.New("not a whole line"))
	}
	c, err := auditlog.Read(l.Note)
	if err != nil {
		return auditlog.SignedHead{}, err
	}
	if c.Size != l.TreeSize || c.Root != l.RootHash {
		return auditlog.SignedHead{}, errors.New("the note says something else")
	}
	return auditlog.SignedHead{Checkpoint: c, Note: l.Note, KeyIDs: l.KeyIDs, SignedTime: l.SignedTime}, nil
}

// Add appends a head and returns when it is on disk.
func (s *Store) Add(id tenant.ID, h auditlog.SignedHead) (err error) {
	line, err := json.Marshal(headLine{
		TreeSize: h.Checkpoint.Size, RootHash: h.Checkpoint.Root, SignedTime: h.SignedTime, KeyIDs: h.KeyIDs, Note: h.Note,
	})
	if err != nil {
		return fmt.Errorf("write signed head: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write signed head: %w", err)
		}
	}()
	file, err := os.OpenFile(s.path(id), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, end, had, err := lastHead(file)
	if err != nil {
		return err
	}
	if err := file.Truncate(end); err != nil { // what a crash left of a line
		return err
	}
	if _, err := file.WriteAt(append(line, '\n'), end); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if had {
		return nil
	}
	return SyncDirectory(s.dir) // the file is new
}

// SyncDirectory makes the names of the files in a directory last.
func SyncDirectory(path string) (err error) {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	return dir.Sync()
}
