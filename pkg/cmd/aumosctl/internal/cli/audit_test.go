package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// exported is a log with its export, key and receipt in files.
type exported struct {
	*platform
	dir, export, key, receipt, leaf string
}

func newExported(t *testing.T) exported {
	t.Helper()
	e := exported{platform: newPlatform(t), dir: t.TempDir()}
	e.export, e.key = filepath.Join(e.dir, "wall.jsonl"), filepath.Join(e.dir, "wall.vkey")
	e.receipt, e.leaf = filepath.Join(e.dir, "5.tlog-proof"), filepath.Join(e.dir, "5.leaf")
	e.run(t, "audit", "export", "--out", e.export).expect(t, 0).says(t, "wrote 11 entries")
	e.run(t, "audit", "keys", "--out", e.key).expect(t, 0)
	e.run(t, "audit", "prove", "5", "--out", e.receipt, "--leaf", e.leaf).expect(t, 0)
	return e
}

// offline runs the program without configuration, token or network.
func offline(t *testing.T, args ...string) result {
	t.Helper()
	return runWith(t, nil, "", append([]string{"--config", filepath.Join(t.TempDir(), "none.json")}, args...)...)
}

func TestAuditVerifyExport(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	if e.audit.paged < 3 {
		t.Errorf("the export took %d pages", e.audit.paged)
	}
	if info, err := os.Stat(e.export); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export has mode %v: %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(e.dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("files are left behind: %v, %v", left, err)
	}
	offline(t, "audit", "verify", e.export, "--key", e.key).expect(t, 0).says(t, "VERIFIED", "11, index 0 to 10", "signed by", "these are all entries")
	offline(t, "audit", "verify", e.export, "--key", e.audit.vkey(t)).expect(t, 0)
	offline(t, "audit", "verify", e.export).expect(t, 2).says(t, "CANNOT VERIFY", "NO_TRUSTED_KEY", "aumosctl audit keys --out wall.vkey")

	other, err := signingKey(t, 2).VKey(e.audit.origin)
	if err != nil {
		t.Fatal(err)
	}
	offline(t, "audit", "verify", e.export, "--key", other).expect(t, 2).says(t, "UNKNOWN_KEY")
	offline(t, "audit", "verify", e.export, "--key", e.key+".absent").expect(t, 3).says(t, "read the key")
	offline(t, "audit", "verify", e.export, "--key", e.export).expect(t, 3)
	offline(t, "audit", "verify", e.export+".absent", "--key", e.key).expect(t, 3).says(t, "no such file")
	offline(t, "audit", "verify", writeFile(t, "other.txt", "hello\n"), "--key", e.key).expect(t, 2).says(t, "UNKNOWN_FORMAT")
	offline(t, "audit", "verify", e.export, "--leaf", e.leaf).expect(t, 3).says(t, "--leaf is for a receipt")

	report := decode(t, offline(t, "audit", "verify", e.export, "--key", e.key, "-o", "json").expect(t, 0).stdout)
	if report["verdict"] != "VERIFIED" || report["entries"] != 11.0 || report["tree_size"] != 11.0 {
		t.Errorf("got %v", report)
	}
	golden(t, "audit_verify.txt", strings.ReplaceAll(offline(t, "audit", "verify", e.export, "--key", e.key).stdout, e.dir, "DIR"))
}

func TestAuditVerifyKnownCheckpoint(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	known := filepath.Join(e.dir, "known.checkpoint")
	e.run(t, "audit", "checkpoint", "--out", known).expect(t, 0)
	offline(t, "audit", "verify", e.export, "--key", e.key, "--checkpoint", known, "--checkpoint", e.receipt).expect(t, 0).says(t, "2 known checkpoints")

	// Somebody with the log's key rewrites history: everything fits but the checkpoint that was kept.
	rewritten := newPlatform(t)
	entries := rewritten.audit.entries
	rewritten.audit.entries, rewritten.audit.stored, rewritten.audit.tree = nil, nil, auditlog.Range{}
	for i, log := range entries {
		entry, err := auditlog.Unmarshal(log.GetLeaf())
		if err != nil {
			t.Fatal(err)
		}
		if i == 3 {
			entry.Resource.ID = "another"
		}
		rewritten.audit.append(t, entry)
	}
	export := filepath.Join(e.dir, "rewritten.jsonl")
	rewritten.run(t, "audit", "export", "--out", export).expect(t, 0)
	offline(t, "audit", "verify", export, "--key", e.key).expect(t, 0)
	offline(t, "audit", "verify", export, "--key", e.key, "--checkpoint", known).expect(t, 1).says(t, "TAMPERED", "CHECKPOINT_CONFLICT")
	rewritten.run(t, "audit", "verify", "--key", e.key, "--checkpoint", known).expect(t, 1).says(t, "CHECKPOINT_CONFLICT")
	offline(t, "audit", "verify", e.receipt, "--key", e.key, "--checkpoint", known).expect(t, 3).says(t, "--checkpoint is for logs")
}

// One changed bit anywhere in an export is found. In the line of an entry it is told apart from a doubt, and the entry is named.
func TestAuditVerifyFindsEveryFlippedBit(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	original := []byte(readFile(t, e.export))
	lines := bytes.SplitAfter(original, []byte("\n"))
	damaged := filepath.Join(e.dir, "damaged.jsonl")
	at := 0
	for number, line := range lines {
		for i := range line {
			if i%31 != number%31 && i+2 < len(line) { // some of the bytes, shifted from line to line, and each line's end
				continue
			}
			changed := bytes.Clone(original)
			changed[at+i] ^= 1 << (i % 7)
			if err := os.WriteFile(damaged, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			got := offline(t, "audit", "verify", damaged, "--key", e.key)
			entry := number >= 1 && number <= logSize
			switch {
			case got.code == 0 || got.code == 3:
				t.Fatalf("byte %d of line %d changed: exit code %d\n%s", i, number+1, got.code, got.stdout)
			case entry && got.code != 1:
				t.Errorf("byte %d of line %d changed: exit code %d\n%s", i, number+1, got.code, got.stdout)
			case entry && i+2 < len(line) && !regexp.MustCompile(fmt.Sprintf(`entry %d\b`, number-1)).MatchString(got.stdout):
				t.Errorf("byte %d of line %d changed: entry %d is not named\n%s", i, number+1, number-1, got.stdout)
			}
		}
		at += len(line)
	}
}

func TestAuditVerifyReceipt(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	offline(t, "audit", "verify", e.receipt, "--key", e.key).expect(t, 0).says(t, "VERIFIED", "index 5", "what it says is proven with --leaf")
	got := offline(t, "audit", "verify", e.receipt, "--key", e.key, "--leaf", e.leaf).expect(t, 0).says(t, "the entry says", "detection-5", "drifted_features")
	golden(t, "audit_verify_receipt.txt", strings.ReplaceAll(got.stdout, e.dir, "DIR"))
	offline(t, "audit", "verify", e.receipt).expect(t, 2).says(t, "NO_TRUSTED_KEY")
	offline(t, "audit", "verify", e.receipt, e.export, "--key", e.key).expect(t, 0)
	var reports []map[string]any
	if err := json.Unmarshal([]byte(offline(t, "audit", "verify", e.receipt, e.export, "--key", e.key, "-o", "json").expect(t, 0).stdout), &reports); err != nil || len(reports) != 2 {
		t.Errorf("%d reports: %v", len(reports), err)
	}

	original := []byte(readFile(t, e.receipt))
	damaged := filepath.Join(e.dir, "damaged.tlog-proof")
	for i := range original {
		changed := bytes.Clone(original)
		changed[i] ^= 1 << (i % 7)
		if err := os.WriteFile(damaged, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := offline(t, "audit", "verify", damaged, "--key", e.key); got.code != 1 && got.code != 2 {
			t.Fatalf("byte %d changed: exit code %d\n%s%s", i, got.code, got.stdout, got.stderr)
		}
	}
	leaf := []byte(readFile(t, e.leaf))
	leaf[len(leaf)/2] ^= 1
	damagedLeaf := writeFile(t, "damaged.leaf", string(leaf))
	offline(t, "audit", "verify", e.receipt, "--key", e.key, "--leaf", damagedLeaf).expect(t, 1).says(t, "LEAF_HASH")
	offline(t, "audit", "verify", damaged, e.export, e.export+".absent", "--key", e.key).expect(t, 1).says(t, "no such file")
}

func TestAuditVerifyLive(t *testing.T) {
	t.Parallel()
	e := newExported(t)
	e.run(t, "audit", "verify", "--key", e.key).expect(t, 0).says(t, "VERIFIED: the live log")
	e.run(t, "audit", "verify").expect(t, 2).says(t, "NO_TRUSTED_KEY")
	e.run(t, "--governance", "127.0.0.1:1", "audit", "verify", "--key", e.key).expect(t, 3).says(t, "UNAVAILABLE")

	leaf := e.audit.entries[6].GetLeaf()
	leaf[len(leaf)/2] ^= 1
	e.run(t, "audit", "verify", "--key", e.key).expect(t, 1).says(t, "TAMPERED", "entry 6: LEAF_HASH")
	e.run(t, "audit", "show", "6").expect(t, 1).says(t, "entry 6 has been altered")
	leaf[len(leaf)/2] ^= 1

	e.audit.entries[2].MismatchedColumns = []string{"actor_id"}
	e.run(t, "audit", "verify", "--key", e.key).expect(t, 1).says(t, "entry 2: COLUMNS", "actor_id")
	e.run(t, "audit", "show", "2").expect(t, 1).says(t, "its columns actor_id differ")
	e.run(t, "audit", "list").expect(t, 0).says(t, "entry 2 has been altered")
	e.audit.entries[2].MismatchedColumns = nil

	e.audit.short = true
	e.run(t, "audit", "verify", "--key", e.key).expect(t, 1).says(t, "MISSING_ENTRIES", "returned 10")
}

func TestAuditRead(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	golden(t, "audit_list.txt", p.run(t, "audit", "list", "--last", "3").expect(t, 0).stdout)
	golden(t, "audit_show.txt", p.run(t, "audit", "show", "4").expect(t, 0).stdout)
	if got := p.run(t, "audit", "list", "--limit", "0", "-o", "jsonl").expect(t, 0).stdout; strings.Count(got, "\n") != logSize {
		t.Errorf("%d lines of JSON", strings.Count(got, "\n"))
	}
	p.run(t, "audit", "show", entryID(4)).expect(t, 0).says(t, "detection-4")
	p.run(t, "audit", "show", "99").expect(t, 3).says(t, "NOT_FOUND")
	p.run(t, "audit", "show", "x").expect(t, 3).says(t, "neither the index of an entry nor its id")
	p.run(t, "audit", "list", "--since", "yesterday").expect(t, 3).says(t, "neither a time")
	p.run(t, "audit", "list", "--since", "24h", "--until", "2020-11-22T10:00:00Z").expect(t, 3).says(t, "INVALID_FIELD", "start_time must be before")
	p.run(t, "audit", "keys").expect(t, 0).says(t, p.audit.vkey(t))
	p.run(t, "audit", "prove", entryID(4)).expect(t, 0).says(t, "c2sp.org/tlog-proof@v1")
	p.run(t, "audit", "export", "--out", "-").expect(t, 0).says(t, "aumos.audit-export/v1")
	p.run(t, "audit", "export", "--out", filepath.Join(t.TempDir(), "absent", "x")).expect(t, 3)
}

func TestAuditListFilters(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "audit", "list", "--from", "9", "--type", "drift.", "--actor", "analyst", "--resource", "detection/detection-9", "--limit", "7",
		"--to", "12", "--newest", "--action", "detection.run", "--outcome", "Denied", "--correlation", "run-1", "--service", "svc-drift").expect(t, 0)
	last := int64(12)
	want := &governancev1.ListEntriesRequest{
		PageSize: 7, EventType: "drift.", ActorId: "analyst", ResourceType: "detection", ResourceId: "detection-9", MinLeafIndex: 9,
		MaxLeafIndex: &last, NewestFirst: true, Action: "detection.run", Outcome: governancev1.AuditOutcome_AUDIT_OUTCOME_DENIED,
		CorrelationId: "run-1", SourceService: "svc-drift",
	}
	if diff := cmp.Diff(want, p.audit.listed, protocmp.Transform()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	for flags, says := range map[string]string{
		"--from 9 --to 4": "no entries from index 9 to 4", "--to -2": "no entries from index 0 to -2", "--limit -1": "--limit must not be negative",
	} {
		p.run(t, append([]string{"audit", "list"}, strings.Fields(flags)...)...).expect(t, 3).says(t, says)
	}
	p.run(t, "audit", "watch", "--limit", "-1").expect(t, 3).says(t, "--limit must not be negative")
}
