package idempotency_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/idempotency"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

type fixture struct {
	postgrestest.GovernanceDB
	ctx context.Context // acts for a tenant
	key idempotency.Key
}

func setup(t *testing.T) fixture {
	t.Helper()
	request := &governancev1.CreatePolicyRequest{Name: "loan limits", RequestId: newUUID(t).String()}
	return fixture{
		GovernanceDB: postgrestest.Governance(t),
		ctx:          newTenant(t),
		key:          idempotency.Key{RequestID: request.GetRequestId(), Method: "/test/Create", RequestSHA256: idempotency.Digest(request)},
	}
}

func newUUID(t *testing.T) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newTenant(t *testing.T) context.Context {
	t.Helper()
	return tenant.NewContext(t.Context(), tenant.ID(newUUID(t)))
}

type outcome struct {
	response string
	replayed bool
	ran      bool
	err      error
}

// once runs Once in a transaction of its own.
func (f fixture) once(ctx context.Context, key idempotency.Key, response string, failure error) (o outcome) {
	o.err = postgres.TenantTx(ctx, f.App, func(ctx context.Context, tx pgx.Tx) error {
		got, replayed, err := idempotency.Once(ctx, tx, key, func(context.Context) ([]byte, error) {
			o.ran = true
			if failure != nil {
				return nil, failure
			}
			return []byte(response), nil
		})
		o.response, o.replayed = string(got), replayed
		return err
	})
	return o
}

func TestOnceReplaysResponse(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, response := range []string{"made", ""} { // an empty message is a response too
		key := f.key
		key.RequestID = newUUID(t).String()
		if got, want := f.once(f.ctx, key, response, nil), (outcome{response: response, ran: true}); got != want {
			t.Errorf("first call: %+v, want %+v", got, want)
		}
		if got, want := f.once(f.ctx, key, "another", nil), (outcome{response: response, replayed: true}); got != want {
			t.Errorf("second call: %+v, want %+v", got, want)
		}
	}
}

// What is kept can be asked for beforehand, as long as it would be replayed.
func TestKept(t *testing.T) {
	t.Parallel()
	f := setup(t)
	kept := func(ctx context.Context, key idempotency.Key) (response string, ok bool, err error) {
		err = postgres.ReadTenantTx(ctx, f.App, func(ctx context.Context, tx pgx.Tx) error {
			var got []byte
			got, ok, err = idempotency.Kept(ctx, tx, key)
			response = string(got)
			return err
		})
		return response, ok, err
	}
	if got, ok, err := kept(f.ctx, f.key); ok || err != nil {
		t.Errorf("before the call: %q, %v, %v", got, ok, err)
	}
	f.once(f.ctx, f.key, "made", nil)
	if got, ok, err := kept(f.ctx, f.key); got != "made" || !ok || err != nil {
		t.Errorf("after it: %q, %v, %v", got, ok, err)
	}
	if got, ok, err := kept(newTenant(t), f.key); ok || err != nil {
		t.Errorf("in another tenant: %q, %v, %v", got, ok, err)
	}
	other, none := f.key, f.key
	other.Method = "/test/Other"
	if _, ok, err := kept(f.ctx, other); ok || errs.ReasonOf(err) != errs.ReasonRequestIDReused {
		t.Errorf("with another method: %v, %v", ok, err)
	}
	none.RequestID = ""
	if _, ok, err := kept(f.ctx, none); ok || err != nil {
		t.Errorf("without a request id: %v, %v", ok, err)
	}
	if _, err := f.Admin().Exec(t.Context(), `UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 minute'`); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := kept(f.ctx, f.key); ok || err != nil {
		t.Errorf("after the lifetime: %q, %v, %v", got, ok, err)
	}
}

func TestOnceRunsEachTime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	none, other := f.key, f.key
	none.RequestID = ""
	other.RequestID = newUUID(t).String()
	f.once(f.ctx, f.key, "first", nil)
	for _, c := range []struct {
		name string
		ctx  context.Context
		key  idempotency.Key
	}{
		{"without a request id", f.ctx, none},
		{"without a request id, again", f.ctx, none},
		{"with another request id", f.ctx, other},
		{"with another tenant's request id", newTenant(t), f.key},
	} {
		if got, want := f.once(c.ctx, c.key, "made", nil), (outcome{response: "made", ran: true}); got != want {
			t.Errorf("%s: %+v, want %+v", c.name, got, want)
		}
	}
}

func TestOnceRefusesRequestIDOfAnotherRequest(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.once(f.ctx, f.key, "made", nil)
	request, method, malformed := f.key, f.key, f.key
	request.RequestSHA256 = idempotency.Digest(&governancev1.CreatePolicyRequest{Name: "other", RequestId: f.key.RequestID})
	method.Method = "/test/Delete"
	malformed.RequestID = "7"
	for _, c := range []struct {
		name string
		key  idempotency.Key
		want errs.Reason
	}{
		{"another request", request, errs.ReasonRequestIDReused},
		{"another method", method, errs.ReasonRequestIDReused},
		{"malformed id", malformed, errs.ReasonInvalidField},
	} {
		got := f.once(f.ctx, c.key, "again", nil)
		if !errors.Is(got.err, errs.New(errs.InvalidArgument, c.want, "")) || got.ran {
			t.Errorf("%s: %+v, want INVALID_ARGUMENT %s and nothing done", c.name, got, c.want)
		}
	}
}

func TestOnceForgetsFailures(t *testing.T) {
	t.Parallel()
	f := setup(t)
	failure := errs.InvalidField("name", "is taken")
	if got := f.once(f.ctx, f.key, "", failure); !errors.Is(got.err, failure) {
		t.Errorf("failing call: %+v, want its own error", got)
	}
	if got, want := f.once(f.ctx, f.key, "made", nil), (outcome{response: "made", ran: true}); got != want {
		t.Errorf("call after a failure: %+v, want %+v", got, want)
	}
}

// The second call starts while the first has done its work and not committed. It must neither run nor answer before it knows how the first ended.
func TestOnceWaitsForConcurrentDuplicate(t *testing.T) {
	t.Parallel()
	rolledBack := errors.New("rolled back")
	for _, c := range []struct {
		name string
		end  error // of the first call
		want outcome
	}{
		{"that commits", nil, outcome{response: "first", replayed: true}},
		{"that rolls back", rolledBack, outcome{response: "second", ran: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			admin := f.Admin()
			second := make(chan outcome, 1)
			err := postgres.TenantTx(f.ctx, f.App, func(ctx context.Context, tx pgx.Tx) error {
				_, _, err := idempotency.Once(ctx, tx, f.key, func(context.Context) ([]byte, error) { return []byte("first"), nil })
				if err != nil {
					return err
				}
				go func() { second <- f.once(f.ctx, f.key, "second", nil) }()
				// The view of locks says when the second call waits: there is no other event to see.
				for waits := false; !waits; {
					select {
					case o := <-second:
						t.Errorf("the second call did not wait: %+v", o)
						second <- o
						return nil
					default:
					}
					err := admin.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)))`, tx.Conn().PgConn().PID()).Scan(&waits)
					if err != nil {
						return err
					}
				}
				return c.end
			})
			if !errors.Is(err, c.end) {
				t.Fatalf("first call: %v, want %v", err, c.end)
			}
			if got := <-second; got != c.want {
				t.Errorf("second call: %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestOnceAfterLifetime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	admin := f.Admin()
	for range 20 { // more than one call removes
		key := f.key
		key.RequestID = newUUID(t).String()
		f.once(f.ctx, key, "old", nil)
	}
	f.once(f.ctx, f.key, "old", nil)
	age := func(interval string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), `UPDATE idempotency_keys SET created_at = now() - $1::interval`, interval); err != nil {
			t.Fatal(err)
		}
	}
	age("23 hours 59 minutes")
	if got := f.once(f.ctx, f.key, "new", nil); !got.replayed {
		t.Errorf("before the lifetime ends: %+v, want the first response", got)
	}
	age("24 hours 1 minute")
	if got := f.once(newTenant(t), f.key, "theirs", nil); got.err != nil {
		t.Fatal(got.err)
	}
	count := func() (n int) {
		t.Helper()
		if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 22 {
		t.Errorf("%d rows, want 22: a tenant's call must leave other tenants' rows alone", n)
	}
	if got, want := f.once(f.ctx, f.key, "new", nil), (outcome{response: "new", ran: true}); got != want {
		t.Errorf("after the lifetime: %+v, want %+v", got, want)
	}
	if got, want := f.once(f.ctx, f.key, "newer", nil), (outcome{response: "new", replayed: true}); got != want {
		t.Errorf("replay after the lifetime: %+v, want %+v", got, want)
	}
	if n := count(); n != 2 {
		t.Errorf("%d rows, want 2: the expired ones are removed", n)
	}
}

// A request id that has expired must not stand in the way, even when it is not among those that a call removes.
func TestOnceTakesOverExpiredRow(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.once(f.ctx, f.key, "old", nil)
	admin := f.Admin()
	if _, err := admin.Exec(t.Context(), `UPDATE idempotency_keys SET created_at = now() - interval '2 days'`); err != nil {
		t.Fatal(err)
	}
	// Rows that someone works on are not removed: hold one so that Purge passes it by while claim waits for it.
	holder, err := admin.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(t.Context(), `SELECT FROM idempotency_keys FOR KEY SHARE`); err != nil {
		t.Fatal(err)
	}
	other := f.key
	other.RequestSHA256 = idempotency.Digest(&governancev1.CreatePolicyRequest{Name: "tomorrow's"})
	if got, want := f.once(f.ctx, other, "new", nil), (outcome{response: "new", ran: true}); got != want {
		t.Errorf("after the lifetime: %+v, want %+v", got, want)
	}
	if err := holder.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := f.once(f.ctx, other, "newer", nil), (outcome{response: "new", replayed: true}); got != want {
		t.Errorf("replay: %+v, want %+v", got, want)
	}
}

func TestOnceWithoutTenantStoresNothing(t *testing.T) {
	t.Parallel()
	f := setup(t)
	err := postgres.Tx(t.Context(), f.App, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := idempotency.Once(ctx, tx, f.key, func(context.Context) ([]byte, error) { return nil, nil })
		return err
	})
	if err == nil {
		t.Error("a key was stored without a tenant")
	}
}

func TestDriftHasTheSameTable(t *testing.T) {
	t.Parallel()
	db := postgrestest.Drift(t)
	f := fixture{GovernanceDB: postgrestest.GovernanceDB{Database: db.Database, App: db.App}, ctx: newTenant(t)}
	key := idempotency.Key{RequestID: newUUID(t).String(), Method: "/test/Create"}
	f.once(f.ctx, key, "made", nil)
	if got, want := f.once(f.ctx, key, "again", nil), (outcome{response: "made", replayed: true}); got != want {
		t.Errorf("second call: %+v, want %+v", got, want)
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	a := &governancev1.CreatePolicyRequest{Name: "a", DecisionPoints: []string{"x.y"}}
	same := &governancev1.CreatePolicyRequest{Name: "a", DecisionPoints: []string{"x.y"}}
	other := &governancev1.CreatePolicyRequest{Name: "a", DecisionPoints: []string{"x.z"}}
	if idempotency.Digest(a) != idempotency.Digest(same) {
		t.Error("equal requests have different digests")
	}
	if idempotency.Digest(a) == idempotency.Digest(other) {
		t.Error("different requests have the same digest")
	}
}
