package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// Every range of the log is exported and verifies as that range.
func TestAuditExportPart(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	part := filepath.Join(e.dir, "part.jsonl")
	e.run(t, "audit", "export", "--out", part, "--from", "3", "--to", "7").expect(t, 0).says(t, "wrote 5 entries")
	offline(t, "audit", "verify", part, "--key", e.key).expect(t, 0).says(t, "5, index 3 to 7", "of 11 entries", "all entries of that range", "more follow")
	e.run(t, "audit", "export", "--out", part, "--from", "4").expect(t, 0).says(t, "wrote 7 entries")
	offline(t, "audit", "verify", part, "--key", e.key).expect(t, 0).says(t, "7, index 4 to 10", "from the first of them up to the checkpoint")
	e.run(t, "audit", "export", "--out", part, "--to", "99").expect(t, 0).says(t, "wrote 11 entries")
	offline(t, "audit", "verify", part, "--key", e.key).expect(t, 0)
	e.run(t, "audit", "export", "--out", "-", "--from", "10").expect(t, 0).says(t, `"first_index":10`)
	for _, bad := range [][]string{
		{"--from", "5", "--to", "4"},
		{"--from", "12"},
		{"--from", "-1"},
		{"--from", "1", "--after", e.export},
		{"--receipts"},
		{"--bundle", "x.zip"},
		{"--after", e.receipt},
		{"--after", e.export + ".absent"},
	} {
		e.run(t, append([]string{"audit", "export", "--out", part}, bad...)...).expect(t, 3)
	}
	e.run(t, "audit", "export").expect(t, 3)
	e.run(t, "audit", "export", "--out", "-", "--resume").expect(t, 3)
}

// An export is continued after the log has grown; a log that was rewritten meanwhile does not verify as its continuation.
func TestAuditExportAfter(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	grow := func(resource string) {
		entry, err := auditlog.Unmarshal(e.audit.entries[10].GetLeaf())
		if err != nil {
			t.Fatal(err)
		}
		entry.LeafIndex, entry.EntryID[15], entry.Resource.ID = int64(len(e.audit.entries)), byte(len(e.audit.entries)), resource
		e.audit.append(t, entry)
	}
	grow("a")
	grow("b")
	next := filepath.Join(e.dir, "next.jsonl")
	e.run(t, "audit", "export", "--out", next, "--after", e.export).expect(t, 0).says(t, "wrote 2 entries")
	offline(t, "audit", "verify", next, "--key", e.key).expect(t, 0).says(t, "2, index 11 to 12")
	last := filepath.Join(e.dir, "last.jsonl")
	e.run(t, "audit", "export", "--out", last, "--after", next).expect(t, 0).says(t, "wrote 0 entries")
	offline(t, "audit", "verify", last, "--key", e.key).expect(t, 0)

	rewritten := newPlatform(t)
	entries := rewritten.audit.entries
	rewritten.audit.entries, rewritten.audit.stored, rewritten.audit.tree = nil, nil, auditlog.Range{}
	for i, log := range append(entries, e.audit.entries[11]) {
		entry, err := auditlog.Unmarshal(log.GetLeaf())
		if err != nil {
			t.Fatal(err)
		}
		if i == 3 {
			entry.Resource.ID = "another"
		}
		rewritten.audit.append(t, entry)
	}
	rewritten.run(t, "audit", "export", "--out", last, "--after", e.export).expect(t, 0).says(t, "wrote 1 entries")
	offline(t, "audit", "verify", last, "--key", e.key).expect(t, 1).says(t, "TAMPERED")
	short := newPlatform(t)
	short.run(t, "audit", "export", "--out", last, "--after", next).expect(t, 3).says(t, "entries were cut off")
}

// An export that fails keeps what it has, and --resume makes the file that an uninterrupted export makes.
func TestAuditExportResume(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	out := filepath.Join(e.dir, "again.jsonl")
	e.audit.failAt = e.audit.paged + 2
	e.run(t, "audit", "export", "--out", out).expect(t, 3).says(t, "4 entries are kept in "+out+".part", "--resume")
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("the file is there: %v", err)
	}
	part := readFile(t, out+".part")
	for name, bad := range map[string]string{
		"altered":       strings.Replace(part, `"detection-2"`, `"detection-7"`, 1),
		"another file":  "hello\n",
		"another start": strings.Replace(part, `"first_index":0,"preceding_hashes":[]`, `"first_index":1,"preceding_hashes":["`+strings.Repeat("A", 43)+`="]`, 1),
	} {
		if err := os.WriteFile(out+".part", []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		e.run(t, "audit", "export", "--out", out, "--resume").expect(t, 3).says(t, "remove it to begin anew")
		if readFile(t, out+".part") != bad {
			t.Errorf("%s: the file was changed", name)
		}
	}
	for cut := len(part); cut > 0; cut -= 150 {
		if err := os.WriteFile(out+".part", []byte(part[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		got := e.run(t, "audit", "export", "--out", out, "--resume")
		if strings.IndexByte(part, '\n') >= cut { // not even its header is whole
			got.expect(t, 3).says(t, "remove it to begin anew")
			break
		}
		got.expect(t, 0).says(t, "going on after", "wrote 11 entries")
		if readFile(t, out) != readFile(t, e.export) {
			t.Errorf("cut at %d: the resumed export differs", cut)
		}
	}
	if err := os.Remove(out + ".part"); err != nil {
		t.Fatal(err)
	}
	e.run(t, "audit", "export", "--out", out, "--resume").expect(t, 0).says(t, "wrote 11 entries")
	e.audit.failAt = e.audit.paged + 1
	e.run(t, "audit", "export", "--out", out).expect(t, 3)
	if _, err := os.Stat(out + ".part"); !os.IsNotExist(err) {
		t.Errorf("an export without entries left a file: %v", err)
	}
}

// A bundle verifies with no server, tells what is in it, and is not there while it is not complete.
func TestAuditBundle(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	zip := filepath.Join(e.dir, "wall.zip")
	e.run(t, "audit", "export", "--bundle", zip).expect(t, 0).says(t, "wrote a bundle of 11 entries")
	offline(t, "audit", "verify", zip, "--key", e.key).expect(t, 0).says(t, "VERIFIED", "11, index 0 to 10")

	e.audit.grown = true
	platform := filepath.Join(e.dir, "platform.vkey")
	e.run(t, "audit", "keys", "--platform", "--out", platform).expect(t, 0)
	e.run(t, "audit", "export", "--bundle", zip, "--receipts").expect(t, 0)
	offline(t, "audit", "verify", zip, "--key", e.key, "--key", platform).expect(t, 0).
		says(t, "3 stored checkpoints", "1 platform commitment", "11 receipts")
	offline(t, "audit", "verify", zip, "--key", e.key).expect(t, 2).
		says(t, "the commitment on the platform's log: none of the trusted keys", "audit keys --platform")
	offline(t, "audit", "prove", "5", "--from-export", zip, "--out", e.receipt).expect(t, 0)
	offline(t, "audit", "verify", e.receipt, "--key", e.key, "--leaf", e.leaf).expect(t, 0)

	first := readFile(t, zip)
	e.run(t, "audit", "export", "--bundle", zip, "--receipts").expect(t, 0)
	if readFile(t, zip) != first {
		t.Error("the same log gives another bundle")
	}
	damaged := filepath.Join(e.dir, "damaged.zip")
	if err := os.WriteFile(damaged, []byte(strings.Replace(first, `"detection-2"`, `"detection-3"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	offline(t, "audit", "verify", damaged, "--key", e.key, "--key", platform).expect(t, 1).says(t, "TAMPERED", "entry 2: ENTRY_TEXT")
	offline(t, "audit", "verify", writeFile(t, "x.zip", "PK\x03\x04"), "--key", e.key).expect(t, 1).says(t, "MALFORMED")

	e.audit.failAt = e.audit.paged + 2
	e.run(t, "audit", "export", "--bundle", damaged+"2").expect(t, 3).says(t, "4 entries are kept")
	e.run(t, "audit", "export", "--bundle", damaged+"2", "--resume").expect(t, 0)
	for _, path := range []string{zip + ".part", damaged + "2.part"} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left behind: %v", path, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(e.dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("files are left behind: %v, %v", left, err)
	}
}

// A policy demands witnesses of the platform's checkpoint, which a bundle carries and the live log is asked for, and an export does not have.
func TestAuditVerifyPolicy(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	e.audit.grown = true
	var witnesses []string
	for i := range 2 {
		w, err := auditlog.NewCosigningKey("w.example.com/"+strconv.Itoa(i), bytes.Repeat([]byte{byte(i + 1)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		if e.audit.witness == nil {
			e.audit.witness = &w
		}
		witnesses = append(witnesses, w.VKey())
	}
	platform, err := e.audit.key.VKey(platformOrigin)
	if err != nil {
		t.Fatal(err)
	}
	policy := func(quorum string) string {
		return writeFile(t, "policy", "log "+platform+"\nwitness A "+witnesses[0]+"\nwitness B "+witnesses[1]+"\ngroup both all A B\nquorum "+quorum+"\n")
	}
	zip := filepath.Join(e.dir, "wall.zip")
	e.run(t, "audit", "export", "--bundle", zip).expect(t, 0)
	one, both := policy("A"), policy("both")
	offline(t, "audit", "verify", zip, "--key", e.key, "--policy", one).expect(t, 0).says(t, "witness", "1 platform commitment")
	offline(t, "audit", "verify", zip, "--key", e.key, "--policy", one, "-o", "json").expect(t, 0).says(t, `"witnessed_by"`)
	offline(t, "audit", "verify", zip, "--key", e.key, "--policy", both).expect(t, 2).says(t, "NOT_WITNESSED", "the group both")
	offline(t, "audit", "verify", e.export, "--key", e.key, "--policy", one).expect(t, 2).says(t, "NOT_WITNESSED")
	e.run(t, "audit", "verify", "--key", e.key, "--policy", one).expect(t, 0).says(t, "1 platform commitment")
	e.run(t, "audit", "verify", "--key", e.key, "--policy", both).expect(t, 2).says(t, "NOT_WITNESSED")
	offline(t, "audit", "verify", zip, "--key", e.key, "--policy", writeFile(t, "policy", "x")).expect(t, 3)
	offline(t, "audit", "verify", zip, "--key", e.key, "--policy", zip+".absent").expect(t, 3)
}

// Receipts are made of an export alone, the same as the server's.
func TestAuditProveFromExport(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	receipt, leaf := filepath.Join(e.dir, "offline.tlog-proof"), filepath.Join(e.dir, "offline.leaf")
	offline(t, "audit", "prove", "5", "--from-export", e.export, "--out", receipt, "--leaf", leaf).expect(t, 0)
	if readFile(t, receipt) != readFile(t, e.receipt) || readFile(t, leaf) != readFile(t, e.leaf) {
		t.Error("the receipt or the leaf is not the server's")
	}
	offline(t, "audit", "prove", "5", "--from-export", e.export, "-o", "json").expect(t, 0).says(t, `"leaf_index": 5`)
	offline(t, "audit", "prove", "11", "--from-export", e.export).expect(t, 3).says(t, "it holds the entries 0 to 10")
	offline(t, "audit", "prove", entryID(5), "--from-export", e.export).expect(t, 3).says(t, "not the index of an entry")
	offline(t, "audit", "prove", "5", "--from-export", e.receipt).expect(t, 3).says(t, "holds no entries")
}

// The platform's own files of heads, files with several notes, and logs of several logs' checkpoints are what --checkpoint takes.
func TestAuditVerifyCheckpointFiles(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	e.audit.grown = true
	list, err := e.audit.ListCheckpoints(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(e.audit.origin, tenantID, "0198c0de-0000-7000-8000-00000000000b", 1)
	foreign, _, err := auditlog.Checkpoint{Origin: other, Size: 1, Root: [32]byte{1}}.Sign(e.audit.key)
	if err != nil {
		t.Fatal(err)
	}
	line := func(note string) string {
		return `{"time":"2026-11-22T11:00:00Z","note":"` + strings.ReplaceAll(note, "\n", `\n`) + `"}` + "\n"
	}
	var noteLines, headLines strings.Builder
	for _, c := range list.GetCheckpoints() {
		noteLines.WriteString(c.GetNote())
		headLines.WriteString(line(c.GetNote()))
	}
	notes, heads := noteLines.String(), headLines.String()
	for _, file := range []string{notes, heads, heads + line(foreign), heads + line(notes)[:50]} {
		offline(t, "audit", "verify", e.export, "--key", e.key, "--checkpoint", writeFile(t, "known", file)).expect(t, 0).says(t, "3 known checkpoints")
	}
	offline(t, "audit", "verify", e.export, "--key", e.key, "--checkpoint", writeFile(t, "known", foreign)).expect(t, 2).says(t, "UNTRUSTED_KNOWN")
	offline(t, "audit", "verify", e.export, "--key", e.key, "--checkpoint", writeFile(t, "known", line("x\n"))).expect(t, 3).says(t, "malformed note")
	offline(t, "audit", "verify", e.export, "--key", e.key, "--checkpoint", e.key).expect(t, 3).says(t, "--checkpoint takes checkpoints")
	offline(t, "audit", "verify", e.export, "--key", e.key, "--checkpoint", writeFile(t, "known", "")).expect(t, 3)
	offline(t, "audit", "verify", e.export, "--key", e.key, "--checkpoint", writeFile(t, "known", "{\n}\n")).expect(t, 3)
	forged, _, err := auditlog.Checkpoint{Origin: e.audit.origin, Size: 7, Root: [32]byte{1}}.Sign(e.audit.key)
	if err != nil {
		t.Fatal(err)
	}
	offline(t, "audit", "verify", e.export, "--key", e.key, "--checkpoint", writeFile(t, "known", heads+line(forged))).expect(t, 1).
		says(t, "entry 6: CHECKPOINT_CONFLICT", "how sure")
	later, _, err := auditlog.Checkpoint{Origin: e.audit.origin, Size: 99, Root: [32]byte{1}}.Sign(e.audit.key)
	if err != nil {
		t.Fatal(err)
	}
	known := writeFile(t, "known", heads+line(later)) // an export may be older than what is known; the log as it is now cannot
	offline(t, "audit", "verify", e.export, "--key", e.key, "--checkpoint", known).expect(t, 2).says(t, "NOT_COVERED", "size 99", "the older of the two")
	e.run(t, "audit", "verify", "--key", e.key, "--checkpoint", known).expect(t, 1).says(t, "CHECKPOINT_CONFLICT", "size 99", "cut off")
	e.run(t, "audit", "verify", "--key", e.key).expect(t, 0).says(t, "3 stored checkpoints")
}
