package audit_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// workload is what a random workload has done so far: what its callers were answered, and what may have become of the rest.
type workload struct {
	t        *testing.T
	db       postgrestest.AuditDB
	admin    *pgx.Conn
	server   *pgx.Conn // to another database of the server
	replicas []*replica
	logs     map[tenant.ID]*workLog
	outages  int
}

// replica is a wall with connections and keys of its own.
type replica struct {
	*audit.Wall
	cfg    audit.Config
	stop   func()
	writer *pgxpool.Pool
	lose   atomic.Bool // the next answer of the database
	stage  int         // of the rotation of keys
}

// workLog is what callers know of a log.
type workLog struct {
	acked   map[uuid.UUID]acked
	order   []uuid.UUID                   // those of acked
	doubts  []attempt                     // that were neither answered nor refused
	refused map[uuid.UUID]struct{}        // that must not be there
	heads   map[int64]auditlog.SignedHead // that were handed out
	proven  map[int64]struct{}            // sizes of stored checkpoints between which all consistency proofs were checked
}

// acked is an entry that the wall answered for.
type acked struct {
	entry    *auditlog.Entry // nil for one that the wall worded
	position audit.Position
}

// attempt is what an append, or a batch of them, came to.
type attempt struct {
	entries   []auditlog.Entry
	positions []audit.Position
	err       error
}

func startWorkload(t *testing.T, replicas int, tenants ...tenant.ID) *workload {
	t.Helper()
	w := &workload{t: t, db: postgrestest.Audit(t), logs: map[tenant.ID]*workLog{}}
	lifted(t, w.db, `ALTER TABLE gov_audit_trail_entries ADD CONSTRAINT no_poison CHECK (resource_id <> 'poison')`)
	w.admin = w.db.Admin()
	var err error
	if w.server, err = pgx.Connect(t.Context(), strings.Replace(w.db.AdminURL, "/"+w.db.Name, "/postgres", 1)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.server.Close(context.Background()) })
	for range replicas {
		r := &replica{cfg: wallConfig(t)}
		r.cfg.FlushTimeout = 2 * time.Second
		r.writer = lossyPool(t, w.db.WriterURL, &r.lose)
		r.cfg.SigningKeys = keysOf(0)
		w.start(r)
		w.replicas = append(w.replicas, r)
	}
	for _, id := range append(tenants, auditlog.PlatformTenant) {
		w.logs[id] = &workLog{
			acked: map[uuid.UUID]acked{}, refused: map[uuid.UUID]struct{}{}, heads: map[int64]auditlog.SignedHead{}, proven: map[int64]struct{}{},
		}
	}
	return w
}

func (w *workload) start(r *replica) {
	r.Wall, r.stop = audittest.Start(w.t, audit.Databases{Writer: r.writer, Reader: w.db.Reader}, r.cfg)
}

// keysOf returns the signing keys at a stage of a rotation: one key at even stages, that and the next between them.
func keysOf(stage int) config.Secret {
	key := func(n int) string { return strings.Repeat(string(rune('a'+n)), 42) + "A=" } // some 32 bytes in base64
	if stage%2 == 0 {
		return config.Secret(key(stage / 2))
	}
	return config.Secret(key(stage/2) + "," + key(stage/2+1))
}

// ring is all keys that any replica has had.
func (w *workload) ring(id tenant.ID) (ring auditlog.Keyring, vkeys []string) {
	w.t.Helper()
	for _, r := range w.replicas {
		for stage := range r.stage + 1 {
			vkeys = append(vkeys, vkeysAt(w.t, stage, id)...)
		}
	}
	ring, err := auditlog.ParseKeys(vkeys...)
	if err != nil {
		w.t.Fatal(err)
	}
	return ring, vkeys
}

// vkeysAt returns the keys of a log at a stage.
func vkeysAt(t *testing.T, stage int, id tenant.ID) (vkeys []string) {
	t.Helper()
	keys, err := auditlog.ParseSigningKeys(keysOf(stage).Reveal())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		vkey, err := k.VKey(auditlog.Origin(testPrefix, id))
		if err != nil {
			t.Fatal(err)
		}
		vkeys = append(vkeys, vkey)
	}
	return vkeys
}

// append appends entries, as a batch if there are several.
func (r *replica) append(ctx context.Context, entries ...auditlog.Entry) attempt {
	a := attempt{entries: entries}
	if len(entries) > 1 {
		a.positions, a.err = r.AppendBatch(ctx, entries)
		return a
	}
	position, err := r.Append(ctx, entries[0])
	a.positions, a.err = []audit.Position{position}, err
	return a
}

// at once runs appends side by side and returns what they came to.
func atOnce(appends ...func() attempt) []attempt {
	done := make(chan attempt)
	for _, a := range appends {
		go func() { done <- a() }()
	}
	attempts := make([]attempt, len(appends))
	for i := range attempts {
		attempts[i] = <-done
	}
	return attempts
}

// settle notes what attempts on one log came to. Of two answers about the same entry the better one counts.
func (w *workload) settle(id tenant.ID, attempts ...attempt) {
	w.t.Helper()
	log := w.logs[id]
	for _, a := range attempts {
		if a.err != nil {
			continue
		}
		checkBatch(w.t, a.entries, a.positions)
		for i := range a.entries {
			log.ack(w.t, &a.entries[i], a.positions[i])
		}
	}
	for _, a := range attempts {
		if a.err != nil && inDoubt(a.err) {
			log.doubts = append(log.doubts, a)
		}
	}
	open := log.doubtful()
	for _, a := range attempts {
		if a.err == nil || inDoubt(a.err) {
			continue
		}
		for _, e := range a.entries {
			if _, there := log.acked[e.EntryID]; !there && !open[e.EntryID] {
				log.refused[e.EntryID] = struct{}{}
			}
		}
	}
}

// inDoubt reports whether an error leaves open whether the entries are on the wall.
func inDoubt(err error) bool {
	return errs.ReasonOf(err) == errs.ReasonUnavailable || errs.ReasonOf(err) == errs.ReasonConflict || errors.Is(err, context.Canceled)
}

// ack notes an answer; a later one must be the same.
func (l *workLog) ack(t *testing.T, e *auditlog.Entry, p audit.Position) {
	t.Helper()
	id := p.EntryID
	first, again := l.acked[id]
	if again && first.position != p {
		t.Fatalf("entry %s was answered with %+v, now with %+v", id, first.position, p)
	}
	if !again {
		l.acked[id] = acked{e, p}
		l.order = append(l.order, id)
	}
	delete(l.refused, id)
}

// doubtful returns the ids of entries that may or may not be there.
func (l *workLog) doubtful() map[uuid.UUID]bool {
	open := map[uuid.UUID]bool{}
	for _, a := range l.doubts {
		for _, e := range a.entries {
			open[e.EntryID] = true
		}
	}
	return open
}

// disconnect ends every session of the wall's roles, as a restart of the server does.
func (w *workload) disconnect() {
	w.t.Helper()
	_, err := w.admin.Exec(w.t.Context(), `
		SELECT pg_terminate_backend(pid, 10000)
		FROM pg_stat_activity
		WHERE usename = 'aumos_audit_writer' AND datname = current_database()`)
	if err != nil {
		w.t.Error(err) // it is called from other goroutines, too
	}
}

// outage takes the database away while appends of a replica are under way, and gives it back.
func (w *workload) outage(r *replica, during func()) {
	w.t.Helper()
	exec := func(sql string) {
		if _, err := w.server.Exec(w.t.Context(), sql); err != nil {
			w.t.Fatal(err)
		}
	}
	exec(`ALTER DATABASE ` + w.db.Name + ` ALLOW_CONNECTIONS false`)
	exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename LIKE 'aumos_audit_%' AND datname = '` + w.db.Name + `'`)
	during()
	exec(`ALTER DATABASE ` + w.db.Name + ` ALLOW_CONNECTIONS true`)
	w.db.Reader.Reset() // its idle connections ended, too
	eventually(w.t, "the wall is back", func() bool { return r.Ready() == nil })
}

// lossyPool connects as the writer and loses the server's next answer when told to.
func lossyPool(t testing.TB, url string, lose *atomic.Bool) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return lossyConn{conn, lose}, err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

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

// retried does what a caller does who is told to try again, as happens once for each session that has ended.
func retried[T any](t *testing.T, call func() (T, error)) T {
	t.Helper()
	for range 20 {
		answer, err := call()
		switch {
		case err == nil:
			return answer
		case errs.ReasonOf(err) != errs.ReasonUnavailable:
			t.Fatal(err)
		}
	}
	t.Fatal("unavailable for good")
	panic("unreachable")
}

// handOut asks a replica for a signed head and notes it.
func (w *workload) handOut(r *replica, id tenant.ID) auditlog.SignedHead {
	w.t.Helper()
	head := retried(w.t, func() (auditlog.SignedHead, error) { return r.Checkpoint(as(w.t, id)) })
	if want := vkeysAt(w.t, r.stage, id); len(head.KeyIDs) != len(want) {
		w.t.Fatalf("signed by %q, want %q", head.KeyIDs, want)
	}
	w.logs[id].heads[head.Size] = head
	return head
}
