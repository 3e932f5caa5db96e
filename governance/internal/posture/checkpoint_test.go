package posture_test

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// signedNote signs a checkpoint with the key of a config, or with another one.
func signedNote(t *testing.T, cfg audit.Config, c auditlog.Checkpoint) string {
	t.Helper()
	keys, err := auditlog.ParseSigningKeys(cfg.SigningKeys.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	note, _, err := c.Sign(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func TestPostureOfCheckpoints(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := audittest.Config(t)
	wall, _ := audittest.Start(t, audittest.Databases(db), cfg)
	watched, other := audittest.NewTenant(t), audittest.NewTenant(t)
	var heads []auditlog.SignedHead
	for range 3 {
		for range 4 {
			audittest.Append(t, wall, audittest.NewEntry(t, watched))
		}
		audittest.Append(t, wall, audittest.NewEntry(t, other))
		head, err := wall.Checkpoint(tenant.NewContext(t.Context(), watched))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wall.Checkpoint(tenant.NewContext(t.Context(), other)); err != nil {
			t.Fatal(err)
		}
		heads = append(heads, head)
	}
	lookAt := func(deep bool) posture.Check {
		t.Helper()
		return look(t, db, posture.Options{Logs: &cfg, Deep: deep})["checkpoints"]
	}
	for _, deep := range []bool{false, true} {
		if c := lookAt(deep); !c.OK || c.Required {
			t.Errorf("before any change, deep %t: %+v", deep, c)
		}
	}
	rotated := cfg
	rotated.SigningKeys = config.Secret("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
	if c := look(t, db, posture.Options{Logs: &rotated, Deep: true})["checkpoints"]; !c.OK {
		t.Errorf("with none of the keys that signed: %+v", c)
	}

	origin, root := auditlog.Origin(audittest.OriginPrefix, watched), heads[0].Checkpoint.Root
	insert := func(size int64, note string, root []byte) {
		t.Helper()
		_, err := db.Writer.Exec(t.Context(), `
			INSERT INTO public.gov_audit_checkpoints (tenant_id, tree_size, root_hash, note, key_ids, created_at)
			VALUES ($1, $2, $3, $4, '{00000000}', now())`, [16]byte(watched), size, root, note)
		if err != nil {
			t.Fatal(err)
		}
	}
	bad := signedNote(t, cfg, auditlog.Checkpoint{Origin: origin, Size: 7, Root: root})
	insert(5, "no note", root[:])
	insert(6, signedNote(t, cfg, auditlog.Checkpoint{Origin: origin, Size: 4, Root: root}), root[:])
	insert(7, bad, root[:]) // the real key, as whoever stole it would
	insert(9, signedNote(t, rotated, auditlog.Checkpoint{Origin: origin, Size: 9, Root: root}), root[:])
	insert(10, strings.Replace(bad, "\n7\n", "\n10\n", 1), root[:])
	if c := lookAt(false); !c.OK {
		t.Errorf("the newest is as it was: %+v", c)
	}
	insert(13, signedNote(t, cfg, auditlog.Checkpoint{Origin: origin, Size: 13, Root: root}), root[:])
	if c := lookAt(false); c.OK || !strings.HasSuffix(c.Problems[0], "checkpoint of 13 entries: the log has 12 entries") || len(c.Problems) != 1 {
		t.Errorf("%+v", c)
	}
	witness, err := auditlog.NewCosigningKey("witness.example", bytes.Repeat([]byte{9}, ed25519.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	cfg.WitnessPolicyFile = filepath.Join(t.TempDir(), "policy")
	if err := os.WriteFile(cfg.WitnessPolicyFile, []byte("witness w "+witness.VKey()+"\nquorum w\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cosign := func(size int64, head auditlog.SignedHead, root []byte, alter func(line string) string) {
		t.Helper()
		line, err := witness.Cosign(head.Note, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Writer.Exec(t.Context(), `
			INSERT INTO public.gov_audit_cosignatures (tenant_id, tree_size, root_hash, key_name, key_id, line, cosigned_at)
			VALUES ($1, $2, $3, $4, $5, $6, now())`, [16]byte(watched), size, root, witness.Name(), witness.ID(), alter(line))
		if err != nil {
			t.Fatal(err)
		}
	}
	asIs := func(line string) string { return line }
	cosign(4, heads[0], heads[0].Checkpoint.Root[:], asIs)
	cosign(8, heads[1], bytes.Repeat([]byte{1}, 32), asIs)
	cosign(12, heads[1], heads[2].Checkpoint.Root[:], asIs) // of another head
	cosign(11, heads[1], heads[1].Checkpoint.Root[:], asIs)
	insert(3, signedNote(t, cfg, auditlog.Checkpoint{Origin: origin, Size: 3, Root: root}), root[:])
	cosign(3, heads[0], root[:], func(string) string { return "no line" })
	c := lookAt(true)
	want := []string{
		"of 3 entries: 1 cosignatures are of another root or witness than their columns say", "of 3 entries: a cosignature does not verify, or is none",
		"of 3 entries: the log's root of that size is another",
		"of 5 entries: the note is no checkpoint", "of 6 entries: the note says something else than its columns", "of 7 entries: the log's root of that size is another",
		"of 8 entries: 1 cosignatures are of another root or witness than their columns say", "of 9 entries: the log's root of that size is another",
		"of 10 entries: a signature in the name of a present key does not verify", "of 12 entries: a cosignature does not verify, or is none",
		"of 13 entries: the log has 12 entries", "of 11 entries: it is missing, and has cosignatures",
	}
	if len(c.Problems) != len(want) || c.Required {
		t.Fatalf("%+v", c)
	}
	for i, problem := range c.Problems {
		if !strings.HasPrefix(problem, "log "+watched.String()+", checkpoint ") || !strings.HasSuffix(problem, want[i]) {
			t.Errorf("got %q, want %q", problem, want[i])
		}
	}
	audittest.Lift(t, db, `
		ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER USER;
		DELETE FROM gov_audit_trail_entries WHERE tenant_id = '`+other.String()+`' AND leaf_index = 1`)
	found := strings.Join(lookAt(false).Problems, "\n")
	if !strings.Contains(found, "log "+other.String()+", checkpoint of 3 entries: the log lacks entries below its end") {
		t.Errorf("%s", found)
	}
	audittest.Lift(t, db, `DROP TABLE gov_audit_checkpoints`)
	if c := lookAt(true); c.OK || c.Problems[0] != "the table is missing" {
		t.Errorf("%+v", c)
	}
}
