package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const testPrefix = audittest.OriginPrefix

// What the tests of other packages use, too, under the names that it has here.
var (
	databases  = audittest.Databases
	wallConfig = audittest.Config
	newTenant  = audittest.NewTenant
	newEntry   = audittest.NewEntry
	mustAppend = audittest.Append
	quiet      = audittest.Quiet
	lifted     = audittest.Lift
)

// startWall runs a wall until the test ends, or until stop, which waits for it.
func startWall(t testing.TB, db postgrestest.AuditDB, cfg audit.Config) (wall *audit.Wall, stop func()) {
	t.Helper()
	return audittest.Start(t, databases(db), cfg)
}

// as returns a context that acts for a tenant.
func as(t testing.TB, id tenant.ID) context.Context {
	t.Helper()
	return tenant.NewContext(t.Context(), id)
}

// appendMany appends n entries of a tenant and returns them as appended.
func appendMany(t testing.TB, wall *audit.Wall, id tenant.ID, n int) []auditlog.Entry {
	t.Helper()
	entries := make([]auditlog.Entry, n)
	for i := range entries {
		entries[i] = newEntry(t, id)
		entries[i].Resource.ID = fmt.Sprintf("p-%d", i)
		entries[i].LeafIndex = mustAppend(t, wall, entries[i]).LeafIndex
	}
	return entries
}

// storedRow is a row as the table holds it, read around every guard.
type storedRow struct {
	leaf   []byte
	hashes []tlog.Hash
}

// readRows reads a log as a superuser, who sees what is there whatever the policies say.
func readRows(t testing.TB, admin *pgx.Conn, id tenant.ID) []storedRow {
	t.Helper()
	rows, err := admin.Query(t.Context(), `
		SELECT leaf_index, entry, hashes
		FROM public.gov_audit_trail_entries
		WHERE tenant_id = $1
		ORDER BY leaf_index`, [16]byte(id))
	if err != nil {
		t.Fatal(err)
	}
	var stored []storedRow
	var index int64
	var entry, hashes []byte
	_, err = pgx.ForEachRow(rows, []any{&index, &entry, &hashes}, func() error {
		if index != int64(len(stored)) {
			t.Fatalf("index %d stands where %d belongs", index, len(stored))
		}
		r := storedRow{leaf: bytes.Clone(entry)}
		for len(hashes) > 0 {
			r.hashes = append(r.hashes, tlog.Hash(hashes))
			hashes = hashes[tlog.HashSize:]
		}
		stored = append(stored, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// checkLog verifies a tenant's whole log from what is stored and what the wall hands out: the tree recomputed from the leaves as RFC 6962 defines
// it, all stored hashes, inclusion proofs of entries in several trees, consistency proofs between several sizes, the checkpoint and its signature.
func checkLog(t testing.TB, wall *audit.Wall, admin *pgx.Conn, id tenant.ID) []storedRow {
	t.Helper()
	rows := readRows(t, admin, id)
	leaves, _ := checkRows(t, rows, id)
	size := int64(len(rows))
	head, err := wall.Checkpoint(as(t, id))
	if err != nil {
		t.Fatalf("Checkpoint: %v", err)
	}
	if head.Size != size || head.Root != leaves.root() {
		t.Fatalf("checkpoint of %d entries, root %s; the table has %d, root %s", head.Size, head.Root, size, leaves.root())
	}
	opened, signedBy, err := auditlog.Open(head.Note, keyring(t, wall, id))
	if err != nil || opened != head.Checkpoint || len(signedBy) != 1 {
		t.Fatalf("the checkpoint's note: %+v, %q, %v", opened, signedBy, err)
	}
	for _, n := range sizesUpTo(size) {
		for i := int64(0); i < n; i += max(1, n/2-1) {
			checkInclusion(t, wall, id, leaves[:n], i)
		}
		for m := n; m > 0; m /= 3 {
			checkConsistency(t, wall, id, leaves[:n], m)
		}
	}
	return rows
}

// checkRows checks the stored hashes against the tree that the leaves alone make, and that the entries say where they stand: no gap, no id twice,
// times that do not fall.
func checkRows(t testing.TB, rows []storedRow, id tenant.ID) (tree, []auditlog.Entry) {
	t.Helper()
	leaves := make(tree, len(rows))
	entries := make([]auditlog.Entry, len(rows))
	ids := map[uuid.UUID]bool{}
	var last time.Time
	for i, r := range rows {
		leaves[i] = r.leaf
		if want := leaves[:i+1].completed(i); !slices.Equal(r.hashes, want) {
			t.Fatalf("entry %d of %s stores the hashes %v, want %v", i, id, r.hashes, want)
		}
		e, err := auditlog.Unmarshal(r.leaf)
		if err != nil {
			t.Fatalf("entry %d of %s: %v", i, id, err)
		}
		if e.LeafIndex != int64(i) || e.TenantID != id || ids[e.EntryID] || e.RecordedTime.Before(last) {
			t.Fatalf("entry %d says index %d tenant %s id %s time %s (after %s)", i, e.LeafIndex, e.TenantID, e.EntryID, e.RecordedTime, last)
		}
		ids[e.EntryID], last, entries[i] = true, e.RecordedTime, e
	}
	if last.After(time.Now()) {
		t.Fatalf("the log of %s was recorded at %s, which is to come", id, last)
	}
	return leaves, entries
}

// checkInclusion compares an inclusion proof of the wall's with the one audit path that there is.
func checkInclusion(t testing.TB, wall *audit.Wall, id tenant.ID, leaves tree, index int64) {
	t.Helper()
	n := int64(len(leaves))
	p, err := wall.InclusionProof(as(t, id), index, n)
	if err != nil {
		t.Fatalf("InclusionProof(%d, %d): %v", index, n, err)
	}
	if p.LeafHash != leaves[index:index+1].root() || p.Root != leaves.root() || !slices.Equal(p.Hashes, leaves.path(int(index))) {
		t.Fatalf("InclusionProof(%d, %d) of %s: %+v", index, n, id, p)
	}
}

// checkConsistency compares a consistency proof of the wall's with the one that there is.
func checkConsistency(t testing.TB, wall *audit.Wall, id tenant.ID, leaves tree, first int64) {
	t.Helper()
	n := int64(len(leaves))
	p, err := wall.ConsistencyProof(as(t, id), first, n)
	if err != nil {
		t.Fatalf("ConsistencyProof(%d, %d): %v", first, n, err)
	}
	if p.FirstRoot != leaves[:first].root() || p.SecondRoot != leaves.root() || !slices.Equal(p.Hashes, leaves.consistency(int(first))) {
		t.Fatalf("ConsistencyProof(%d, %d) of %s: %+v", first, n, id, p)
	}
}

// sizesUpTo returns some tree sizes from 1 to n, the ends and the powers of two among them.
func sizesUpTo(n int64) []int64 {
	var sizes []int64
	for s := int64(1); s < n; s *= 2 {
		sizes = append(sizes, s)
	}
	if n > 0 {
		sizes = append(sizes, n)
	}
	return sizes
}

func keyring(t testing.TB, wall *audit.Wall, id tenant.ID) auditlog.Keyring {
	t.Helper()
	keys, err := wall.Keys(as(t, id))
	if err != nil {
		t.Fatal(err)
	}
	var vkeys []string
	for _, k := range keys {
		vkeys = append(vkeys, k.VKey)
	}
	ring, err := auditlog.ParseKeys(vkeys...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// export writes a tenant's log as an auditor gets it, through the reader role, with a checkpoint.
func export(t testing.TB, wall *audit.Wall, id tenant.ID, checkpoint string) []byte {
	t.Helper()
	var b bytes.Buffer
	x, err := auditlog.NewExportWriter(&b, auditlog.ExportHeader{Origin: auditlog.Origin(testPrefix, id), TenantID: id.String()})
	if err != nil {
		t.Fatal(err)
	}
	for after, more := int64(-1), true; more; {
		var page []audit.LogEntry
		page, more, err = wall.List(as(t, id), audit.Filter{}, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			if err := x.Write(e.LeafIndex, e.Leaf, e.StoredHashes, e.Mismatched); err != nil {
				t.Fatal(err)
			}
			after = e.LeafIndex
		}
	}
	if err := x.End(auditlog.LogEnd{Checkpoint: checkpoint}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func verify(t testing.TB, file []byte, opts auditlog.Options) auditlog.Report {
	t.Helper()
	r, err := auditlog.VerifyExport(bytes.NewReader(file), opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
