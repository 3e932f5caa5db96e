package auditlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxNoteLine bounds a line of a file of checkpoints.
const maxNoteLine = 128 << 10

// ReadNotes reads a file of signed notes and calls each with one after the other: the text of one note or of several, or JSON objects, one a
// line, that have the note under "note", as the platform's files of signed heads and checkpoint logs do. A line that is no JSON is what a crash
// left of one, and is passed over, as long as there are others. What is no note comes as it is: opening it says what is wrong.
func ReadNotes(r io.Reader, each func(signed string) error) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	start, err := lines.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("read checkpoints: the file is empty")
	case err != nil:
		return fmt.Errorf("read checkpoints: %w", err)
	case start[0] == '{':
		return readJSONNotes(lines, each)
	default:
		return readPlainNotes(lines, each)
	}
}

func readJSONNotes(lines *bufio.Reader, each func(string) error) error {
	notes := 0
	for number := 1; ; number++ {
		line, err := noteLine(lines)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			if notes == 0 {
				return errors.New("read checkpoints: no line is whole")
			}
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var l struct {
			Note string `json:"note"`
		}
		switch bad := json.Unmarshal(line, &l); {
		case !json.Valid(line):
			continue
		case bad != nil:
			return fmt.Errorf("read checkpoints: line %d: %w", number, bad)
		case l.Note == "":
			return fmt.Errorf("read checkpoints: line %d has no note", number)
		}
		notes++
		if err := each(l.Note); err != nil {
			return err
		}
	}
}

// readPlainNotes tells notes apart by their last lines: a note ends where lines follow its signatures that are none.
func readPlainNotes(lines *bufio.Reader, each func(string) error) error {
	var signed strings.Builder
	signatures := false
	for {
		line, err := noteLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		done := errors.Is(err, io.EOF) && len(line) == 0
		signature := bytes.HasPrefix(line, []byte("— "))
		if signatures && !signature || done {
			if signed.Len() > 0 {
				if err := each(signed.String()); err != nil {
					return err
				}
			}
			signed.Reset()
		}
		if done {
			return nil
		}
		signatures = signature
		if signed.Len() == 0 && len(bytes.TrimSpace(line)) == 0 {
			continue // between two notes
		}
		if signed.Len()+len(line) > maxNoteLine {
			return errNoteLine
		}
		signed.Write(line)
	}
}

var errNoteLine = fmt.Errorf("read checkpoints: a line or a note has more than %d bytes", maxNoteLine)

// noteLine returns the next line with its newline; the last may lack one, and comes with io.EOF.
func noteLine(lines *bufio.Reader) (line []byte, err error) {
	for {
		part, err := lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxNoteLine:
			return nil, errNoteLine
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("read checkpoints: %w", err)
		}
		return line, err
	}
}
