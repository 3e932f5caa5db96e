package audit_test

import (
	"context"
	"errors"
	"net"
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
