package auditlog

import (
	"errors"
	"fmt"
	"io"
)

// ExportState says how far an export has come, so that another continues it.
type ExportState struct {
	// Header is the export's.
	Header ExportHeader
	// Tree is the log's tree up to the last whole entry, computed from the entries: its size is the index that comes next.
	Tree Range
	// Length is how many bytes the header and the whole entries take.
	Length int64
	// Whole reports whether the export ends with its checkpoint.
	Whole bool
}

// ReadExportState reads an export, complete or interrupted, and checks that it holds together. What was interrupted in the middle of a line counts
// up to the line before.
func ReadExportState(r io.Reader) (ExportState, error) {
	x := newExportReader(r, Options{})
	x.interrupted = true
	if err := x.read(); err != nil {
		return ExportState{}, err
	}
	if !x.opened {
		return ExportState{}, errNoExport
	}
	for _, f := range x.report.Findings {
		if f.Certain() {
			return ExportState{}, fmt.Errorf("read export: it was altered: %s", f)
		}
	}
	if x.broken {
		return ExportState{}, errNoExport
	}
	return ExportState{Header: x.header, Tree: x.tree.Clone(), Length: x.sound, Whole: x.whole}, nil
}

var errNoExport = errors.New("read export: it has no header of the format " + ExportFormat)

// HeaderAt returns the header of an export that begins after a tree.
func HeaderAt(origin, tenantID string, before Range) ExportHeader {
	return ExportHeader{Origin: origin, TenantID: tenantID, FirstIndex: before.Size(), PrecedingHashes: before.hashTexts()}
}

func (r *Range) hashTexts() []string {
	texts := make([]string, len(r.roots))
	for i, h := range r.roots {
		texts[i] = h.String()
	}
	return texts
}
