package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// committed shows the head of a log at a size on the platform's log, whose checkpoint a witness has cosigned, and returns the policy that demands that.
func committed(tb testing.TB, log *memory, size int) (leaf []byte, receipt string, policy auditlog.Policy) {
	tb.Helper()
	witness, err := auditlog.NewCosigningKey("witness.example.com", bytes.Repeat([]byte{7}, ed25519.SeedSize))
	if err != nil {
		tb.Fatal(err)
	}
	head, err := auditlog.Read(log.notes[size-1])
	if err != nil {
		tb.Fatal(err)
	}
	platform := newLog(tb, auditlog.PlatformTenant, 2)
	platform.add(auditlog.NewCommitment(owner, head))
	line, err := witness.Cosign(platform.notes[2], time.Unix(1_700_000_000, 0))
	if err != nil {
		tb.Fatal(err)
	}
	platform.notes[2] += line
	if receipt, leaf, err = auditlog.ProveFromExport(bytes.NewReader(platform.export()), 2); err != nil {
		tb.Fatal(err)
	}
	policy, err = auditlog.ParsePolicy([]byte("log " + vkey(tb, auditlog.PlatformTenant) + "\nwitness w " + witness.VKey() + "\nquorum w\n"))
	if err != nil {
		tb.Fatal(err)
	}
	return leaf, receipt, policy
}

// What witnesses have seen of a log's beginning says nothing of its end, which whoever has the signing key may have made up since.
func TestPolicyIsDemandedOfTheCheckpoint(t *testing.T) {
	t.Parallel()
	const n = 9
	c := content(t, n)
	log := newLog(t, owner, n)
	opts := options(t)
	for size, want := range map[int]auditlog.Verdict{n: auditlog.Verified, n - 4: auditlog.CannotVerify} {
		var policy auditlog.Policy
		c.CommitmentLeaf, c.CommitmentReceipt, policy = committed(t, log, size)
		opts.Policy = &policy
		r := verify(t, pack(t, c), opts)
		if r.Verdict != want {
			t.Errorf("a commitment to %d of %d entries: %v %v, want %v", size, n, r.Verdict, r.Findings, want)
		}
		if want == auditlog.CannotVerify && (len(r.Findings) != 1 || r.Findings[0].Reason != auditlog.ReasonNotWitnessed) {
			t.Errorf("a commitment to %d of %d entries: %v", size, n, r.Findings)
		}
		opts.Policy = nil // without a demand it is one more head that fits
		if r := verify(t, pack(t, c), opts); r.Verdict != auditlog.Verified || r.CommittedHeads != 1 {
			t.Errorf("a commitment to %d of %d entries, no policy: %v %v", size, n, r.Verdict, r.Findings)
		}
	}
}

// zipped writes files into a zip file as a bundle has them, and returns it in two parts: the files, and what follows them.
func zipped(tb testing.TB, change func(h *zip.FileHeader), names []string, files map[string]string) (data, end []byte) {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		h := &zip.FileHeader{Name: name, Method: zip.Store, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		change(h)
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, files[name])
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	n := binary.LittleEndian.Uint32(b.Bytes()[b.Len()-6:]) // where the directory begins
	return bytes.Clone(b.Bytes()[:n]), bytes.Clone(b.Bytes()[n:])
}

// The zip format tells of files twice and lets anything stand in between. A bundle that another tool reads as other files does not verify.
func TestBundleHasOneReading(t *testing.T) {
	t.Parallel()
	file := pack(t, content(t, 3))
	files := contents(file)
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	same := func(*zip.FileHeader) {}
	data, end := zipped(t, same, names, files)
	if !bytes.Equal(append(bytes.Clone(data), end...), file) {
		t.Fatal("the test packs otherwise than a bundle is packed")
	}
	forged, _ := zipped(t, same, []string{"entries.jsonl"}, map[string]string{"entries.jsonl": "what never happened\n"})
	moved := func(by int) []byte { // the end, with the directory and every file behind by so much
		moved := bytes.Clone(end)
		for at := 0; bytes.HasPrefix(moved[at:], []byte("PK\x01\x02")); {
			le := binary.LittleEndian
			le.PutUint32(moved[at+42:], le.Uint32(moved[at+42:])+uint32(by))
			at += 46 + int(le.Uint16(moved[at+28:])) + int(le.Uint16(moved[at+30:])) + int(le.Uint16(moved[at+32:]))
		}
		at := len(moved) - 6
		binary.LittleEndian.PutUint32(moved[at:], binary.LittleEndian.Uint32(moved[at:])+uint32(by))
		return moved
	}
	repacked := func(change func(h *zip.FileHeader)) []byte {
		data, end := zipped(t, change, names, files)
		return append(data, end...)
	}
	named := bytes.Clone(file)
	copy(named[bytes.Index(named, []byte("keys.vkeyUT")):], "test.vkey")
	for name, changed := range map[string][]byte{
		"a file before the first, which the directory does not know": slices.Concat(forged, data, moved(len(forged))),
		"the same, where offsets count from after it":                slices.Concat(forged, file),
		"a file after the last, which the directory does not know": slices.Concat(data, forged, func() []byte {
			end := bytes.Clone(end)
			at := len(end) - 6
			binary.LittleEndian.PutUint32(end[at:], binary.LittleEndian.Uint32(end[at:])+uint32(len(forged)))
			return end
		}()),
		"bytes after the end":                append(bytes.Clone(file), "more"...),
		"a file that calls itself otherwise": named,
		"a file with a second name": repacked(func(h *zip.FileHeader) { // Info-ZIP's Unicode path: version, checksum of the name, another name
			if h.Name == "README.txt" {
				extra := append(binary.LittleEndian.AppendUint32([]byte{1}, crc32.ChecksumIEEE([]byte(h.Name))), "entries.jsonl"...)
				h.Extra = append(binary.LittleEndian.AppendUint16([]byte{0x75, 0x70}, uint16(len(extra))), extra...)
			}
		}),
		"a file that is a link": repacked(func(h *zip.FileHeader) {
			if h.Name == "checkpoint" {
				h.SetMode(fs.ModeSymlink | 0o777)
			}
		}),
	} {
		if fmt.Sprint(contents(changed)) != fmt.Sprint(files) {
			t.Errorf("%s: the test means to change nothing that the directory says", name)
		}
		if r := verify(t, changed, options(t)); r.Verdict != auditlog.Tampered {
			t.Errorf("%s: %v %v", name, r.Verdict, r.Findings)
		}
	}
}

// Lines of older checkpoints say once what they say.
func TestBundleCheckpointLines(t *testing.T) {
	t.Parallel()
	good := pack(t, content(t, 3))
	for name, change := range map[string][2]string{
		"another size beside the note": {`{"tree_size":2,`, `{"tree_size":9,`},
		"a note that comes twice":      {`{"tree_size":2,`, `{"note":"x","tree_size":2,`},
		"a field more":                 {`{"tree_size":2,`, `{"tree_size":2,"verified":true,`},
	} {
		files := contents(good)
		z, err := zip.NewReader(bytes.NewReader(good), int64(len(good)))
		if err != nil {
			t.Fatal(err)
		}
		before := files["checkpoints.jsonl"]
		files["checkpoints.jsonl"] = strings.Replace(before, change[0], change[1], 1)
		sums := func(text string) string {
			return fmt.Sprintf("\"name\": \"checkpoints.jsonl\",\n   \"size\": %d,\n   \"sha256\": \"%x\"", len(text), sha256.Sum256([]byte(text)))
		}
		manifest := files["manifest.json"]
		files["manifest.json"] = strings.Replace(manifest, sums(before), sums(files["checkpoints.jsonl"]), 1)
		if files["checkpoints.jsonl"] == before || files["manifest.json"] == manifest {
			t.Fatalf("%s: the test changes nothing:\n%s", name, manifest)
		}
		var names []string
		for _, f := range z.File {
			names = append(names, f.Name)
		}
		data, end := zipped(t, func(*zip.FileHeader) {}, names, files)
		if r := verify(t, append(data, end...), options(t)); r.Verdict != auditlog.Tampered {
			t.Errorf("%s: %v %v", name, r.Verdict, r.Findings)
		}
	}
}
