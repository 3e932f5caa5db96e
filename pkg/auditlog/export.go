package auditlog

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// ExportFormat names the format of exports: one JSON object a line. The first line is the header; then comes one line an entry,
//
//	{"leaf_index":0,"leaf":"…","stored_hashes":["…"],"entry":{…},"mismatched_columns":[]}
//
// in the order of leaf_index without gaps; the last line is {"checkpoint":"…"}, the signed note that covers the entries up to the last. A note
// that covers more comes with the proof that the tree up to the last entry is a prefix of its: {"checkpoint":"…","consistency":["…"]}. Bytes
// are standard base64; entry is the leaf in protobuf JSON, for people and for search, or null when the leaf is not an entry. There is no
// freedom in the form, neither white space nor the order of fields: a verifier compares bytes, so that any change to a file shows.
const ExportFormat = "aumos.audit-export/v1"

// maxExportLine bounds a line: a leaf in base64, and the same as JSON with every byte escaped.
const maxExportLine = 1 << 20

// ExportHeader says what an export holds.
type ExportHeader struct {
	// Format is ExportFormat; NewExportWriter sets it.
	Format string `json:"format"`
	// Origin is the log's origin.
	Origin string `json:"origin"`
	// TenantID is the tenant whose log it is.
	TenantID string `json:"tenant_id"`
	// FirstIndex is the index of the first entry. Above 0 the export continues an earlier one.
	FirstIndex int64 `json:"first_index"`
	// PrecedingHashes are the roots of the perfect subtrees before FirstIndex, largest first (Range.Roots), in base64; empty for 0.
	PrecedingHashes []string `json:"preceding_hashes"`
	// Keys are the log's public keys as the exporter was told, for information: a verifier trusts keys that it got another way.
	Keys []string `json:"keys"`
}

type exportEnd struct {
	Checkpoint  string   `json:"checkpoint"`
	Consistency []string `json:"consistency,omitempty"`
}

// ExportWriter writes an export.
type ExportWriter struct {
	out  *bufio.Writer
	next int64
	line []byte
}

// NewExportWriter writes the header.
func NewExportWriter(w io.Writer, h ExportHeader) (*ExportWriter, error) {
	h.Format = ExportFormat
	if h.PrecedingHashes == nil {
		h.PrecedingHashes = []string{}
	}
	if h.Keys == nil {
		h.Keys = []string{}
	}
	x := &ExportWriter{out: bufio.NewWriterSize(w, 1<<16), next: h.FirstIndex}
	return x, x.writeJSON(h)
}

// ContinueExportWriter writes on where an export was interrupted: the next entry is at the index.
func ContinueExportWriter(w io.Writer, next int64) *ExportWriter {
	return &ExportWriter{out: bufio.NewWriterSize(w, 1<<16), next: next}
}

// Next returns the index after the last entry.
func (x *ExportWriter) Next() int64 { return x.next }

// Flush writes everything buffered.
func (x *ExportWriter) Flush() error {
	if err := x.out.Flush(); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// Add writes an entry as the platform returned it. Entries come in the order of the list.
func (x *ExportWriter) Add(e *governancev1.LogEntry) error {
	index := x.next
	if e.GetEntry() != nil { // a row whose leaf says another index than its place shows as a gap
		index = e.GetEntry().GetLeafIndex()
	}
	return x.Write(index, e.GetLeaf(), e.GetStoredHashes(), e.GetMismatchedColumns())
}

// Write writes an entry. leafIndex is where the log has it, whatever the leaf says.
func (x *ExportWriter) Write(leafIndex int64, leaf []byte, storedHashes [][]byte, mismatchedColumns []string) error {
	x.next = leafIndex + 1
	b := append(x.line[:0], entryPrefix...)
	b = strconv.AppendInt(b, leafIndex, 10)
	b = append(b, leafPrefix...)
	b = base64.StdEncoding.AppendEncode(b, leaf)
	b = append(b, hashesPrefix...)
	for i, h := range storedHashes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, h)
		b = append(b, '"')
	}
	b = append(b, textPrefix...)
	b = appendEntryText(b, leaf)
	b = append(b, columnsPrefix...)
	for i, name := range mismatchedColumns {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSONString(b, []byte(name)); err != nil {
			return fmt.Errorf("export entry %d: column name %q", leafIndex, name)
		}
	}
	b = append(b, entrySuffix...)
	b = append(b, '\n')
	x.line = b
	if _, err := x.out.Write(b); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// End writes the checkpoint that covers the entries, with the proof that it does where they end before it, and everything buffered. It does not
// close the underlying writer.
func (x *ExportWriter) End(end LogEnd) error {
	line := exportEnd{Checkpoint: end.Checkpoint}
	for _, h := range end.Consistency {
		line.Consistency = append(line.Consistency, h.String())
	}
	if err := x.writeJSON(line); err != nil {
		return err
	}
	return x.Flush()
}

func (x *ExportWriter) writeJSON(v any) error {
	line, err := canonicalJSON(v)
	if err == nil {
		_, err = x.out.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// parse reads the last line's proof.
func (e exportEnd) parse() (LogEnd, error) {
	end := LogEnd{Checkpoint: e.Checkpoint}
	for _, s := range e.Consistency {
		h, err := parseHash(s)
		if err != nil {
			return end, err
		}
		end.Consistency = append(end.Consistency, h)
	}
	return end, nil
}

// The fixed parts of an entry's line.
const (
	entryPrefix      = `{"leaf_index":`
	leafPrefix       = `,"leaf":"`
	hashesPrefix     = `","stored_hashes":[`
	textPrefix       = `],"entry":`
	columnsPrefix    = `,"mismatched_columns":[`
	entrySuffix      = `]}`
	checkpointPrefix = `{"checkpoint":`
)

// appendEntryText appends the readable form of a leaf.
func appendEntryText(b, leaf []byte) []byte {
	start := len(b)
	b, _, err := appendLeafJSON(b, leaf)
	if err != nil {
		return append(b[:start], "null"...)
	}
	return b
}

// canonicalJSON is encoding/json without HTML escapes.
func canonicalJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// parseCanonical reads a line that canonicalJSON wrote, and nothing else.
func parseCanonical[T any](line []byte) (T, error) {
	var v T
	if err := json.Unmarshal(line, &v); err != nil {
		return v, fmt.Errorf("decode JSON: %w", err)
	}
	again, err := canonicalJSON(v)
	if err != nil {
		return v, err
	}
	if !bytes.Equal(again, line) {
		return v, errors.New("not in canonical form")
	}
	return v, nil
}

// start returns what a verification begins with.
func (h ExportHeader) start() (LogStart, error) {
	tree, err := h.precedingRange()
	if err == nil && h.FirstIndex > maxTreeSize {
		err = fmt.Errorf("the first index is beyond %d", int64(maxTreeSize))
	}
	return LogStart{Origin: h.Origin, TenantID: h.TenantID, Tree: tree}, err
}

// precedingRange reads the tree before the first entry.
func (h ExportHeader) precedingRange() (Range, error) {
	roots := make([]tlog.Hash, len(h.PrecedingHashes))
	for i, s := range h.PrecedingHashes {
		var err error
		if roots[i], err = parseHash(s); err != nil {
			return Range{}, err
		}
	}
	return NewRange(h.FirstIndex, roots)
}
