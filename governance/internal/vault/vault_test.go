package vault_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

var (
	tenantA = tenant.ID(uuid.MustParse("0189aaaa-0000-7000-8000-00000000000a"))
	tenantB = tenant.ID(uuid.MustParse("0189bbbb-0000-7000-8000-00000000000b"))
)

// key returns the text of a wrapping key.
func key(n byte) string {
	sum := sha256.Sum256([]byte{n})
	return base64.StdEncoding.EncodeToString(sum[:])
}

func wrapping(t testing.TB, text string) vault.Wrapping {
	t.Helper()
	w, err := vault.ParseWrapping(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// store is a vault on a database.
type store struct {
	*vault.Vault
	t  testing.TB
	db postgrestest.GovernanceDB
}

func newStore(t testing.TB, db postgrestest.GovernanceDB, keys string) store {
	t.Helper()
	v := vault.New(vault.Config{Pool: db.App, Wrapping: wrapping(t, keys), Timeout: time.Minute, UpkeepEvery: time.Hour})
	return store{v, t, db}
}

// run runs the vault until the returned function is called or the test ends.
func (s store) run() func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(stop)
	return stop
}

func (s store) as(id tenant.ID) context.Context { return tenant.NewContext(s.t.Context(), id) }

func (s store) tx(id tenant.ID, fn func(ctx context.Context, tx pgx.Tx) error) {
	s.t.Helper()
	if err := postgres.TenantTx(s.as(id), s.db.App, fn); err != nil {
		s.t.Fatal(err)
	}
}

// keeps makes the tenant keep inputs, and returns its keys.
func (s store) keeps(id tenant.ID, retention time.Duration) vault.Keys {
	s.t.Helper()
	s.tx(id, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO gov_decision_settings DEFAULT VALUES ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE gov_decision_settings SET keep_inputs = true, input_retention = $1, kept_retention = $1`, int64(retention.Seconds()))
		if err != nil {
			return err
		}
		return s.EnsureKeys(ctx, tx, true)
	})
	return s.keys(id)
}

func (s store) keys(id tenant.ID) (keys vault.Keys) {
	s.t.Helper()
	s.tx(id, func(ctx context.Context, tx pgx.Tx) (err error) {
		keys, err = s.ReadKeys(ctx, tx)
		return err
	})
	return keys
}

func (s store) erase(id tenant.ID) (erased int64) {
	s.t.Helper()
	s.tx(id, func(ctx context.Context, tx pgx.Tx) (err error) {
		if erased, err = s.Erase(ctx, tx); err != nil {
			return err
		}
		return s.EnsureKeys(ctx, tx, true)
	})
	return erased
}

// count counts the stored rows of a tenant.
func (s store) count(id tenant.ID, table string) (n int) {
	s.t.Helper()
	s.tx(id, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM `+pgx.Identifier{table}.Sanitize()).Scan(&n)
	})
	return n
}

func input(t *testing.T, n int) rego.Input {
	t.Helper()
	in, err := rego.NewInput(map[string]any{"n": float64(n), "name": "Ann \u2028 \"O\""})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func item(decision uuid.UUID, in rego.Input) vault.Item {
	return vault.Item{Decision: decision, DecidedAt: time.Now(), JSON: in.JSON(), SHA256: in.SHA256()}
}

func ref(i vault.Item) vault.Ref { return vault.Ref{Decision: i.Decision, SHA256: i.SHA256} }

func (s store) keep(id tenant.ID, k vault.Keys, i vault.Item) vault.Ref {
	s.t.Helper()
	if err := s.Keep(s.as(id), k.Inputs, i); err != nil {
		s.t.Fatalf("Keep: %v", err)
	}
	return ref(i)
}

func (s store) open(id tenant.ID, refs ...vault.Ref) map[uuid.UUID]rego.Input {
	s.t.Helper()
	got, err := s.Open(s.as(id), refs)
	if err != nil {
		s.t.Fatalf("Open: %v", err)
	}
	return got
}

func TestWhatIsKeptOpens(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	a, b := s.keeps(tenantA, time.Hour), s.keeps(tenantB, time.Hour)
	want := map[uuid.UUID]string{}
	var refs []vault.Ref
	var mu sync.Mutex
	var wait sync.WaitGroup
	for n := range 300 {
		wait.Go(func() {
			in := input(t, n)
			i := item(uuid.New(), in)
			if err := s.Keep(s.as(tenantA), a.Inputs, i); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(refs) < vault.MaxOpen {
				refs, want[i.Decision] = append(refs, ref(i)), string(in.JSON())
			}
		})
	}
	foreign := s.keep(tenantB, b, item(uuid.New(), input(t, -1)))
	wait.Wait()
	got := map[uuid.UUID]string{}
	for id, in := range s.open(tenantA, refs...) {
		got[id] = string(in.JSON())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	if got := s.open(tenantA, foreign); len(got) != 0 {
		t.Errorf("another tenant's input opens: %v", got)
	}
	if got := s.open(tenantA, vault.Ref{Decision: refs[0].Decision}, vault.Ref{Decision: uuid.New()}); len(got) != 0 {
		t.Errorf("what was never kept opens: %v", got)
	}
	if _, err := s.Open(s.as(tenantA), make([]vault.Ref, vault.MaxOpen+1)); err == nil {
		t.Error("more than MaxOpen are opened")
	}
}

// A request id may be used with another input before the first decision is on the wall: the digest tells the inputs apart, and to keep one again changes
// nothing.
func TestInputsOfOneDecision(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	a := s.keeps(tenantA, time.Hour)
	id := uuid.New()
	first := s.keep(tenantA, a, item(id, input(t, 1)))
	second := s.keep(tenantA, a, item(id, input(t, 2)))
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if err := s.Keep(s.as(tenantA), a.Inputs, item(id, input(t, 1))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for n, r := range map[int]vault.Ref{1: first, 2: second} {
		if in := s.open(tenantA, r)[id]; in.SHA256() != input(t, n).SHA256() {
			t.Errorf("input %d is %s", n, in.JSON())
		}
	}
	if n := s.count(tenantA, "gov_decision_inputs"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// Whoever has the whole database reads neither inputs nor keys, and can exchange neither.
func TestTheDatabaseTellsNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	a, b := s.keeps(tenantA, time.Hour), s.keeps(tenantB, time.Hour)
	in := input(t, 1)
	one := s.keep(tenantA, a, item(uuid.New(), in))
	two := s.keep(tenantA, a, item(uuid.New(), in))
	s.keep(tenantB, b, item(uuid.New(), in))
	owner := s.db.Admin()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	var sealed [][]byte
	rows, err := owner.Query(t.Context(), `SELECT sealed FROM gov_decision_inputs`)
	if err != nil {
		t.Fatal(err)
	}
	if sealed, err = pgx.CollectRows(rows, pgx.RowTo[[]byte]); err != nil || len(sealed) != 3 {
		t.Fatalf("%d rows, %v", len(sealed), err)
	}
	for i, row := range sealed {
		if bytes.Contains(row, []byte("Ann")) || i > 0 && bytes.Equal(row[24:], sealed[0][24:]) {
			t.Errorf("row %d: % x", i, row)
		}
	}
	// A row in another decision's place.
	exec(`UPDATE gov_decision_inputs i SET sealed = o.sealed FROM gov_decision_inputs o WHERE i.decision_id = $1 AND o.decision_id = $2`, one.Decision, two.Decision)
	if got := s.open(tenantA, one, two); len(got) != 1 || got[two.Decision].SHA256() != in.SHA256() {
		t.Errorf("after an exchange of rows: %v", got)
	}
	// A key in another tenant's place.
	exec(`UPDATE gov_decision_keys k SET wrapped = o.wrapped FROM gov_decision_keys o
		WHERE k.tenant_id = $1 AND o.tenant_id = $2 AND k.purpose = 'INPUTS' AND o.purpose = 'INPUTS'`, uuid.UUID(tenantA), uuid.UUID(tenantB))
	if got, err := s.Open(s.as(tenantA), []vault.Ref{two}); err == nil {
		t.Errorf("under another tenant's key: %v", got)
	}
}

func TestErasure(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	stop := s.run()
	a, b := s.keeps(tenantA, time.Hour), s.keeps(tenantB, time.Hour)
	var gone []vault.Ref
	for n := range 5 {
		gone = append(gone, s.keep(tenantA, a, item(uuid.New(), input(t, n))))
	}
	stays := s.keep(tenantB, b, item(uuid.New(), input(t, 9)))
	if n := s.erase(tenantA); n != 5 {
		t.Errorf("%d erased, want 5", n)
	}
	if got := s.open(tenantA, gone...); len(got) != 0 {
		t.Errorf("after the erasure: %v", got)
	}
	// A replica that has not heard of the erasure keeps under the new key, also what was kept before.
	again := item(gone[0].Decision, input(t, 0))
	for _, r := range []vault.Ref{s.keep(tenantA, a, again), s.keep(tenantA, a, item(uuid.New(), input(t, 7)))} {
		if got := s.open(tenantA, r); len(got) != 1 {
			t.Errorf("kept after the erasure: %v", got)
		}
	}
	if a.Digest.Sum([]byte("x")) == s.keys(tenantA).Digest.Sum([]byte("x")) {
		t.Error("the digests of before the erasure can still be made")
	}
	stop() // its own pass may be late, and hold what this one would delete
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, keys := s.count(tenantA, "gov_decision_inputs"), s.count(tenantA, "gov_decision_keys"); n != 2 || keys != 2 {
		t.Errorf("after the upkeep: %d inputs, %d keys, want 2 and 2", n, keys)
	}
	if got := s.open(tenantB, stays); len(got) != 1 {
		t.Error("another tenant's input is gone")
	}
	if n := s.erase(tenantA); n != 2 {
		t.Errorf("%d erased, want 2", n)
	}
}

// Nothing that an erasure finds being written escapes it: it is counted, or it is written under the new key.
func TestErasureBesideKeeping(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	a := s.keeps(tenantA, time.Hour)
	const keepers, each = 8, 25
	refs := make(chan vault.Ref)
	for range keepers {
		go func() {
			for n := range each {
				i := item(uuid.New(), input(t, n))
				if err := s.Keep(s.as(tenantA), a.Inputs, i); err != nil { // the key that it has just read may be gone again
					err = s.Keep(s.as(tenantA), a.Inputs, i)
					if err != nil {
						t.Error(err)
					}
				}
				refs <- ref(i)
			}
		}()
	}
	var erased int64
	var all []vault.Ref
	for len(all) < keepers*each {
		if all = append(all, <-refs); len(all)%60 == 0 {
			erased += s.erase(tenantA)
		}
	}
	left := 0
	for chunk := range slices.Chunk(all, vault.MaxOpen) {
		left += len(s.open(tenantA, chunk...))
	}
	if erased == 0 || int64(left)+erased != keepers*each {
		t.Errorf("%d left and %d erased of %d", left, erased, keepers*each)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	stop := s.run()
	a := s.keeps(tenantA, 2*time.Hour)
	old := item(uuid.New(), input(t, 1))
	old.DecidedAt = time.Now().Add(-90 * time.Minute)
	young := item(uuid.New(), input(t, 2))
	s.keep(tenantA, a, old)
	s.keep(tenantA, a, young)
	stop() // its own pass may be late, and hold what the passes below would delete
	left := func() (n int) {
		t.Helper()
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.count(tenantA, "gov_decision_inputs")
	}
	if n := left(); n != 2 {
		t.Errorf("within the retention %d are left, want 2", n)
	}
	s.keeps(tenantA, time.Hour) // a shorter one holds for what is kept already, at once
	if got := s.open(tenantA, ref(old), ref(young)); len(got) != 1 || got[young.Decision].JSON() == nil {
		t.Errorf("open: %v, want the younger one", got)
	}
	if n := left(); n != 1 {
		t.Errorf("after the retention %d are left, want 1", n)
	}
	// Inputs that are kept no longer go when they would have gone.
	s.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE gov_decision_settings SET keep_inputs = false, input_retention = NULL`)
		return err
	})
	if got := s.open(tenantA, ref(young)); len(got) != 1 {
		t.Error("what was kept before is gone")
	}
	for id, want := range map[tenant.ID]bool{tenantA: true, tenantB: false} {
		s.tx(id, func(ctx context.Context, tx pgx.Tx) error {
			keeps, err := vault.Keeps(ctx, tx)
			if keeps != want {
				t.Errorf("tenant %s keeps some: %v", id, keeps)
			}
			return err
		})
	}
}

// More than one batch is deleted in one pass, and no more than due.
func TestDeletionInBatches(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.keeps(tenantA, time.Hour)
	s.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO gov_decision_inputs (decision_id, input_sha256, key_id, decide_time, sealed)
			SELECT gen_random_uuid(), sha256(n::text::bytea), k.id, now() - make_interval(mins => 61 - (n % 2) * 30), sha512(n::text::bytea)
			FROM generate_series(1, 5000) n, gov_decision_keys k
			WHERE k.purpose = 'INPUTS'`)
		return err
	})
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.count(tenantA, "gov_decision_inputs"); n != 2500 {
		t.Errorf("%d are left, want 2500", n)
	}
}

// What was erased is deleted as soon as somebody says so.
func TestErasedInputsAreDeleted(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	s.keep(tenantA, s.keeps(tenantA, time.Hour), item(uuid.New(), input(t, 1)))
	conn := s.db.Admin()
	_, err := conn.Exec(t.Context(), `
		CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('deleted', ''); RETURN old; END $$;
		CREATE TRIGGER announce AFTER DELETE ON gov_decision_inputs FOR EACH ROW EXECUTE FUNCTION announce();
		LISTEN deleted`)
	if err != nil {
		t.Fatal(err)
	}
	s.erase(tenantA)
	s.Wake()
	if _, err := conn.WaitForNotification(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.count(tenantA, "gov_decision_inputs"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	db := postgrestest.Governance(t)
	before := newStore(t, db, key(1))
	stop := before.run()
	r := before.keep(tenantA, before.keeps(tenantA, time.Hour), item(uuid.New(), input(t, 1)))
	stop()

	both := newStore(t, db, key(2)+"\n"+key(1))
	if got := both.open(tenantA, r); len(got) != 1 {
		t.Error("before the upkeep nothing opens")
	}
	if err := both.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := newStore(t, db, key(2)).open(tenantA, r); len(got) != 1 {
		t.Error("the new key alone opens nothing")
	}
	for name, keys := range map[string]string{"the old key": key(1), "no key": ""} {
		s := newStore(t, db, keys)
		if _, err := s.Open(s.as(tenantA), []vault.Ref{r}); errs.ReasonOf(err) != errs.ReasonInputsKeyMissing {
			t.Errorf("%s: %v, want INPUTS_KEY_MISSING", name, err)
		}
		if k := s.keys(tenantA); k.Inputs != nil || k.Digest != nil {
			t.Errorf("%s reads the tenant's keys", name)
		}
		if err := s.Upkeep(t.Context()); err != nil {
			t.Errorf("%s: upkeep: %v", name, err)
		}
		err := postgres.TenantTx(s.as(tenantA), db.App, func(ctx context.Context, tx pgx.Tx) error { return s.EnsureKeys(ctx, tx, true) })
		if errs.ReasonOf(err) != errs.ReasonInputsKeyMissing {
			t.Errorf("%s: EnsureKeys: %v, want INPUTS_KEY_MISSING", name, err)
		}
	}
}

// Without a key that wraps, digests have a key nevertheless. As soon as there is one, another takes its place: this one was never a secret.
func TestWithoutWrappingKey(t *testing.T) {
	t.Parallel()
	db := postgrestest.Governance(t)
	bare := newStore(t, db, "")
	bare.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO gov_decision_settings DEFAULT VALUES`); err != nil {
			return err
		}
		return bare.EnsureKeys(ctx, tx, false)
	})
	before := bare.keys(tenantA)
	if before.Digest == nil || before.Inputs != nil {
		t.Fatalf("keys %+v", before)
	}
	s := newStore(t, db, key(1))
	if found := s.keys(tenantA); found.Digest != nil {
		t.Error("a key that is not encrypted is used")
	}
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := s.keys(tenantA); after.Digest == nil || after.Digest.Sum([]byte("x")) == before.Digest.Sum([]byte("x")) {
		t.Error("the key has not been replaced")
	}
	if after := bare.keys(tenantA); after.Digest != nil {
		t.Error("the key is still readable in the database")
	}
}

// Who can write to the database, and does not have the key that wraps, cannot put keys there that they know.
func TestPlantedKeys(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.keeps(tenantA, time.Hour)
	known := bytes.Repeat([]byte("known"), 7)[:32]
	for _, sql := range []string{
		`ALTER TABLE gov_decision_keys DROP CONSTRAINT gov_decision_keys_wrapping_key_check`,
		`UPDATE gov_decision_keys SET wrapping_key = '', wrapped = $1`,
	} {
		var args []any
		if strings.Contains(sql, "$1") {
			args = append(args, known)
		}
		if _, err := s.db.Admin().Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	if k := s.keys(tenantA); k.Inputs != nil || k.Digest != nil {
		t.Error("planted keys are used")
	}
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, known)
	if k := s.keys(tenantA); k.Inputs != nil || k.Digest == nil || bytes.Equal(digest(k, ""), mac.Sum(nil)) {
		t.Error("the upkeep has made a planted key its own")
	}
	s.erase(tenantA) // what an operator does then
	if k := s.keys(tenantA); k.Inputs == nil || k.Digest == nil {
		t.Error("no new keys after the erasure")
	}
}

func digest(k vault.Keys, text string) []byte {
	sum := k.Digest.Sum([]byte(text))
	return sum[:]
}

// An erasure needs no key; what it could not make is made by the upkeep.
func TestErasureWithoutWrappingKey(t *testing.T) {
	t.Parallel()
	db := postgrestest.Governance(t)
	s := newStore(t, db, key(1))
	s.keeps(tenantA, time.Hour)
	bare := newStore(t, db, "")
	bare.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		_, err := bare.Erase(ctx, tx)
		return err
	})
	if k := s.keys(tenantA); k.Inputs != nil || k.Digest != nil {
		t.Error("keys are left")
	}
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k := s.keys(tenantA); k.Inputs == nil || k.Digest == nil {
		t.Error("no keys were made")
	}
}

// A store that fails says so to everybody who waits, and is not tried again at once.
func TestFailingStore(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	a := s.keeps(tenantA, time.Hour)
	if _, err := s.db.Admin().Exec(t.Context(), `ALTER TABLE gov_decision_inputs RENAME TO gone`); err != nil {
		t.Fatal(err)
	}
	s.run()
	if err := s.Keep(s.as(tenantA), a.Inputs, item(uuid.New(), input(t, 1))); err == nil {
		t.Error("kept, although there is no table")
	}
	ended, cancel := context.WithCancel(s.as(tenantA))
	cancel() // it would end the wait for the database, but nobody waits
	err := s.Keep(ended, a.Inputs, item(uuid.New(), input(t, 1)))
	if err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("after a failure: %v, want a refusal at once", err)
	}
	if err := s.Keep(s.as(tenantB), nil, item(uuid.New(), input(t, 1))); err == nil {
		t.Error("kept without a key")
	}
}

func TestWrappingKeysStaySecret(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", key(1) + "," + key(2)[:8], base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		_, err := vault.ParseWrapping(text)
		if err == nil || bytes.Contains([]byte(err.Error()), []byte(text)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	w := wrapping(t, key(1)+", "+key(2))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, w); got != "wrapping keys [redacted]" {
			t.Errorf("%s prints %s", format, got)
		}
	}
	if none := wrapping(t, " \n"); none.Present() || !w.Present() {
		t.Error("Present is wrong")
	}
}
