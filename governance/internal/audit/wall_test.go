package audit_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestRandomWorkload does at random, on three replicas at once, what callers, operators and failures do, and after each step verifies every log
// completely: the trees recomputed from the stored leaves, what callers were answered, the heads and the platform's commitments to them, the proofs.
func TestRandomWorkload(t *testing.T) {
	t.Parallel()
	tenants := []tenant.ID{newTenant(t), newTenant(t), newTenant(t)}
	w := startWorkload(t, 3, tenants...)
	steps := []func(w *workload, rt *rapid.T, r *replica, id tenant.ID){
		(*workload).appendSome, (*workload).appendSome, (*workload).appendBatch, (*workload).appendBatch, (*workload).repeat, (*workload).reuse,
		(*workload).storm, (*workload).storm, (*workload).cancel, (*workload).poison, (*workload).correct, (*workload).checkpoint,
		(*workload).commit, (*workload).rotate, (*workload).restart, (*workload).loseConnections, (*workload).loseAnswer, (*workload).loseDatabase,
		(*workload).resolve,
	}
	rapid.Check(t, func(rt *rapid.T) {
		id := rapid.SampledFrom(tenants).Draw(rt, "tenant")
		step := rapid.IntRange(0, len(steps)-1).Draw(rt, "step")
		steps[step](w, rt, w.any(rt), id)
		leaves := w.check()
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "pick") }
		w.checkProofs(w.any(rt), id, leaves[id], pick)
		w.checkProofs(w.any(rt), auditlog.PlatformTenant, leaves[auditlog.PlatformTenant], pick)
	})
	for _, id := range tenants { // what is still in doubt turns out to be there or gets there
		w.resolveAll(w.replicas[0], id)
	}
	for _, r := range w.replicas {
		r.stop()
	}
	w.start(w.replicas[0])
	w.check()
	for _, id := range append(tenants, auditlog.PlatformTenant) {
		ring, _ := w.ring(id)
		head := w.handOut(w.replicas[0], id)
		leaves := w.check()[id]
		w.checkProofs(w.replicas[0], id, leaves, func(n int) int { return n / 3 })
		r := verify(t, export(t, w.replicas[0].Wall, id, head.Note), auditlog.Options{Keys: ring})
		if r.Verdict != auditlog.Verified || r.Entries != int64(len(leaves)) || r.Entries < int64(len(w.logs[id].order)) {
			t.Errorf("export: %+v", r)
		}
	}
}

func (w *workload) any(rt *rapid.T) *replica {
	return rapid.SampledFrom(w.replicas).Draw(rt, "replica")
}

// mustSettle settles attempts that nothing stood in the way of.
func (w *workload) mustSettle(id tenant.ID, attempts ...attempt) {
	w.t.Helper()
	for _, a := range attempts {
		if a.err != nil {
			w.t.Fatalf("append %d entries: %v", len(a.entries), a.err)
		}
	}
	w.settle(id, attempts...)
}

func (w *workload) appendSome(rt *rapid.T, r *replica, id tenant.ID) {
	for range rapid.IntRange(1, 6).Draw(rt, "entries") {
		e := newEntry(w.t, id)
		e.Details["text"] = rapid.StringN(0, 200, -1).Draw(rt, "text")
		w.mustSettle(id, r.append(w.t.Context(), e))
	}
}

func (w *workload) appendBatch(rt *rapid.T, r *replica, id tenant.ID) {
	w.mustSettle(id, r.append(w.t.Context(), newEntries(w.t, id, rapid.IntRange(1, 9).Draw(rt, "batch"))...))
}

// some returns an entry that was answered, if there is any.
func (w *workload) some(rt *rapid.T, id tenant.ID) (acked, bool) {
	log := w.logs[id]
	if len(log.order) == 0 {
		return acked{}, false
	}
	return log.acked[rapid.SampledFrom(log.order).Draw(rt, "entry")], true
}

// repeat appends an entry again, on any replica: it has its first position.
func (w *workload) repeat(rt *rapid.T, r *replica, id tenant.ID) {
	if a, ok := w.some(rt, id); ok && a.entry != nil {
		w.mustSettle(id, r.append(w.t.Context(), *a.entry))
	}
}

// reuse appends other content under an id that is taken, alone and in a batch that overlaps what is there: nothing of it gets on the wall.
func (w *workload) reuse(rt *rapid.T, r *replica, id tenant.ID) {
	a, ok := w.some(rt, id)
	if !ok || a.entry == nil {
		return
	}
	other := *a.entry
	other.Outcome = auditlog.Denied
	batch := newEntries(w.t, id, 3)
	batch[rapid.IntRange(0, 2).Draw(rt, "at")] = *a.entry
	for _, got := range []attempt{r.append(w.t.Context(), other), r.append(w.t.Context(), batch...)} {
		if errs.ReasonOf(got.err) != errs.ReasonEntryIDReused {
			w.t.Fatalf("append under an id that is taken: %v", got.err)
		}
		if len(got.entries) == 1 && got.positions[0] != a.position {
			w.t.Fatalf("other content under the id of %+v: %+v", a.position, got.positions[0])
		}
		w.settle(id, got)
	}
}

// stormOf returns appends on all replicas: single ones and batches, some the same, some that overlap, some with an entry that the database refuses.
func (w *workload) stormOf(rt *rapid.T, id tenant.ID) (appends []func() attempt) {
	shared := newEntries(w.t, id, 4)
	ctx := w.t.Context()
	for i := range rapid.IntRange(4, 12).Draw(rt, "callers") {
		r := w.replicas[i%len(w.replicas)]
		entries := newEntries(w.t, id, rapid.IntRange(1, 5).Draw(rt, "entries"))
		switch rapid.IntRange(0, 5).Draw(rt, "caller") {
		case 0:
			entries = shared
		case 1:
			entries = append(entries, shared[rapid.IntRange(0, 3).Draw(rt, "shared")])
		case 2:
			entries = shared[:1]
		case 3:
			entries[len(entries)-1].Resource.ID = "poison"
		}
		appends = append(appends, func() attempt { return r.append(ctx, entries...) })
	}
	return appends
}

func (w *workload) storm(rt *rapid.T, _ *replica, id tenant.ID) {
	w.settle(id, atOnce(w.stormOf(rt, id)...)...)
}

// cancel appends for callers who do not wait.
func (w *workload) cancel(rt *rapid.T, r *replica, id tenant.ID) {
	var appends []func() attempt
	for range rapid.IntRange(1, 6).Draw(rt, "callers") {
		ctx, cancel := context.WithCancel(w.t.Context())
		entries := newEntries(w.t, id, rapid.IntRange(1, 3).Draw(rt, "entries"))
		if rapid.Bool().Draw(rt, "at once") {
			cancel()
		}
		appends = append(appends, func() attempt {
			go cancel()
			return r.append(ctx, entries...)
		})
	}
	w.settle(id, atOnce(appends...)...)
	w.mustSettle(id, r.append(w.t.Context(), newEntry(w.t, id))) // what was taken before is decided now
}

// poison appends what the database refuses, next to what it takes.
func (w *workload) poison(rt *rapid.T, r *replica, id tenant.ID) {
	bad := newEntries(w.t, id, rapid.IntRange(1, 5).Draw(rt, "batch"))
	bad[rapid.IntRange(0, len(bad)-1).Draw(rt, "at")].Resource.ID = "poison"
	good := newEntries(w.t, id, 2)
	attempts := atOnce(func() attempt { return r.append(w.t.Context(), bad...) }, func() attempt { return r.append(w.t.Context(), good...) })
	for _, a := range attempts {
		if refused := a.entries[0].EntryID == bad[0].EntryID; (a.err != nil) != refused || a.err != nil && inDoubt(a.err) {
			w.t.Fatalf("an append of %d entries, refused: %t: %v", len(a.entries), refused, a.err)
		}
	}
	w.settle(id, attempts...)
}

// correct corrects an entry, and again on another replica.
func (w *workload) correct(rt *rapid.T, r *replica, id tenant.ID) {
	a, ok := w.some(rt, id)
	if !ok {
		return
	}
	request := audit.CorrectionRequest{
		Entry: a.position.EntryID, Reason: "typo", Corrected: map[string]any{"outcome": "denied"},
		Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "user-2"}, Request: uuid.New(), RequestID: "req-2",
	}
	for _, on := range []*replica{r, w.any(rt)} {
		p, err := on.Correct(as(w.t, id), request)
		if err != nil {
			w.t.Fatalf("Correct: %v", err)
		}
		w.logs[id].ack(w.t, nil, p)
	}
	found, err := r.Corrections(as(w.t, id), []uuid.UUID{request.Entry})
	if list := found[request.Entry]; err != nil || len(list) == 0 || list[len(list)-1].Position.LeafIndex != int64(w.size(id))-1 {
		w.t.Fatalf("Corrections: %+v, %v", list, err)
	}
}

// size is a log's.
func (w *workload) size(id tenant.ID) int { return len(readRows(w.t, w.admin, id)) }

// checkpoint signs a log and proves an entry by a receipt.
func (w *workload) checkpoint(rt *rapid.T, r *replica, id tenant.ID) {
	if head := w.handOut(r, id); head.Size != int64(w.size(id)) {
		w.t.Fatalf("a head of %d of %d entries", head.Size, w.size(id))
	}
	if a, ok := w.some(rt, id); ok {
		w.checkReceipt(w.any(rt), id, a)
	}
}

// checkReceipt verifies a receipt as its owner does.
func (w *workload) checkReceipt(r *replica, id tenant.ID, a acked) {
	w.t.Helper()
	p := audit.Position{}
	text := retried(w.t, func() (text string, err error) {
		text, p, err = r.Receipt(as(w.t, id), a.position.EntryID)
		return text, err
	})
	if p != a.position {
		w.t.Fatalf("a receipt of %+v, want %+v", p, a.position)
	}
	rows := readRows(w.t, w.admin, id)
	ring, _ := w.ring(id)
	got := auditlog.VerifyReceipt(text, auditlog.ReceiptOptions{Keys: ring, Leaf: rows[p.LeafIndex].leaf, Origin: auditlog.Origin(testPrefix, id)})
	if got.Verdict != auditlog.Verified || got.TreeSize != int64(len(rows)) {
		w.t.Fatalf("receipt: %+v", got)
	}
	var leaves tree
	for _, row := range rows {
		leaves = append(leaves, row.leaf)
	}
	if proof, err := auditlog.ParseProof(text); err != nil || !slices.Equal(proof.Hashes, leaves.path(int(p.LeafIndex))) || got.RootHash != leaves.root() {
		w.t.Fatalf("receipt: %+v, %v", proof, err)
	}
}

// commit has a head put on the platform's log.
func (w *workload) commit(rt *rapid.T, r *replica, id tenant.ID) {
	if w.size(id) == 0 {
		return
	}
	c := retried(w.t, func() (audit.Commitment, error) { return r.HeadCommitment(as(w.t, id)) })
	w.logs[id].heads[c.Head.Size] = c.Head
	ring, _ := w.ring(auditlog.PlatformTenant)
	head, report := auditlog.VerifyHeadCommitment(c.Leaf, c.Receipt, auditlog.ReceiptOptions{Keys: ring})
	if report.Verdict != auditlog.Verified || head != c.Head.Checkpoint || head.Size != int64(w.size(id)) {
		w.t.Fatalf("HeadCommitment: %+v, %+v, want %+v", report, head, c.Head.Checkpoint)
	}
	rows := readRows(w.t, w.admin, auditlog.PlatformTenant)
	if !bytes.Equal(rows[report.FirstIndex].leaf, c.Leaf) {
		w.t.Fatalf("entry %d of the platform's log is another", report.FirstIndex)
	}
	w.handOut(w.any(rt), auditlog.PlatformTenant)
}

// rotate takes a replica one stage on in a rotation of keys; none is more than one stage ahead of another.
func (w *workload) rotate(_ *rapid.T, r *replica, id tenant.ID) {
	for _, other := range w.replicas {
		if other.stage < r.stage {
			r = other
		}
	}
	r.stop()
	r.stage++
	r.cfg.SigningKeys = keysOf(r.stage)
	w.start(r)
	w.handOut(r, id)
}

// restart restarts a replica, with or without its signed heads.
func (w *workload) restart(rt *rapid.T, r *replica, _ tenant.ID) {
	r.stop()
	if rapid.Bool().Draw(rt, "without its heads") {
		r.cfg.HeadsDir = w.t.TempDir()
	}
	w.start(r)
}

// loseConnections ends the replicas' sessions, while they append and while they do not.
func (w *workload) loseConnections(rt *rapid.T, r *replica, id tenant.ID) {
	appends := w.stormOf(rt, id)
	appends = append(appends, func() attempt {
		w.disconnect()
		return r.append(w.t.Context(), newEntry(w.t, id))
	})
	w.settle(id, atOnce(appends...)...)
	w.disconnect()
	w.mustSettle(id, r.append(w.t.Context(), newEntry(w.t, id)))
}

// loseAnswer loses the database's answer to a batch, so that the replica cannot know whether it was committed.
func (w *workload) loseAnswer(_ *rapid.T, r *replica, id tenant.ID) {
	entries := newEntries(w.t, id, 3)
	r.lose.Store(true)
	w.settle(id, r.append(w.t.Context(), entries...)) // it may give up, if its other sessions have ended, too
	r.lose.Store(false)
	w.mustSettle(id, r.append(w.t.Context(), entries...))
}

// loseDatabase takes the database away, twice in all: it takes its time.
func (w *workload) loseDatabase(rt *rapid.T, r *replica, id tenant.ID) {
	if w.outages++; w.outages > 2 {
		w.loseConnections(rt, r, id)
		return
	}
	w.outage(r, func() {
		w.settle(id, r.append(w.t.Context(), newEntries(w.t, id, 2)...), r.append(w.t.Context(), newEntry(w.t, id)))
	})
}

// resolve tries again what is in doubt.
func (w *workload) resolve(_ *rapid.T, r *replica, id tenant.ID) { w.resolveAll(r, id) }

func (w *workload) resolveAll(r *replica, id tenant.ID) {
	w.t.Helper()
	log := w.logs[id]
	doubts := log.doubts
	log.doubts = nil
	for _, a := range doubts {
		again := r.append(w.t.Context(), a.entries...)
		if again.err != nil && errs.ReasonOf(again.err) != errs.ReasonEntryIDReused {
			w.t.Fatalf("append again: %v", again.err)
		}
		w.settle(id, again)
	}
}
