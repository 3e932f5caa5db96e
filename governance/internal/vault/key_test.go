package vault_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

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
