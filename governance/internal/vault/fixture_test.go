package vault_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
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
