// Package publish gives signed heads to sinks: what left the database is what a rewritten history cannot match.
package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/governance/internal/headstore"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// File is a checkpoint log: one file, of all logs, to which a line of JSON is appended for each signed head, and which is meant to be shipped to
// where this machine's administrators cannot change it. It is only ever opened to append, so it may be a file with the append-only attribute; when it
// was renamed away, a new one is begun.
//
// What a crash leaves of a line is ended by the next one's newline: a line that is no JSON counts for nothing, its head comes again in a later one.
type File struct {
	path string

	mu   sync.Mutex
	next *group // what waits until the group under way is on disk

	writing sync.Mutex // guards what follows and the groups' results
	file    *os.File
}

// group is lines that share one write and one sync.
type group struct {
	lines []byte
	done  bool
	err   error
}

// Line is a signed head in a checkpoint log.
type Line struct {
	Time     time.Time `json:"time"` // when it was signed
	Origin   string    `json:"origin"`
	TreeSize int64     `json:"tree_size"`
	RootHash tlog.Hash `json:"root_hash"` // base64
	// Note is the C2SP signed note. The fields above say what it says, for those who search.
	Note string `json:"note"`
}

// OpenFile opens a checkpoint log, or makes it.
func OpenFile(path string) (*File, error) {
	f := &File{path: path}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("open checkpoint log: %w", err)
	}
	return f, nil
}

// Close closes the file.
func (f *File) Close() error {
	f.writing.Lock()
	defer f.writing.Unlock()
	return f.close()
}

// Name implements Sink.
func (f *File) Name() string { return "file" }

// Publish implements Sink. It returns when the line is on disk.
func (f *File) Publish(_ context.Context, _ tenant.ID, head auditlog.SignedHead) error {
	line, err := json.Marshal(Line{
		Time: head.SignedTime.UTC(), Origin: head.Origin, TreeSize: head.Size, RootHash: head.Root, Note: head.Note,
	})
	if err != nil {
		return fmt.Errorf("write checkpoint log: %w", err)
	}
	f.mu.Lock()
	if f.next == nil {
		f.next = &group{}
	}
	g := f.next
	g.lines = append(append(g.lines, line...), '\n')
	f.mu.Unlock()

	f.writing.Lock()
	defer f.writing.Unlock()
	if !g.done { // the first of the group to come here writes for all of it
		f.mu.Lock()
		f.next = nil
		f.mu.Unlock()
		g.err, g.done = f.append(g.lines), true
	}
	return g.err
}

// append makes lines durable. After an error the file is opened anew, which ends a line that was begun.
func (f *File) append(lines []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write checkpoint log: %w", errors.Join(err, f.close()))
		}
	}()
	if err := f.follow(); err != nil {
		return err
	}
	if _, err := f.file.Write(lines); err != nil {
		return err
	}
	return f.file.Sync()
}

// follow opens the path anew unless the open file still stands there.
func (f *File) follow() error {
	if f.file != nil {
		ours, err := f.file.Stat()
		if err != nil {
			return err
		}
		there, err := os.Stat(f.path)
		if err == nil && os.SameFile(ours, there) {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := f.close(); err != nil {
			return err
		}
	}
	return f.open()
}

// open opens the file for appending at the beginning of a line. It holds nothing secret, and who ships it may be another user of the group.
func (f *File) open() (err error) {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", f.path)
	case info.Size() == 0: // perhaps new: its name is to last, too
		err = headstore.SyncDirectory(filepath.Dir(f.path))
	default:
		err = endLine(file, info.Size())
	}
	if err == nil {
		f.file = file
	}
	return err
}

func endLine(file *os.File, size int64) error {
	var last [1]byte
	if _, err := file.ReadAt(last[:], size-1); err != nil {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	_, err := file.WriteString("\n")
	return err
}

func (f *File) close() error {
	if f.file == nil {
		return nil
	}
	file := f.file
	f.file = nil
	return file.Close()
}
