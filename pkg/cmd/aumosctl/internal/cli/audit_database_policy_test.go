package cli_test

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// witnesses are three whose cosignatures the wall's database keeps.
func witnesses(t *testing.T) (keys []auditlog.CosigningKey) {
	t.Helper()
	for i := range byte(3) {
		seed := make([]byte, ed25519.SeedSize)
		seed[0] = 50 + i
		key, err := auditlog.NewCosigningKey(fmt.Sprintf("w%d.example.com", i), seed)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// head returns the n-th newest stored checkpoint of the platform's log, 0 being the newest.
func (w *wall) head(n int) (signed string, c auditlog.Checkpoint) {
	w.t.Helper()
	err := w.db.Admin().QueryRow(w.t.Context(), `
		SELECT note FROM gov_audit_checkpoints WHERE tenant_id = $1 ORDER BY tree_size DESC LIMIT 1 OFFSET $2`,
		[16]byte(auditlog.PlatformTenant), n).Scan(&signed)
	if err != nil {
		w.t.Fatal(err)
	}
	if c, err = auditlog.Read(signed); err != nil {
		w.t.Fatal(err)
	}
	return signed, c
}

// cosign keeps cosignatures with a head, as the service's role does.
func (w *wall) cosign(n int, keys ...auditlog.CosigningKey) {
	w.t.Helper()
	signed, c := w.head(n)
	for _, key := range keys {
		line, err := key.Cosign(signed, time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC))
		if err != nil {
			w.t.Fatal(err)
		}
		w.keep(c, key, line)
	}
}

func (w *wall) keep(c auditlog.Checkpoint, key auditlog.CosigningKey, line string) {
	w.t.Helper()
	_, err := w.db.Writer.Exec(w.t.Context(), `
		INSERT INTO gov_audit_cosignatures (tenant_id, tree_size, root_hash, key_name, key_id, line, cosigned_at)
		VALUES ($1, $2, $3, $4, $5, $6, now())`,
		[16]byte(auditlog.PlatformTenant), c.Size, c.Root[:], key.Name(), key.ID(), strings.TrimSuffix(line, "\n"))
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestAuditVerifyDatabasePolicy demands two of three witnesses, whose lines stand in a table of their own.
func TestAuditVerifyDatabasePolicy(t *testing.T) {
	t.Parallel()
	keys := witnesses(t)
	forged := func(w *wall, n int) {
		older, _ := w.head(n + 1)
		line, err := keys[1].Cosign(older, time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		_, c := w.head(n)
		w.keep(c, keys[1], line)
	}
	for name, tc := range map[string]struct {
		prepare func(w *wall)
		exit    int
		want    []string
	}{
		"nobody cosigned":      {func(*wall) {}, 2, []string{"NOT_WITNESSED", "the group two, 2 of 3", "none of its witnesses"}},
		"one did":              {func(w *wall) { w.cosign(0, keys[2]) }, 2, []string{"NOT_WITNESSED", "cosigned by C"}},
		"two did":              {func(w *wall) { w.cosign(0, keys[0], keys[2]) }, 0, []string{"VERIFIED", "witness", "A", "C"}},
		"all did":              {func(w *wall) { w.cosign(0, keys...) }, 0, []string{"VERIFIED", "B"}},
		"of an older head":     {func(w *wall) { w.cosign(1, keys[0], keys[2]) }, 0, []string{"VERIFIED", "A", "C"}},
		"one of each":          {func(w *wall) { w.cosign(0, keys[0]); w.cosign(1, keys[1]) }, 2, []string{"NOT_WITNESSED"}},
		"one, and a stranger":  {func(w *wall) { w.cosign(0, keys[0], strange(t)) }, 2, []string{"NOT_WITNESSED", "cosigned by A"}},
		"two, and a stranger":  {func(w *wall) { w.cosign(0, keys[0], keys[1], strange(t)) }, 0, []string{"VERIFIED"}},
		"of another head":      {func(w *wall) { w.cosign(0, keys[0]); forged(w, 0) }, 1, []string{"SIGNATURE"}},
		"one too many, forged": {func(w *wall) { w.cosign(0, keys[0], keys[2]); forged(w, 0) }, 1, []string{"SIGNATURE"}},
		"forged on the newest": {func(w *wall) { w.cosign(1, keys[0], keys[2]); forged(w, 0) }, 1, []string{"SIGNATURE"}},
		"the root altered beside them": {func(w *wall) {
			w.cosign(0, keys...)
			w.attack(`UPDATE gov_audit_cosignatures SET root_hash = sha256('x')`)
		}, 2, []string{"NOT_WITNESSED"}},
		"a line that is none": {func(w *wall) {
			w.cosign(0, keys...)
			w.attack(`UPDATE gov_audit_cosignatures SET line = 'x' WHERE key_name = 'w1.example.com'`)
		}, 1, []string{"MALFORMED", "cosignature"}},
		"the log rewritten since": {func(w *wall) {
			w.cosign(0, keys...)
			w.attack(`UPDATE gov_audit_trail_entries SET entry = set_byte(entry, octet_length(entry) - 1, 65) WHERE tenant_id = $1 AND leaf_index = 1`,
				[16]byte(auditlog.PlatformTenant))
		}, 1, []string{"entry 1: LEAF_HASH"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWall(t)
			tc.prepare(w)
			policy := w.policy("quorum two\n", keys)
			w.verify("--all", "--key", w.platform, "--policy", policy).expect(t, tc.exit).says(t, tc.want...)
			w.verify("--tenant", auditlog.PlatformTenant.String(), "--policy", policy, "--key", w.platform).expect(t, tc.exit).says(t, tc.want...)
		})
	}
}

// strange is a witness that no policy names.
func strange(t *testing.T) auditlog.CosigningKey {
	t.Helper()
	key, err := auditlog.NewCosigningKey("strange.example.com", make([]byte, ed25519.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// policy writes a policy of the witnesses A, B and C, of whom the group two demands two.
func (w *wall) policy(quorum string, keys []auditlog.CosigningKey) string {
	w.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "log %s\n", w.platform)
	for i, key := range keys {
		fmt.Fprintf(&text, "witness %c %s\n", 'A'+i, key.VKey())
	}
	return writeFile(w.t, "policy", text.String()+"group two 2 A B C\n"+quorum)
}

// What was appended and signed since the witnesses answered is no doubt; and a policy brings the platform's key itself.
func TestAuditVerifyDatabasePolicyTail(t *testing.T) {
	t.Parallel()
	keys := witnesses(t)
	w := newWall(t)
	w.cosign(0, keys[0], keys[1])
	policy := w.policy("quorum two\n", keys)
	w.verify("--all", "--policy", policy).expect(t, 0).says(t, "VERIFIED", "3 platform commitments")
	w.append(w.a, auditlog.Entry{
		EntryID: uuid.New(), EventType: "a.b", Action: "a.b", Outcome: auditlog.Success, Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "u"},
		Resource: auditlog.Resource{Type: "r", ID: "1"}, SourceService: "s",
	})
	w.append(auditlog.PlatformTenant, auditlog.NewCommitment(w.a, w.sign(w.a)))
	w.verify("--all", "--policy", policy).expect(t, 0).says(t, "4 platform commitments", "not witnessed yet", "1 after the checkpoint")
	w.sign(auditlog.PlatformTenant) // without witnesses
	w.verify("--all", "--policy", policy).expect(t, 0).says(t, "4 platform commitments", "not witnessed yet", "of 6 entries")
	w.verify("--tenant", w.a.String(), "--policy", policy).expect(t, 3).says(t, "--policy needs --all")
	w.verify("--all", "--policy", w.policy("quorum none\n", keys)).expect(t, 0)
	w.attack(`UPDATE gov_audit_checkpoints SET note = replace(note, E'\n7\n', E'\n8\n') WHERE tenant_id = $1 AND tree_size = 7`, [16]byte(auditlog.PlatformTenant))
	w.verify("--all", "--policy", policy).expect(t, 1).says(t, "SIGNATURE") // which count, too
}
