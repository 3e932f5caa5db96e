package audit_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// check holds everything that is stored against what RFC 6962 makes of the leaves, and against what callers were answered.
func (w *workload) check() map[tenant.ID]tree {
	w.t.Helper()
	leaves := map[tenant.ID]tree{}
	entries := map[tenant.ID][]auditlog.Entry{}
	stored := map[tenant.ID]map[int64]auditlog.Checkpoint{}
	for id, log := range w.logs {
		leaves[id], entries[id] = checkRows(w.t, readRows(w.t, w.admin, id), id)
		log.checkAnswers(w.t, leaves[id], entries[id])
		stored[id] = w.checkHeads(id, leaves[id], entries[id])
	}
	committed := map[auditlog.Checkpoint]bool{}
	for _, e := range entries[auditlog.PlatformTenant] {
		if e.EventType != auditlog.EventHeadCommitted {
			continue
		}
		id, head, err := auditlog.ReadCommitment(e)
		if err != nil || committed[head] || stored[id][head.Size] != head {
			w.t.Fatalf("entry %d of the platform's log commits to %+v, again: %t, stored: %+v, %v", e.LeafIndex, head, committed[head], stored[id][head.Size], err)
		}
		committed[head] = true
	}
	return leaves
}

// checkAnswers checks that every answer was true, and that there is nothing that nobody asked for.
func (l *workLog) checkAnswers(t *testing.T, leaves tree, entries []auditlog.Entry) {
	t.Helper()
	at := map[uuid.UUID]int{}
	for i, e := range entries {
		at[e.EntryID] = i
	}
	for id, a := range l.acked {
		i, there := at[id]
		if !there || a.position.LeafIndex != int64(i) || a.position.LeafHash != leaves[i:i+1].root() {
			t.Fatalf("entry %s was answered with %+v and is at %d (%t)", id, a.position, i, there)
		}
	}
	asked := map[uuid.UUID]*auditlog.Entry{}
	for _, a := range l.doubts {
		there := 0
		for i, e := range a.entries {
			asked[e.EntryID] = &a.entries[i]
			if _, ok := at[e.EntryID]; ok {
				there++
			}
		}
		if there != 0 && there != len(a.entries) {
			t.Fatalf("%d of the %d entries of a batch are there", there, len(a.entries))
		}
	}
	for id, a := range l.acked {
		asked[id] = a.entry
	}
	for i, e := range entries {
		want, known := asked[e.EntryID]
		_, refused := l.refused[e.EntryID]
		if own := e.EventType == "audit.keys_changed" || e.EventType == auditlog.EventHeadCommitted; refused || !known && !own {
			t.Fatalf("entry %d (%s %s) is there, refused: %t", i, e.EntryID, e.EventType, refused)
		}
		if want == nil {
			continue
		}
		placed := *want
		placed.LeafIndex, placed.RecordedTime = int64(i), e.RecordedTime
		if leaf, err := placed.Marshal(); err != nil || !slices.Equal(leaf, leaves[i]) {
			t.Fatalf("entry %d says something else than what was appended: %v", i, err)
		}
	}
}

// checkHeads checks every head of a log, in the table, on file and as handed out: its root is the leaves', its keys are announced before it. It returns
// those in the table.
func (w *workload) checkHeads(id tenant.ID, leaves tree, entries []auditlog.Entry) map[int64]auditlog.Checkpoint {
	w.t.Helper()
	ring, _ := w.ring(id)
	roots := map[int64]auditlog.Checkpoint{}
	announced := map[string]int64{} // where the keys are announced first
	for _, e := range slices.Backward(entries) {
		if e.EventType == "audit.keys_changed" {
			announced[setOf(w.t, e)] = e.LeafIndex
		}
	}
	first := ""
	check := func(where, note string) auditlog.Checkpoint {
		w.t.Helper()
		c, signedBy, err := auditlog.Open(note, ring)
		if err != nil || c.Size > int64(len(leaves)) {
			w.t.Fatalf("a head %s of %s with %d entries: %+v, %v", where, id, len(leaves), c, err)
		}
		want, known := roots[c.Size]
		if !known {
			want = auditlog.Checkpoint{Origin: auditlog.Origin(testPrefix, id), Size: c.Size, Root: leaves[:c.Size].root()}
			roots[c.Size] = want
		}
		if c != want {
			w.t.Fatalf("a head %s is %+v, want %+v", where, c, want)
		}
		slices.Sort(signedBy)
		keys := strings.Join(signedBy, " ")
		if first == "" && id != auditlog.PlatformTenant { // of such a log only changes are announced
			first = keys
		}
		if before, ok := announced[keys]; c.Size > 0 && keys != first && (!ok || before >= c.Size) {
			w.t.Fatalf("a head %s of %s and size %d is signed by %s, announced: %t, at %d; the first by %s", where, id, c.Size, keys, ok, before, first)
		}
		return c
	}
	stored := map[int64]auditlog.Checkpoint{}
	rows, err := w.admin.Query(w.t.Context(), `
		SELECT tree_size, root_hash, note
		FROM public.gov_audit_checkpoints
		WHERE tenant_id = $1
		ORDER BY tree_size`, [16]byte(id))
	if err != nil {
		w.t.Fatal(err)
	}
	var size int64
	var root []byte
	var note string
	_, err = pgx.ForEachRow(rows, []any{&size, &root, &note}, func() error {
		c := check("in the table", note)
		if c.Size != size || !slices.Equal(c.Root[:], root) {
			w.t.Fatalf("the columns of the checkpoint of size %d say %d, %x", c.Size, size, root)
		}
		stored[size] = c
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for size, head := range w.logs[id].heads {
		if c := check("handed out", head.Note); size > 0 && stored[size] != c {
			w.t.Fatalf("the head of size %d of %s was handed out and is not stored", size, id)
		}
	}
	for _, r := range w.replicas {
		file, err := os.Open(filepath.Join(r.cfg.HeadsDir, id.String()+".heads"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
		last := int64(0)
		err = auditlog.ReadNotes(file, func(note string) error {
			c := check("on file", note)
			if c.Size < last {
				w.t.Fatalf("a head of %d on file follows one of %d", c.Size, last)
			}
			last = c.Size
			return nil
		})
		if err = errors.Join(err, file.Close()); err != nil {
			w.t.Fatal(err)
		}
	}
	return stored
}

// setOf returns the keys that an announcement names, as Open names those that signed.
func setOf(t *testing.T, e auditlog.Entry) string {
	t.Helper()
	list, ok := e.Details["present"].([]any)
	if !ok || len(list) == 0 {
		t.Fatalf("entry %d announces %v", e.LeafIndex, e.Details)
	}
	var names []string
	for _, vkey := range list {
		text, _ := vkey.(string)
		parts := strings.SplitN(text, "+", 3)
		names = append(names, strings.Join(parts[:min(2, len(parts))], "+"))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// checkProofs asks a replica for proofs of a log: inclusion at the boundaries of its tree and elsewhere, consistency between all stored checkpoints,
// each pair once.
func (w *workload) checkProofs(r *replica, id tenant.ID, leaves tree, pick func(n int) int) {
	w.t.Helper()
	log := w.logs[id]
	n := len(leaves)
	if n == 0 {
		return
	}
	for _, size := range []int{n, 1 + pick(n)} {
		k := leaves[:size].split()
		for _, index := range slices.Compact(slices.Sorted(slices.Values([]int{0, min(k, size) - 1, min(k, size-1), size - 1, pick(size)}))) {
			checkInclusion(w.t, r.Wall, id, leaves[:size], int64(index))
		}
	}
	rows, err := w.admin.Query(w.t.Context(), `SELECT tree_size FROM public.gov_audit_checkpoints WHERE tenant_id = $1 ORDER BY tree_size`, [16]byte(id))
	if err != nil {
		w.t.Fatal(err)
	}
	sizes, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		w.t.Fatal(err)
	}
	for _, second := range sizes {
		if _, done := log.proven[second]; done {
			continue
		}
		for _, first := range append(slices.Collect(maps.Keys(log.proven)), second) {
			checkConsistency(w.t, r.Wall, id, leaves[:max(first, second)], min(first, second))
		}
		log.proven[second] = struct{}{}
	}
	if len(sizes) > 0 { // and two that were checked long ago
		a, b := sizes[pick(len(sizes))], sizes[pick(len(sizes))]
		checkConsistency(w.t, r.Wall, id, leaves[:max(a, b)], min(a, b))
	}
}
