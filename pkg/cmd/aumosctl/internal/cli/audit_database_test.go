package cli_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// wall is a wall's database with the logs of two tenants, whose heads stand on the platform's log, written as the service's role does.
type wall struct {
	t        *testing.T
	db       postgrestest.AuditDB
	key      auditlog.SigningKey
	trees    map[tenant.ID]*auditlog.Range
	a, b     tenant.ID
	platform string
}

func newWall(t *testing.T) *wall {
	t.Helper()
	w := &wall{t: t, db: postgrestest.Audit(t), key: signingKey(t, 1), trees: map[tenant.ID]*auditlog.Range{}}
	w.a, w.b = tenant.ID(uuid.MustParse(tenantID)), tenant.ID(uuid.MustParse("0198c0de-0000-7000-8000-00000000000b"))
	var err error
	if w.platform, err = w.key.VKey(platformOrigin); err != nil {
		t.Fatal(err)
	}
	for range 3 { // in rounds, as the service signs
		for i, id := range []tenant.ID{w.a, w.b} {
			for range 4 + 3*i {
				w.append(id, auditlog.Entry{
					EntryID: uuid.New(), EventType: "policy.created", Action: "policy.create", Outcome: auditlog.Success,
					Actor:    auditlog.Actor{Kind: auditlog.ActorUser, ID: "u"},
					Resource: auditlog.Resource{Type: "policy", ID: "p", State: map[string]any{"x": 1}}, SourceService: "governance",
				})
			}
			w.append(auditlog.PlatformTenant, auditlog.NewCommitment(id, w.sign(id)))
		}
		w.sign(auditlog.PlatformTenant)
	}
	return w
}

func (w *wall) append(id tenant.ID, e auditlog.Entry) {
	w.t.Helper()
	tree := w.trees[id]
	if tree == nil {
		tree = new(auditlog.Range)
		w.trees[id] = tree
	}
	e.TenantID, e.LeafIndex = id, tree.Size()
	e.RecordedTime = time.Date(2026, 11, 22, 10, 0, int(e.LeafIndex), 0, time.UTC)
	leaf, err := e.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	content, err := e.ContentDigest()
	if err != nil {
		w.t.Fatal(err)
	}
	var hashes []byte
	for _, h := range tree.Append(nil, auditlog.LeafHash(leaf)) {
		hashes = append(hashes, h[:]...)
	}
	_, err = w.db.Writer.Exec(w.t.Context(), `
		INSERT INTO gov_audit_trail_entries (tenant_id, leaf_index, entry_id, content_sha256, hashes, recorded_at, effective_at, state_change,
			event_type, action, outcome, actor_id, resource_type, resource_id, source_service, correlation_id, request_id, entry)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		[16]byte(id), e.LeafIndex, [16]byte(e.EntryID), content[:], hashes, e.RecordedTime, e.Effective(), e.ChangesState(), e.EventType, e.Action,
		e.Outcome.String(), e.Actor.ID, e.Resource.Type, e.Resource.ID, e.SourceService, e.CorrelationID, e.RequestID, leaf)
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *wall) sign(id tenant.ID) auditlog.Checkpoint {
	w.t.Helper()
	tree := w.trees[id]
	c := auditlog.Checkpoint{Origin: auditlog.Origin(originPrefix, id), Size: tree.Size(), Root: tree.Root()}
	signed, ids, err := c.Sign(w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.db.Writer.Exec(w.t.Context(), `
		INSERT INTO gov_audit_checkpoints (tenant_id, tree_size, root_hash, note, key_ids, created_at)
		VALUES ($1, $2, $3, $4, $5, now())`, [16]byte(id), c.Size, c.Root[:], signed, ids)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// attack does as superuser what no role of the platform can, with every guard switched off.
func (w *wall) attack(sql string, args ...any) {
	w.t.Helper()
	admin := w.db.Admin()
	for _, off := range []string{
		`ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`, `ALTER EVENT TRIGGER aumos_audit_deny_rewrite DISABLE`,
		`DO $$ DECLARE t regclass; BEGIN
			FOR t IN SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE tgname LIKE 'aumos_audit_deny_%' LOOP
				EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t);
			END LOOP; END $$`,
	} {
		if _, err := admin.Exec(w.t.Context(), off); err != nil {
			w.t.Fatal(err)
		}
	}
	if tag, err := admin.Exec(w.t.Context(), sql, args...); err != nil || tag.RowsAffected() == 0 {
		w.t.Fatalf("%s: %v, %v", sql, tag, err)
	}
}

func (w *wall) verify(args ...string) result {
	w.t.Helper()
	return offline(w.t, append([]string{"audit", "verify", "--database", w.db.ReaderURL}, args...)...)
}

func TestAuditVerifyDatabase(t *testing.T) {
	t.Parallel()
	w := newWall(t)
	vkey, err := w.key.VKey(auditlog.Origin(originPrefix, w.a))
	if err != nil {
		t.Fatal(err)
	}
	w.verify("--tenant", w.a.String(), "--key", vkey).expect(t, 0).says(t, "VERIFIED", "12, index 0 to 11", "3 stored checkpoints")
	w.verify("--tenant", w.a.String()).expect(t, 2).says(t, "NO_TRUSTED_KEY")
	w.verify("--all", "--key", w.platform).expect(t, 0).
		says(t, "the platform's log in the database", w.a.String(), w.b.String(), "12, index 0 to 11", "21, index 0 to 20", "3 platform commitments")
	w.verify("--all", "--key", vkey).expect(t, 3).says(t, "the key of the platform's log")
	w.verify("--all", "--tenant", w.a.String(), "--key", vkey).expect(t, 3)
	w.verify("--key", vkey).expect(t, 3).says(t, "say whose log")
	w.verify("wall.jsonl", "--tenant", w.a.String()).expect(t, 3).says(t, "instead of files")
	offline(t, "audit", "verify", "--all").expect(t, 3)
	offline(t, "audit", "verify", "--database", "postgres://127.0.0.1:1/x", "--tenant", w.a.String()).expect(t, 3)
	w.verify("--tenant", uuid.NewString(), "--key", vkey).expect(t, 2).says(t, "NO_CHECKPOINT")

	// What was appended since the newest checkpoint is no doubt.
	w.append(w.a, auditlog.Entry{
		EntryID: uuid.New(), EventType: "a.b", Action: "a.b", Outcome: auditlog.Success, Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "u"},
		Resource: auditlog.Resource{Type: "r", ID: "1"}, SourceService: "s",
	})
	w.verify("--tenant", w.a.String(), "--key", vkey).expect(t, 0).says(t, "not signed yet", "1 after the checkpoint")
}

// TestAuditVerifyDatabaseFinds lets a superuser change the database; --all finds each change, and says where.
func TestAuditVerifyDatabaseFinds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		attack func(w *wall)
		want   []string
	}{
		"a column": {func(w *wall) {
			w.attack(`UPDATE gov_audit_trail_entries SET actor_id = 'x' WHERE tenant_id = $1 AND leaf_index = 5`, [16]byte(w.a))
		}, []string{"entry 5: COLUMNS", "actor_id"}},
		"an entry": {func(w *wall) {
			w.attack(`UPDATE gov_audit_trail_entries SET entry = set_byte(entry, octet_length(entry) - 1, 65) WHERE tenant_id = $1 AND leaf_index = 5`, [16]byte(w.a))
		}, []string{"entry 5: LEAF_HASH"}},
		"a row deleted": {func(w *wall) {
			w.attack(`DELETE FROM gov_audit_trail_entries WHERE tenant_id = $1 AND leaf_index = 5`, [16]byte(w.a))
		}, []string{"entry 5: MISSING_ENTRIES"}},
		"a hash": {func(w *wall) {
			w.attack(`UPDATE gov_audit_trail_entries SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) WHERE tenant_id = $1 AND leaf_index = 5`, [16]byte(w.a))
		}, []string{"entries 4 to 5: NODE_HASH"}},
		"the log cut, with its checkpoints": {func(w *wall) {
			w.attack(`DELETE FROM gov_audit_trail_entries WHERE tenant_id = $1 AND leaf_index >= 8`, [16]byte(w.a))
			w.attack(`DELETE FROM gov_audit_checkpoints WHERE tenant_id = $1 AND tree_size > 8`, [16]byte(w.a))
		}, []string{"entries 8 to 11: CHECKPOINT_CONFLICT", "platform's log", "cut off"}},
		"the log dropped": {func(w *wall) {
			w.attack(`DELETE FROM gov_audit_trail_entries WHERE tenant_id = $1`, [16]byte(w.a))
			w.attack(`DELETE FROM gov_audit_checkpoints WHERE tenant_id = $1`, [16]byte(w.a))
		}, []string{"entries 0 to 11: CHECKPOINT_CONFLICT"}},
		"the log rewritten with its own key": {func(w *wall) {
			w.attack(`DELETE FROM gov_audit_trail_entries WHERE tenant_id = $1`, [16]byte(w.a))
			w.attack(`DELETE FROM gov_audit_checkpoints WHERE tenant_id = $1`, [16]byte(w.a))
			delete(w.trees, w.a)
			for range 12 {
				w.append(w.a, auditlog.Entry{
					EntryID: uuid.New(), EventType: "a.b", Action: "a.b", Outcome: auditlog.Success, Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "u"},
					Resource: auditlog.Resource{Type: "r", ID: "1"}, SourceService: "s",
				})
			}
			w.sign(w.a)
		}, []string{"entries 0 to 3: CHECKPOINT_CONFLICT", "history was rewritten"}},
		"an older checkpoint's root": {func(w *wall) {
			w.attack(`UPDATE gov_audit_checkpoints SET root_hash = set_byte(root_hash, 0, get_byte(root_hash, 0) # 1) WHERE tenant_id = $1 AND tree_size = 4`, [16]byte(w.a))
		}, []string{"MALFORMED", "the stored checkpoint of size 4"}},
		"an older checkpoint's signature": {func(w *wall) {
			w.attack(`UPDATE gov_audit_checkpoints SET note = replace(note, E'\n4\n', E'\n3\n') WHERE tenant_id = $1 AND tree_size = 4`, [16]byte(w.a))
		}, []string{"SIGNATURE"}},
		"the platform's log": {func(w *wall) {
			w.attack(`DELETE FROM gov_audit_trail_entries WHERE tenant_id = $1 AND leaf_index = 2`, [16]byte(auditlog.PlatformTenant))
		}, []string{"entry 2: MISSING_ENTRIES"}},
		"commitments hidden from the search": {func(w *wall) {
			w.attack(`UPDATE gov_audit_trail_entries SET resource_id = 'x' WHERE tenant_id = $1 AND resource_id = $2`, [16]byte(auditlog.PlatformTenant), w.a.String())
		}, []string{"COLUMNS", "resource_id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWall(t)
			tc.attack(w)
			w.verify("--all", "--key", w.platform).expect(t, 1).says(t, append(tc.want, "TAMPERED", "how sure")...)
		})
	}
}

// A server that answers one question otherwise than another hides nothing: what is demanded of a log is what the whole platform log said.
func TestAuditVerifyDatabaseOfTwoFaces(t *testing.T) {
	t.Parallel()
	hide := func(w *wall, asked string) {
		w.attack(`DELETE FROM gov_audit_trail_entries WHERE tenant_id = $1 AND leaf_index >= 8`, [16]byte(w.a))
		w.attack(`DELETE FROM gov_audit_checkpoints WHERE tenant_id = $1 AND tree_size > 8`, [16]byte(w.a))
		_, err := w.db.Admin().Exec(t.Context(), `CREATE POLICY hide ON gov_audit_trail_entries AS RESTRICTIVE FOR SELECT TO aumos_audit_reader
			USING (resource_type <> 'audit_log' OR resource_id <> '`+w.a.String()+`' OR current_query() !~ '`+asked+`')`)
		if err != nil {
			t.Fatal(err)
		}
	}
	w := newWall(t)
	hide(w, `min\(`) // as if nobody had committed to the log
	w.verify("--all", "--key", w.platform).expect(t, 1).says(t, "TAMPERED: the log of "+w.a.String(), "entries 8 to 11: CHECKPOINT_CONFLICT")
	w = newWall(t)
	hide(w, `FETCH 1000`) // as if nobody had committed to any of its heads
	w.verify("--all", "--key", w.platform).expect(t, 1).says(t, "TAMPERED: the log of "+w.a.String(), "other commitments")
}

// A checkpoint that the auditor kept is demanded whether or not the platform's log names its log.
func TestAuditVerifyDatabaseKnown(t *testing.T) {
	t.Parallel()
	w := newWall(t)
	dropped := tenant.ID(uuid.MustParse("0198c0de-0000-7000-8000-0000000000dd"))
	head := auditlog.Checkpoint{Origin: auditlog.Origin(originPrefix, dropped), Size: 3, Root: [32]byte{1}}
	kept, _, err := head.Sign(w.key)
	if err != nil {
		t.Fatal(err)
	}
	w.verify("--all", "--key", w.platform, "--checkpoint", writeFile(t, "dropped.checkpoint", kept)).expect(t, 1).
		says(t, "TAMPERED: the log of "+dropped.String(), "entries 0 to 2: CHECKPOINT_CONFLICT", "covers more than there is")
	head.Origin = auditlog.Origin("elsewhere.example.com", dropped)
	if kept, _, err = head.Sign(w.key); err != nil {
		t.Fatal(err)
	}
	w.verify("--all", "--key", w.platform, "--checkpoint", writeFile(t, "other.checkpoint", kept)).expect(t, 2).says(t, "OTHER_LOG", head.Origin)
}

// A log of more rows than a cursor fetches at a time, next to which another transaction writes, is read as of one moment.
func TestAuditVerifyDatabaseLarge(t *testing.T) {
	t.Parallel()
	w := newWall(t)
	for i := range 1200 {
		w.append(w.b, auditlog.Entry{
			EntryID: uuid.New(), EventType: "a.b", Action: "a.b", Outcome: auditlog.Success, Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "u"},
			Resource: auditlog.Resource{Type: "r", ID: strconv.Itoa(i)}, SourceService: "s",
		})
	}
	w.append(auditlog.PlatformTenant, auditlog.NewCommitment(w.b, w.sign(w.b)))
	w.sign(auditlog.PlatformTenant)
	got := w.verify("--all", "--key", w.platform).expect(t, 0).says(t, "1221, index 0 to 1220", "4 platform commitments")
	if strings.Count(got.stdout, "VERIFIED") != 3 {
		t.Errorf("got\n%s", got.stdout)
	}
}
