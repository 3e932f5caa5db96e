package audit

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
	headSuffix = ".heads"
	// headTail is read from the end of a file to find the last head: many times the length of one.
	headTail = 64 << 10
	// lockWait is how long a new process waits for its predecessor to let go of the directory.
	lockWait = 30 * time.Second
)

// headStore keeps the heads that this replica signed, outside the database, one file per log to which lines are only ever appended. A head is on
// disk before anybody sees its signature; so whatever happens to the database, nothing is signed that contradicts it.
//
// An operator who has looked into an inconsistency, and decides to go on from the log as it is, moves the log's file away. Without a file the newest
// stored checkpoint of the log counts (lastHead): where the log contradicts that as well, it has to go first, which takes a superuser.
type headStore struct {
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

func openHeadStore(ctx context.Context, dir string) (*headStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open signed heads: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	release, err := filelock.Acquire(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open signed heads in %s (each replica needs a directory of its own): %w", dir, err)
	}
	return &headStore{dir: dir, release: release}, nil
}

func (s *headStore) close() { s.release() }

func (s *headStore) path(id tenant.ID) string { return filepath.Join(s.dir, id.String()+headSuffix) }

// tenants lists the logs that have a head.
func (s *headStore) tenants() ([]tenant.ID, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list signed heads: %w", err)
	}
	var ids []tenant.ID
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), headSuffix)
		if id, err := tenant.Parse(name); ok && err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// last returns the last head of a log; ok is false when there is none.
func (s *headStore) last(id tenant.ID) (h SignedHead, ok bool, err error) {
	file, err := os.Open(s.path(id))
	if errors.Is(err, os.ErrNotExist) {
		return SignedHead{}, false, nil
	}
	if err != nil {
		return SignedHead{}, false, fmt.Errorf("read signed head: %w", err)
	}
	defer func() { _ = file.Close() }() // was only read
	h, _, ok, err = lastHead(file)
	if err != nil {
		return SignedHead{}, false, fmt.Errorf("read signed head %s: %w", file.Name(), err)
	}
	return h, ok, nil
}

// lastHead reads the last head and returns where the file's sound part ends. A last line that is not whole is what a crash leaves of a write that
// nobody was told of: it does not count. Any other line that does not read is an error.
func lastHead(file *os.File) (h SignedHead, end int64, ok bool, err error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return h, 0, false, err //nolint:wrapcheck // by the callers
	}
	start := max(0, size-headTail)
	tail := make([]byte, size-start)
	if _, err := file.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return h, 0, false, err //nolint:wrapcheck // by the callers
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
	return SignedHead{}, end, false, nil
}

func parseHeadLine(line []byte) (SignedHead, error) {
	text, whole := bytes.CutSuffix(line, []byte("\n"))
	var l headLine
	if err := json.Unmarshal(text, &l); err != nil || !whole {
		return SignedHead{}, errors.Join(err, errors.New("not a whole line"))
	}
	c, err := auditlog.Read(l.Note)
	if err != nil {
		return SignedHead{}, err
	}
	if c.Size != l.TreeSize || c.Root != l.RootHash {
		return SignedHead{}, errors.New("the note says something else")
	}
	return SignedHead{Checkpoint: c, Note: l.Note, KeyIDs: l.KeyIDs, SignedTime: l.SignedTime}, nil
}

// add appends a head and returns when it is on disk.
func (s *headStore) add(id tenant.ID, h SignedHead) (err error) {
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
	return syncDirectory(s.dir) // the file is new
}

func syncDirectory(path string) (err error) {
	dir, err := os.Open(path)
	if err != nil {
		return err //nolint:wrapcheck // by the caller
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	return dir.Sync()
}
