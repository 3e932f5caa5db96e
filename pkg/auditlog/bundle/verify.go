package bundle

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// Is reports whether a file begins as a zip file does.
func Is(first []byte) bool { return bytes.HasPrefix(first, []byte("PK\x03\x04")) }

// Verify checks all of a bundle: every file against the manifest, the entries as auditlog.VerifyExport does, the older checkpoints, the commitment
// on the platform's log, and the receipts. The keys of opts hold those of the platform's log too. The error is about reading only.
func Verify(r io.ReaderAt, size int64, opts auditlog.Options) (auditlog.Report, error) {
	v := &verifier{opts: opts, sums: map[string]manifestFile{}}
	if err := v.open(r, size); err != nil {
		if v.failed != nil {
			return auditlog.Report{}, fmt.Errorf("read bundle: %w", v.failed)
		}
		return auditlog.Refuse(auditlog.ReasonMalformed, "the bundle: %v", err), nil
	}
	if err := v.verify(); err != nil {
		return auditlog.Report{}, fmt.Errorf("read bundle: %w", err)
	}
	return v.report, nil
}

// OpenExport returns the export that a bundle holds. Nothing of the bundle is verified.
func OpenExport(r io.ReaderAt, size int64) (io.Reader, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	for _, f := range z.File {
		if f.Name == entriesName && f.Method == zip.Store {
			return f.OpenRaw()
		}
	}
	return nil, errors.New("read bundle: it holds no " + entriesName)
}

type verifier struct {
	opts     auditlog.Options
	files    map[string]*zip.File
	order    []*zip.File
	manifest manifest
	sums     map[string]manifestFile // of the files that were read
	problems []string
	report   auditlog.Report
	failed   error // of reading, as told apart from what was read
}

// reading remembers the first error of the underlying reader, which package zip reports like any flaw of the file.
type reading struct {
	r io.ReaderAt
	v *verifier
}

func (r reading) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 { // an offset in the file that makes no sense
		return 0, io.EOF
	}
	n, err := r.r.ReadAt(p, at)
	if err != nil && !errors.Is(err, io.EOF) && r.v.failed == nil {
		r.v.failed = err
	}
	return n, err
}

// open reads the directory and the manifest.
func (v *verifier) open(r io.ReaderAt, size int64) error {
	z, err := zip.NewReader(reading{r: r, v: v}, size)
	if err != nil {
		return err
	}
	if len(z.File) > MaxReceipts+otherFiles || z.Comment != "" {
		return fmt.Errorf("it holds %d files and the comment %q", len(z.File), z.Comment)
	}
	v.files = make(map[string]*zip.File, len(z.File))
	for _, f := range z.File {
		_, isReceipt := receiptIndex(f.Name)
		switch f.Name {
		case readmeName, entriesName, checkpointName, checkpointsName, keysName, platformName, leafName, receiptName, manifestName:
		default:
			if !isReceipt {
				return fmt.Errorf("the file %q does not belong there", f.Name)
			}
		}
		if v.files[f.Name] != nil || f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64 || f.Comment != "" {
			return fmt.Errorf("the file %q is there twice, or not stored as it is", f.Name)
		}
		v.files[f.Name] = f
		v.order = append(v.order, f)
	}
	if err := checkLayout(reading{r: r, v: v}, size, v.order); err != nil {
		return err
	}
	text, err := v.read(manifestName, maxManifest)
	if err != nil {
		return err
	}
	if v.manifest, err = parseManifest(text); err != nil {
		return err
	}
	for _, f := range v.manifest.Files {
		if v.files[f.Name] == nil {
			return fmt.Errorf("the file %q is missing", f.Name)
		}
	}
	if len(v.manifest.Files)+1 != len(v.files) || v.files[entriesName] == nil || v.files[checkpointName] == nil {
		return errors.New("its files are not those of the manifest")
	}
	return nil
}

// read reads a small file. One that is absent is nil.
func (v *verifier) read(name string, limit int64) ([]byte, error) {
	f := v.files[name]
	if f == nil {
		return nil, nil
	}
	in, err := f.OpenRaw()
	if err != nil {
		return nil, err
	}
	sum := newSummed()
	data, err := io.ReadAll(io.TeeReader(io.LimitReader(in, limit+1), sum))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is longer than %d KiB", name, limit>>10)
	}
	v.summed(f, sum)
	return data, nil
}

// summed keeps what was read for the comparison with the manifest. Files are stored as they are, so that they can be read whatever their checksum:
// what is wrong is then known better than that something is.
func (v *verifier) summed(f *zip.File, sum *summed) {
	v.sums[f.Name] = sum.file(f.Name)
	if sum.crc.Sum32() != f.CRC32 {
		v.problem("%s has another checksum", f.Name)
	}
}

// small is read for a file of evidence; what is wrong with it becomes a problem.
func (v *verifier) small(name string) []byte {
	data, err := v.read(name, maxSmall)
	if err != nil {
		v.problem("%v", err)
	}
	return data
}

func (v *verifier) problem(format string, args ...any) {
	if len(v.problems) < 20 {
		v.problems = append(v.problems, fmt.Sprintf(format, args...))
	}
}

func (v *verifier) verify() error {
	_ = v.small(readmeName)
	checkpoint := string(v.small(checkpointName))
	for _, name := range []string{keysName, platformName} {
		if _, err := auditlog.ParseKeys(strings.Fields(string(v.small(name)))...); err != nil {
			v.problem("%s: %v", name, err)
		}
	}
	with := auditlog.With{
		Stored: v.checkpoints(), CommitmentLeaf: v.small(leafName), CommitmentReceipt: string(v.small(receiptName)),
	}
	if err := v.entries(with); err != nil {
		return err
	}
	if v.report.Checkpoint != checkpoint {
		v.problem("the file %s is not the checkpoint of the entries", checkpointName)
	}
	var err error
	if v.report.Receipts, err = v.receipts(checkpoint); err != nil {
		return err
	}
	v.compare()
	for _, p := range v.problems {
		v.report.Note(auditlog.ReasonMalformed, "the bundle: %s", p)
	}
	return v.failed
}

// checkpoints reads the older checkpoints.
func (v *verifier) checkpoints() []string {
	data, err := v.read(checkpointsName, MaxCheckpoints*2048)
	if err != nil {
		v.problem("%v", err)
	}
	var stored []string
	if len(data) > 0 {
		err := auditlog.ReadNotes(bytes.NewReader(data), func(signed string) error {
			stored = append(stored, signed)
			return nil
		})
		switch {
		case err != nil:
			v.problem("%s: %v", checkpointsName, err)
		case checkpointLines(stored) != string(data): // who reads it otherwise is to read the same
			v.problem("%s is not in canonical form", checkpointsName)
		}
	}
	return stored
}

// entries verifies the entries with what came with them.
func (v *verifier) entries(with auditlog.With) error {
	sum := newSummed()
	err := v.readEntries(sum, with)
	switch {
	case v.failed != nil:
		return v.failed
	case err != nil:
		v.problem("%s: %v", entriesName, err)
		v.report = auditlog.Refuse(auditlog.ReasonMalformed, "the entries cannot be read: %v", err)
	}
	v.summed(v.files[entriesName], sum)
	m, r := v.manifest, v.report
	if m.Origin != r.Origin || m.TenantID != r.TenantID || m.FirstIndex != r.FirstIndex || m.Entries != r.Entries || m.TreeSize != r.TreeSize {
		v.problem("the manifest describes other entries")
	}
	return nil
}

func (v *verifier) readEntries(sum *summed, with auditlog.With) error {
	in, err := v.files[entriesName].OpenRaw()
	if err != nil {
		return err
	}
	tee := io.TeeReader(in, sum)
	if v.report, err = auditlog.VerifyExportWith(tee, v.opts, with); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, tee) // what the export does not end with
	return err
}

// receipts checks that the receipts lead to the root that was verified.
func (v *verifier) receipts(checkpoint string) (int64, error) {
	good := int64(0)
	if v.report.Checkpoint == "" {
		return 0, nil // nothing to lead to; there is a finding that says why
	}
	for _, f := range v.order {
		index, ok := receiptIndex(f.Name)
		if !ok {
			continue
		}
		data := v.small(f.Name)
		if v.failed != nil {
			return good, v.failed
		}
		p, err := auditlog.ParseProof(string(data))
		switch {
		case err != nil:
			v.problem("%s: %v", f.Name, err)
		case p.Index != index || p.Checkpoint != checkpoint || len(p.Extra) != tlog.HashSize:
			v.problem("%s is not the receipt of entry %d", f.Name, index)
		case tlog.CheckRecord(p.Hashes, v.report.TreeSize, v.report.RootHash, index, tlog.Hash(p.Extra)) != nil:
			v.report.Note(auditlog.ReasonNotIncluded, "%s: %v", f.Name, auditlog.ErrNotIncluded)
		default:
			good++
		}
	}
	return good, nil
}

// compare compares the files that were read with the manifest.
func (v *verifier) compare() {
	for i, want := range v.manifest.Files {
		if got, ok := v.sums[want.Name]; ok && got != want {
			v.problem("%s is not the file of the manifest", want.Name)
		}
		if v.order[i].Name != want.Name {
			v.problem("%s stands in another place than in the manifest", want.Name)
		}
	}
}
