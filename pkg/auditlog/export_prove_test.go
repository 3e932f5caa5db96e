package auditlog_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// part returns an export of the entries from first to last of a log of n, with the checkpoint of the whole log.
func part(t testing.TB, n, first, last int) []byte {
	t.Helper()
	l := newLog(t, n)
	h := auditlog.HeaderAt(l.header().Origin, testTenant.String(), newLog(t, first).tree)
	var b bytes.Buffer
	x, err := auditlog.NewExportWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range l.rows[first : last+1] {
		hashes := make([][]byte, len(r.hashes))
		for i := range r.hashes {
			hashes[i] = r.hashes[i][:]
		}
		if err := x.Write(r.index, r.leaf, hashes, nil); err != nil {
			t.Fatal(err)
		}
	}
	end := auditlog.LogEnd{Checkpoint: l.checkpoint(1)}
	if last+1 < n {
		end.Consistency = l.consistency(int64(last+1), int64(n))
	}
	if err := x.End(end); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (l *memoryLog) consistency(first, second int64) []tlog.Hash {
	l.t.Helper()
	proof, err := tlog.ProveTree(second, first, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			n := auditlog.NodeAt(index)
			hashes[i] = l.rows[n.LeafIndex].hashes[n.Level]
		}
		return hashes, nil
	}))
	if err != nil {
		l.t.Fatal(err)
	}
	return proof
}

// TestVerifyPart verifies every range of a log, and sees that none verifies with a byte of the proof changed.
func TestVerifyPart(t *testing.T) {
	t.Parallel()
	const n = 11
	keys := ring(t, 1, testTenant)
	known := []string{newLog(t, n).checkpoint(1)}
	for first := range n {
		for last := first; last < n; last++ {
			file := part(t, n, first, last)
			r := verify(t, file, auditlog.Options{Keys: keys, Known: known})
			if r.Verdict != auditlog.Verified || r.FirstIndex != int64(first) || r.Entries != int64(last-first+1) || r.TreeSize != n || r.KnownCheckpoints != 1 {
				t.Fatalf("%d to %d: %+v", first, last, r)
			}
			at := bytes.LastIndex(file, []byte(`"consistency":["`))
			if (at < 0) != (last == n-1) {
				t.Fatalf("%d to %d: consistency proof at %d", first, last, at)
			}
			if at < 0 {
				continue
			}
			changed := bytes.Clone(file)
			changed[at+20] ^= 1
			if r := verify(t, changed, auditlog.Options{Keys: keys}); r.Verdict != auditlog.Tampered {
				t.Errorf("%d to %d with another proof: %+v", first, last, r)
			}
			changed = bytes.Replace(file, []byte(`"consistency":["`), []byte(`"consistency":["`+tlog.Hash{}.String()+`","`), 1)
			if r := verify(t, changed, auditlog.Options{Keys: keys}); r.Verdict != auditlog.Tampered {
				t.Errorf("%d to %d with a longer proof: %+v", first, last, r)
			}
		}
	}
	r := verify(t, part(t, n, 0, 4), auditlog.Options{Keys: keys, Known: []string{newLog(t, 8).checkpoint(1)}})
	if r.Verdict != auditlog.CannotVerify || r.Findings[0].Reason != auditlog.ReasonNotCovered {
		t.Errorf("a known checkpoint beyond the part: %+v", r)
	}
	fork, _, err := auditlog.Checkpoint{Origin: auditlog.Origin(testPrefix, testTenant), Size: n, Root: tlog.Hash{1}}.Sign(testKeys(t, 1)...)
	if err != nil {
		t.Fatal(err)
	}
	r = verify(t, part(t, n, 0, 4), auditlog.Options{Keys: keys, Known: []string{fork}})
	if r.Verdict != auditlog.Tampered || r.Findings[0].Reason != auditlog.ReasonCheckpointConflict {
		t.Errorf("another head of the same size is known: %+v", r)
	}
	later := auditlog.Options{Keys: keys, Known: []string{newLog(t, n+2).checkpoint(1)}}
	if r := verify(t, part(t, n, 0, n-1), later); r.Verdict != auditlog.Tampered || r.Findings[0].Reason != auditlog.ReasonCheckpointConflict {
		t.Errorf("a known checkpoint beyond the log: %+v", r)
	}
	later.MayBeOlder = true
	if r := verify(t, part(t, n, 0, n-1), later); r.Verdict != auditlog.CannotVerify || r.Findings[0].Reason != auditlog.ReasonNotCovered {
		t.Errorf("a known checkpoint after the export: %+v", r)
	}
}

// A proof that entries follow is no excuse for entries that are there to be missing.
func TestVerifyWholeWithProof(t *testing.T) {
	t.Parallel()
	l := newLog(t, 8)
	file := l.export(l.header(), l.checkpoint(1))
	file = bytes.Replace(file, []byte("\"}\n"), []byte(`","consistency":["`+tlog.Hash{}.String()+"\"]}\n"), 1)
	if r := verify(t, file, auditlog.Options{Keys: ring(t, 1, testTenant)}); r.Verdict != auditlog.Tampered {
		t.Errorf("%+v", r)
	}
}

// TestProveFromExport makes the receipt of every entry of every log and range that reaches its checkpoint, both ways, and verifies it.
func TestProveFromExport(t *testing.T) {
	t.Parallel()
	keys := ring(t, 1, testTenant)
	for n := 1; n <= 20; n++ {
		for _, first := range []int{0, n / 2, n - 1} {
			file := part(t, n, first, n-1)
			scratch, err := os.Create(filepath.Join(t.TempDir(), "scratch"))
			if err != nil {
				t.Fatal(err)
			}
			receipts := map[int64]string{}
			if err := auditlog.ReceiptsFromExport(bytes.NewReader(file), scratch, func(index int64, receipt string) error {
				receipts[index] = receipt
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := scratch.Close(); err != nil || len(receipts) != n-first {
				t.Fatalf("%d receipts, %v", len(receipts), err)
			}
			for index := int64(first); index < int64(n); index++ {
				receipt, leaf, err := auditlog.ProveFromExport(bytes.NewReader(file), index)
				if err != nil {
					t.Fatal(err)
				}
				r := auditlog.VerifyReceipt(receipt, auditlog.ReceiptOptions{Keys: keys, Leaf: leaf})
				if r.Verdict != auditlog.Verified || r.FirstIndex != index || receipts[index] != receipt {
					t.Fatalf("entry %d of %d from %d: %+v", index, n, first, r)
				}
			}
		}
	}
}

func TestProveFromExportRefuses(t *testing.T) {
	t.Parallel()
	whole := part(t, 9, 0, 8)
	for name, tc := range map[string]struct {
		file  []byte
		index int64
		want  string
	}{
		"an index beyond":   {whole, 9, "it holds the entries 0 to 8"},
		"an index before":   {part(t, 9, 4, 8), 3, "it holds the entries 4 to 8"},
		"a part":            {part(t, 9, 0, 6), 3, "ends before its checkpoint"},
		"an altered export": {bytes.Replace(whole, []byte(`"p-4"`), []byte(`"p-5"`), 1), 3, "ENTRY_TEXT"},
		"a cut export":      {whole[:len(whole)/2], 3, "entry 4"},
		"another file":      {[]byte("x\n"), 3, "UNKNOWN_FORMAT"},
	} {
		if _, _, err := auditlog.ProveFromExport(bytes.NewReader(tc.file), tc.index); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if err := auditlog.ReceiptsFromExport(bytes.NewReader(tc.file), new(memoryScratch), func(int64, string) error { return nil }); name[:2] == "a " && err == nil {
			t.Errorf("%s: receipts were made", name)
		}
	}
}

type memoryScratch struct{ bytes.Buffer }

func (s *memoryScratch) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(s.Bytes()).ReadAt(p, at)
}

// TestReadExportState interrupts an export after every byte and continues it: the result is the export as if nothing had happened.
func TestReadExportState(t *testing.T) {
	t.Parallel()
	l := newLog(t, 5)
	file := l.export(l.header(), l.checkpoint(1))
	header := bytes.IndexByte(file, '\n') + 1
	for cut := len(file); cut >= 0; cut -= stride {
		state, err := auditlog.ReadExportState(bytes.NewReader(file[:cut]))
		if cut < header {
			if err == nil {
				t.Fatalf("cut at %d: no error", cut)
			}
			continue
		}
		if err != nil || state.Whole != (cut == len(file)) || state.Length > int64(cut) {
			t.Fatalf("cut at %d: %+v, %v", cut, state, err)
		}
		var b bytes.Buffer
		b.Write(file[:state.Length])
		x := auditlog.ContinueExportWriter(&b, state.Tree.Size())
		for _, r := range l.rows[state.Tree.Size():] {
			hashes := make([][]byte, len(r.hashes))
			for i := range r.hashes {
				hashes[i] = r.hashes[i][:]
			}
			if err := x.Write(r.index, r.leaf, hashes, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := x.End(auditlog.LogEnd{Checkpoint: l.checkpoint(1)}); err != nil || !bytes.Equal(b.Bytes(), file) {
			t.Fatalf("cut at %d: the continued export differs: %v", cut, err)
		}
	}
	if _, err := auditlog.ReadExportState(bytes.NewReader(bytes.Replace(file, []byte(`"p-3"`), []byte(`"p-4"`), 1))); err == nil {
		t.Error("an altered export is continued")
	}
	state, err := auditlog.ReadExportState(bytes.NewReader(file))
	if err != nil || state.Tree.Size() != 5 || state.Header.Origin != l.header().Origin {
		t.Errorf("%+v, %v", state, err)
	}
}

func TestReadNotes(t *testing.T) {
	t.Parallel()
	a, b := newLog(t, 3).checkpoint(1), newLog(t, 4).checkpoint(2)
	quoted := func(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }
	line := func(s string) string { return `{"tree_size":3,"note":"` + quoted(s) + `"}` + "\n" }
	for name, tc := range map[string]struct {
		file string
		want []string
	}{
		"one":                            {a, []string{a}},
		"two":                            {a + b, []string{a, b}},
		"two with lines between":         {a + "\n\n" + b, []string{a, b}},
		"heads":                          {line(a) + line(b), []string{a, b}},
		"heads, the last line not whole": {line(a) + line(b)[:40], []string{a}},
		"heads, a line cut by a crash":   {line(a)[:20] + "\n" + line(b) + "\x00\x00\n" + line(a), []string{b, a}},
		"no note":                        {"hello\n", []string{"hello\n"}},
	} {
		var got []string
		if err := auditlog.ReadNotes(strings.NewReader(tc.file), func(s string) error { got = append(got, s); return nil }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Join(got, "|") != strings.Join(tc.want, "|") {
			t.Errorf("%s: %q", name, got)
		}
	}
	for name, file := range map[string]string{
		"empty": "", "nothing but a broken line": line(a)[:20] + "\n", "no note": "{}\n", "too long": strings.Repeat("x", 1<<20),
	} {
		if err := auditlog.ReadNotes(strings.NewReader(file), func(string) error { return nil }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzReadNotes(f *testing.F) {
	f.Add(newLog(f, 3).checkpoint(1) + newLog(f, 4).checkpoint(2))
	f.Add(`{"note":"x"}` + "\n")
	f.Fuzz(func(t *testing.T, file string) {
		total := 0
		_ = auditlog.ReadNotes(strings.NewReader(file), func(s string) error { total += len(s); return nil }) // must not panic or invent
		if total > len(file)*3 {                                                                              // a byte that is no UTF-8 becomes three
			t.Fatalf("%d bytes of notes from %d", total, len(file))
		}
	})
}

func FuzzReadExportState(f *testing.F) {
	file := part(f, 6, 2, 4)
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Fuzz(func(t *testing.T, file []byte) {
		state, err := auditlog.ReadExportState(bytes.NewReader(file))
		if err == nil && (state.Length > int64(len(file)) || state.Tree.Size() < state.Header.FirstIndex) {
			t.Fatalf("%+v", state)
		}
		_, _, _ = auditlog.ProveFromExport(bytes.NewReader(file), 3)
	})
}

var _ io.ReaderAt = (*memoryScratch)(nil)
