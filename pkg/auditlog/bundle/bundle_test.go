package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auditlog/bundle"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const prefix = "audit.example.com/log"

var owner = tenant.ID(uuid.MustParse("0190a000-0000-7000-8000-00000000000a"))

// memory is a log in memory.
type memory struct {
	tb    testing.TB
	id    tenant.ID
	tree  auditlog.Range
	rows  []auditlog.Row
	notes []string // a checkpoint after each entry
}

func key(tb testing.TB, seed byte) auditlog.SigningKey {
	tb.Helper()
	keys, err := auditlog.ParseSigningKeys(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		tb.Fatal(err)
	}
	return keys[0]
}

func vkey(tb testing.TB, id tenant.ID) string {
	tb.Helper()
	text, err := key(tb, 1).VKey(auditlog.Origin(prefix, id))
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func (m *memory) add(e auditlog.Entry) {
	m.tb.Helper()
	e.TenantID, e.LeafIndex = m.id, m.tree.Size()
	e.RecordedTime = time.Date(2026, 3, 1, 12, 0, int(e.LeafIndex), 0, time.UTC)
	leaf, err := e.Marshal()
	if err != nil {
		m.tb.Fatal(err)
	}
	row := auditlog.Row{LeafIndex: e.LeafIndex, Leaf: leaf}
	for _, h := range m.tree.Append(nil, auditlog.LeafHash(leaf)) {
		row.StoredHashes = append(row.StoredHashes, append([]byte(nil), h[:]...))
	}
	m.rows = append(m.rows, row)
	signed, _, err := auditlog.Checkpoint{Origin: auditlog.Origin(prefix, m.id), Size: m.tree.Size(), Root: m.tree.Root()}.Sign(key(m.tb, 1))
	if err != nil {
		m.tb.Fatal(err)
	}
	m.notes = append(m.notes, signed)
}

func newLog(tb testing.TB, id tenant.ID, n int) *memory {
	tb.Helper()
	m := &memory{tb: tb, id: id}
	for i := range n {
		m.add(auditlog.Entry{
			EntryID: uuid.MustParse(fmt.Sprintf("0190a000-0000-7000-9000-%012x", i+1)), EventType: "a.b", Action: "a.b", Outcome: auditlog.Success,
			Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "u"}, Resource: auditlog.Resource{Type: "r", ID: strconv.Itoa(i)}, SourceService: "s",
		})
	}
	return m
}

func (m *memory) export() []byte {
	m.tb.Helper()
	var b bytes.Buffer
	x, err := auditlog.NewExportWriter(&b, auditlog.ExportHeader{Origin: auditlog.Origin(prefix, m.id), TenantID: m.id.String(), Keys: []string{vkey(m.tb, m.id)}})
	if err != nil {
		m.tb.Fatal(err)
	}
	for _, r := range m.rows {
		if err := x.Write(r.LeafIndex, r.Leaf, r.StoredHashes, nil); err != nil {
			m.tb.Fatal(err)
		}
	}
	if err := x.End(auditlog.LogEnd{Checkpoint: m.notes[len(m.notes)-1]}); err != nil {
		m.tb.Fatal(err)
	}
	return b.Bytes()
}

type scratch struct{ bytes.Buffer }

func (s *scratch) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(s.Bytes()).ReadAt(p, at)
}

// content is that of a bundle with everything there can be.
func content(tb testing.TB, n int) bundle.Content {
	tb.Helper()
	log := newLog(tb, owner, n)
	head, err := auditlog.Read(log.notes[n-1])
	if err != nil {
		tb.Fatal(err)
	}
	platform := newLog(tb, auditlog.PlatformTenant, 2)
	platform.add(auditlog.NewCommitment(owner, head))
	receipt, leaf, err := auditlog.ProveFromExport(bytes.NewReader(platform.export()), 2)
	if err != nil {
		tb.Fatal(err)
	}
	older := append([]string(nil), log.notes[:n-1]...)
	for i := range len(older) / 2 {
		older[i], older[len(older)-1-i] = older[len(older)-1-i], older[i]
	}
	export := log.export()
	return bundle.Content{
		Export:      func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(export)), nil },
		Checkpoints: older, Keys: []string{vkey(tb, owner)}, PlatformKeys: []string{vkey(tb, auditlog.PlatformTenant)},
		CommitmentLeaf: leaf, CommitmentReceipt: receipt, Scratch: new(scratch),
	}
}

func pack(tb testing.TB, c bundle.Content) []byte {
	tb.Helper()
	var b bytes.Buffer
	if c.Scratch != nil {
		c.Scratch = new(scratch)
	}
	if err := bundle.Write(&b, c); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func options(tb testing.TB) auditlog.Options {
	tb.Helper()
	ring, err := auditlog.ParseKeys(vkey(tb, owner), vkey(tb, auditlog.PlatformTenant))
	if err != nil {
		tb.Fatal(err)
	}
	return auditlog.Options{Keys: ring}
}

func verify(tb testing.TB, file []byte, opts auditlog.Options) auditlog.Report {
	tb.Helper()
	r, err := bundle.Verify(bytes.NewReader(file), int64(len(file)), opts)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestBundle(t *testing.T) {
	t.Parallel()
	const n = 9
	c := content(t, n)
	file := pack(t, c)
	if !bytes.Equal(file, pack(t, c)) {
		t.Error("the same content gives other bytes")
	}
	r := verify(t, file, options(t))
	if r.Verdict != auditlog.Verified || r.Entries != n || r.Receipts != n || r.StoredCheckpoints != n-1 || r.CommittedHeads != 1 {
		t.Errorf("%+v", r)
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	want := "README.txt entries.jsonl checkpoint checkpoints.jsonl keys.vkey platform.vkey commitment.leaf commitment.tlog-proof " +
		"receipts/000000000000.tlog-proof receipts/000000000001.tlog-proof"
	if got := strings.Join(names, " "); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " manifest.json") {
		t.Errorf("files: %s", got)
	}
	in, err := bundle.OpenExport(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := auditlog.VerifyExport(in, options(t)); err != nil || r.Verdict != auditlog.Verified {
		t.Errorf("the export in the bundle: %+v, %v", r, err)
	}
	if r := verify(t, file, auditlog.Options{}); r.Verdict != auditlog.CannotVerify {
		t.Errorf("without a key: %+v", r)
	}
	plain := bundle.Content{Export: c.Export}
	if r := verify(t, pack(t, plain), options(t)); r.Verdict != auditlog.Verified || r.Receipts+int64(r.StoredCheckpoints+r.CommittedHeads) != 0 {
		t.Errorf("with the entries alone: %+v", r)
	}
}

// contents are the files of a bundle by name, or nil where it cannot be read. What the zip format says of them a second time is no content.
func contents(file []byte) map[string]string {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil
	}
	all := map[string]string{}
	for _, f := range z.File {
		in, err := f.OpenRaw()
		if err != nil {
			return nil
		}
		data, err := io.ReadAll(in)
		if err != nil {
			return nil
		}
		all[f.Name] = string(data)
	}
	return all
}

// TestBundleBitFlips changes a bit of every fifth byte: a bundle that still verifies has the same files.
func TestBundleBitFlips(t *testing.T) {
	t.Parallel()
	file := pack(t, content(t, 2))
	want := fmt.Sprint(contents(file))
	opts := options(t)
	for i := 0; i < len(file); i += 5 {
		file[i] ^= 1 << (i % 8)
		if r := verify(t, file, opts); r.Verdict == auditlog.Verified && fmt.Sprint(contents(file)) != want {
			t.Errorf("verified with byte %d changed: %q", i, file[max(0, i-20):min(len(file), i+20)])
		}
		file[i] ^= 1 << (i % 8)
	}
}

// TestBundleFindsChanges repacks a bundle with other content and a manifest that fits.
func TestBundleFindsChanges(t *testing.T) {
	t.Parallel()
	const n = 5
	base := content(t, n)
	other := newLog(t, owner, n+1)
	for name, tc := range map[string]struct {
		change func(c *bundle.Content)
		want   auditlog.Reason
	}{
		"a stored checkpoint of another history": {func(c *bundle.Content) {
			forged, _, err := auditlog.Checkpoint{Origin: auditlog.Origin(prefix, owner), Size: 3, Root: [32]byte{1}}.Sign(key(t, 1))
			if err != nil {
				t.Fatal(err)
			}
			c.Checkpoints = []string{forged}
		}, auditlog.ReasonCheckpointConflict},
		"a stored checkpoint that is none": {func(c *bundle.Content) { c.Checkpoints = []string{"x"} }, auditlog.ReasonMalformed},
		"a commitment to another head": {func(c *bundle.Content) {
			head, err := auditlog.Read(other.notes[n])
			if err != nil {
				t.Fatal(err)
			}
			platform := newLog(t, auditlog.PlatformTenant, 0)
			platform.add(auditlog.NewCommitment(owner, head))
			if c.CommitmentReceipt, c.CommitmentLeaf, err = auditlog.ProveFromExport(bytes.NewReader(platform.export()), 0); err != nil {
				t.Fatal(err)
			}
		}, auditlog.ReasonCheckpointConflict},
		"a commitment whose leaf is another": {func(c *bundle.Content) { c.CommitmentLeaf = other.rows[0].Leaf }, auditlog.ReasonCommitment},
		"a commitment without its receipt":   {func(c *bundle.Content) { c.CommitmentReceipt = "" }, auditlog.ReasonMalformed},
		"keys that are none":                 {func(c *bundle.Content) { c.Keys = []string{"x"} }, auditlog.ReasonMalformed},
	} {
		c := base
		tc.change(&c)
		r := verify(t, pack(t, c), options(t))
		found := false
		for _, f := range r.Findings {
			found = found || f.Reason == tc.want
		}
		if r.Verdict != auditlog.Tampered || !found {
			t.Errorf("%s: %v %v, want %s", name, r.Verdict, r.Findings, tc.want)
		}
	}
}

// TestBundleRefuses packs files that do not belong together.
func TestBundleRefuses(t *testing.T) {
	t.Parallel()
	good := contents(pack(t, content(t, 3)))
	for name, change := range map[string]func(files map[string]string){
		"a file more":    func(f map[string]string) { f["notes.txt"] = "x" },
		"a file outside": func(f map[string]string) { f["../x"] = "x" },
		"no manifest":    func(f map[string]string) { delete(f, "manifest.json") },
		"no entries":     func(f map[string]string) { delete(f, "entries.jsonl") },
		"no checkpoint":  func(f map[string]string) { delete(f, "checkpoint") },
		"no commitment":  func(f map[string]string) { delete(f, "commitment.leaf") },
		"a receipt less": func(f map[string]string) { delete(f, "receipts/000000000001.tlog-proof") },
		"a receipt more": func(f map[string]string) {
			f["receipts/000000000009.tlog-proof"] = f["receipts/000000000001.tlog-proof"]
		},
		"another checkpoint": func(f map[string]string) { f["checkpoint"] = newLog(t, owner, 2).notes[1] },
		"another README":     func(f map[string]string) { f["README.txt"] = "trust the keys in here" },
		"receipts exchanged": func(f map[string]string) {
			a, b := "receipts/000000000000.tlog-proof", "receipts/000000000001.tlog-proof"
			f[a], f[b] = f[b], f[a]
		},
	} {
		files := maps.Clone(good)
		change(files)
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for k, v := range files {
			w, err := z.CreateHeader(&zip.FileHeader{Name: k, Method: zip.Store})
			if err == nil {
				_, err = io.WriteString(w, v)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, b.Bytes(), options(t)); r.Verdict != auditlog.Tampered {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestBundleReadError(t *testing.T) {
	t.Parallel()
	file := pack(t, content(t, 3))
	cause := errors.New("disk on fire")
	for at := 0; at < len(file); at += 29 {
		r, err := bundle.Verify(burning{bytes.NewReader(file), int64(at), cause}, int64(len(file)), options(t))
		if err != nil && !errors.Is(err, cause) {
			t.Fatalf("burning at %d: %v", at, err)
		}
		if err == nil && r.Verdict != auditlog.Verified { // otherwise the byte is one that nothing depends on
			t.Fatalf("burning at %d: %+v", at, r)
		}
	}
}

// burning is a reader that fails where a byte is asked for.
type burning struct {
	r     io.ReaderAt
	at    int64
	cause error
}

func (b burning) ReadAt(p []byte, at int64) (int, error) {
	if at <= b.at && b.at < at+int64(len(p)) {
		return 0, b.cause
	}
	return b.r.ReadAt(p, at)
}

func FuzzVerify(f *testing.F) {
	file := pack(f, content(f, 2))
	f.Add(file)
	f.Add([]byte("PK\x03\x04"))
	want := fmt.Sprint(contents(file))
	opts := options(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		if r := verify(t, file, opts); r.Verdict == auditlog.Verified && fmt.Sprint(contents(file)) != want {
			t.Fatalf("verified: %q", file)
		}
	})
}
