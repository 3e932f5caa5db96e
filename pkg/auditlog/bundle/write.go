package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// Content is what a bundle is made of.
type Content struct {
	// Export opens a complete export; it is read twice where Scratch is set.
	Export func() (io.ReadCloser, error)
	// Checkpoints are older ones of the same log, newest first; those that the entries do not reach are left out.
	Checkpoints []string
	// Keys and PlatformKeys are the public keys as the platform told them.
	Keys, PlatformKeys []string
	// CommitmentLeaf and CommitmentReceipt show the checkpoint on the platform's log, where there is one.
	CommitmentLeaf    []byte
	CommitmentReceipt string
	// Scratch, when set, asks for a receipt of each entry; see auditlog.ReceiptsFromExport.
	Scratch auditlog.Scratch
}

// Write writes a bundle.
func Write(w io.Writer, c Content) error {
	b := &writer{zip: zip.NewWriter(w)}
	if err := b.write(c); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

type writer struct {
	zip   *zip.Writer
	files []manifestFile
}

func (b *writer) write(c Content) error {
	report, err := b.entries(c)
	if err != nil {
		return err
	}
	for _, f := range []struct{ name, text string }{
		{checkpointName, report.Checkpoint},
		{checkpointsName, older(c.Checkpoints, report)},
		{keysName, lines(c.Keys)},
		{platformName, lines(c.PlatformKeys)},
		{leafName, string(c.CommitmentLeaf)},
		{receiptName, c.CommitmentReceipt},
	} {
		if f.text == "" {
			continue
		}
		if err := b.file(f.name, []byte(f.text)); err != nil {
			return err
		}
	}
	if c.Scratch != nil {
		if err := b.receipts(c); err != nil {
			return err
		}
	}
	m := manifest{
		Format: Format, Origin: report.Origin, TenantID: report.TenantID, FirstIndex: report.FirstIndex, Entries: report.Entries,
		TreeSize: report.TreeSize, Files: b.files,
	}
	text, err := m.text()
	if err != nil {
		return err
	}
	if err := b.file(manifestName, text); err != nil {
		return err
	}
	return b.zip.Close()
}

// create begins a file. With no time but the first that zip knows, and without compression, its bytes depend on the content alone.
func (b *writer) create(name string) (io.Writer, error) {
	return b.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
}

func (b *writer) file(name string, data []byte) error {
	return b.copy(name, bytes.NewReader(data))
}

func (b *writer) copy(name string, r io.Reader) error {
	w, err := b.create(name)
	if err != nil {
		return err
	}
	sum := newSummed()
	if _, err := io.Copy(io.MultiWriter(w, sum), r); err != nil {
		return err
	}
	b.files = append(b.files, sum.file(name))
	return nil
}

// entries writes the export, and checks on the way that it holds together: a bundle is not the place to find out.
func (b *writer) entries(c Content) (report auditlog.Report, err error) {
	if err := b.file(readmeName, []byte(readme)); err != nil {
		return report, err
	}
	in, err := c.Export()
	if err != nil {
		return report, err
	}
	defer func() { _ = in.Close() }() // was only read
	w, err := b.create(entriesName)
	if err != nil {
		return report, err
	}
	sum := newSummed()
	tee := io.TeeReader(in, io.MultiWriter(w, sum))
	if report, err = auditlog.VerifyExport(tee, auditlog.Options{}); err != nil {
		return report, err
	}
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return report, err
	}
	b.files = append(b.files, sum.file(entriesName))
	if report.Checkpoint == "" {
		return report, errors.New("the export has no checkpoint")
	}
	return report, nil
}

// receipts writes a receipt of each entry.
func (b *writer) receipts(c Content) error {
	in, err := c.Export()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // was only read
	count := 0
	return auditlog.ReceiptsFromExport(in, c.Scratch, func(index int64, receipt string) error {
		if count++; count > MaxReceipts {
			return fmt.Errorf("receipts of more than %d entries are asked for: export a part, or make them with audit prove --from-export", MaxReceipts)
		}
		return b.file(receiptFile(index), []byte(receipt))
	})
}

// older are the checkpoints that the entries can be compared with.
func older(checkpoints []string, r auditlog.Report) string {
	var kept []string
	for i, signed := range checkpoints {
		c, err := auditlog.Read(signed)
		if i >= MaxCheckpoints || err == nil && (c.Size < r.FirstIndex || c.Size > r.FirstIndex+r.Entries) {
			continue
		}
		kept = append(kept, signed)
	}
	return checkpointLines(kept)
}

// checkpointLines are checkpoints as a bundle has them, one JSON object a line.
func checkpointLines(checkpoints []string) string {
	var b bytes.Buffer
	for _, signed := range checkpoints {
		c, _ := auditlog.Read(signed) // what is wrong with it, the verifier says
		line, err := json.Marshal(struct {
			TreeSize int64  `json:"tree_size"`
			Note     string `json:"note"`
		}{c.Size, signed})
		if err != nil {
			continue // strings and numbers always encode
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func lines(texts []string) string {
	var b bytes.Buffer
	for _, t := range texts {
		b.WriteString(t + "\n")
	}
	return b.String()
}
