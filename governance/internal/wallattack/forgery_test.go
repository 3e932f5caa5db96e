package wallattack_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

const forgeryText = `The writer may add rows, and so may a superuser, whom no trigger stops from that; here with what only the service should send.`

// forged is a row that the service did not make. It starts out as the next entry, true to form.
type forged struct {
	index    int64 // of the row
	entry    auditlog.Entry
	leaf     []byte
	recorded time.Time
	effect   time.Time // what the column says
	changes  bool      // what the column says
	hashes   []byte
}

// forgeries are rows that somebody with the writer's password adds.
func forgeries() []attack {
	forge := func(name string, want outcome, alter func(g *ground, f *forged)) attack {
		return attack{
			name: name, want: same(want, writer, superuser),
			run: func(g *ground, as role) (string, error) {
				f := g.next()
				alter(g, &f)
				return "", g.insert(as, f)
			},
		}
	}
	return []attack{
		forge("index that is taken", byKey, func(_ *ground, f *forged) { f.index = 7 }),
		forge("negative index", byConstraint, func(_ *ground, f *forged) { f.index = -1 }),
		forge("index after a gap", detected(noSignature, verification(at(auditlog.ReasonMissingEntries, 20, 24), at(auditlog.ReasonColumns, 25, 25), at(auditlog.ReasonLeafPosition, 25, 25))), func(_ *ground, f *forged) { f.index += 5 }),
		forge("index far away", detected(noSignature, verification(at(auditlog.ReasonMissingEntries, 20, 1099511627775), at(auditlog.ReasonColumns, 1099511627776, 1099511627776), at(auditlog.ReasonLeafPosition, 1099511627776, 1099511627776))), func(_ *ground, f *forged) { f.index = 1 << 40 }),
		forge("wrong leaf hash", detected(verification(at(auditlog.ReasonLeafHash, 20, 20))), func(_ *ground, f *forged) { f.hashes[0] ^= 1 }),
		forge("more hashes than the entry completes", detected(verification(at(auditlog.ReasonNodeHash, 20, 20))), func(_ *ground, f *forged) { f.hashes = append(f.hashes, f.hashes...) }),
		forge("leaf that says another index", detected(verification(at(auditlog.ReasonColumns, 20, 20), at(auditlog.ReasonLeafPosition, 20, 20))), func(g *ground, f *forged) { g.seal(f, f.index-3) }),
		forge("leaf of another tenant", detected(verification(at(auditlog.ReasonColumns, 20, 20), at(auditlog.ReasonLeafTenant, 20, 20))), func(g *ground, f *forged) {
			f.entry.TenantID = g.other
			g.seal(f, f.index)
			f.entry.TenantID = g.tenant
		}),
		forge("leaf that is no entry", detected(verification(at(auditlog.ReasonLeafFormat, 20, 20))), func(g *ground, f *forged) {
			f.leaf = []byte("no entry")
			g.hash(f)
		}),
		forge("back-dated entry, all hashes right", detected(verification(at(auditlog.ReasonTimeBackwards, 20, 20))), func(g *ground, f *forged) {
			f.recorded = f.recorded.Add(-24 * time.Hour)
			f.effect = f.recorded
			g.seal(f, f.index)
		}),
		forge("back-dated column, the leaf as it should be", detected(verification(at(auditlog.ReasonColumns, 20, 20))), func(_ *ground, f *forged) { f.recorded = f.recorded.Add(-24 * time.Hour) }),
		forge("another effective time in the column than in the leaf", detected(verification(at(auditlog.ReasonColumns, 20, 20))), func(_ *ground, f *forged) { f.effect = f.effect.Add(-24 * time.Hour) }),
		forge("change of state that the column denies", detected(verification(at(auditlog.ReasonColumns, 20, 20))), func(_ *ground, f *forged) { f.changes = false }),
		{name: "copy of an earlier entry under a new id", want: same(detected(verification(at(auditlog.ReasonColumns, 20, 20), at(auditlog.ReasonLeafPosition, 20, 20), at(auditlog.ReasonDuplicateEntryID, 20, 20), at(auditlog.ReasonTimeBackwards, 20, 20))), writer, superuser), run: func(g *ground, as role) (string, error) {
			f := g.next()
			f.leaf = g.leaves()[4]
			g.hash(&f)
			return "", g.insert(as, f)
		}},
		{
			name: "COPY FROM of a copied row", want: map[role]outcome{writer: byRowSecurity, superuser: detected(verification(at(auditlog.ReasonColumns, 20, 20), at(auditlog.ReasonLeafPosition, 20, 20), at(auditlog.ReasonDuplicateEntryID, 20, 20), at(auditlog.ReasonTimeBackwards, 20, 20)))},
			run: func(g *ground, as role) (string, error) {
				var row bytes.Buffer
				_, err := g.admin.PgConn().CopyTo(g.t.Context(), &row, g.fill(`COPY (
					SELECT tenant_id, 20, gen_random_uuid(), content_sha256, hashes, recorded_at, effective_at, state_change, event_type, action, outcome, actor_id, resource_type,
						resource_id, source_service, correlation_id, request_id, entry
					FROM gov_audit_trail_entries
					WHERE tenant_id = :tenant AND leaf_index = 4
				) TO STDOUT`, ""))
				if err != nil {
					return "", err
				}
				_, err = g.session(as).PgConn().CopyFrom(g.t.Context(), &row, `COPY gov_audit_trail_entries FROM STDIN`)
				return "", err
			},
		},
		{
			name: "checkpoint of a size that comes next, with another root", grows: true,
			want: same(detected(posture("checkpoints"), noSignature), writer, superuser),
			sql: `INSERT INTO gov_audit_checkpoints (tenant_id, tree_size, root_hash, note, key_ids, created_at)
				VALUES (:tenant, 21, sha256('x'), 'x', ARRAY['00000000'], now())`,
		},
		{
			name: "checkpoint of a size that is signed", want: same(byKey, writer, superuser),
			sql: `INSERT INTO gov_audit_checkpoints (tenant_id, tree_size, root_hash, note, key_ids, created_at)
				VALUES (:tenant, 20, sha256('x'), 'x', ARRAY['00000000'], now())`,
		},
		{name: "checkpoint of a size that the log has passed, signed with the real key", want: same(detected(posture("checkpoints")), writer, superuser), run: (*ground).forgeCheckpoint},
		{
			name: "cosignature of another root", want: same(detected(posture("checkpoints")), writer, superuser),
			sql: `INSERT INTO gov_audit_cosignatures (tenant_id, tree_size, root_hash, key_name, key_id, line, cosigned_at)
				VALUES (:tenant, 15, sha256('x'), 'x', '00000000', U&'\2014 x AAAAAAAA', now())`,
		},
		{
			name: "cosignature of a head that nobody signed", want: same(detected(posture("checkpoints")), writer, superuser),
			sql: `INSERT INTO gov_audit_cosignatures (tenant_id, tree_size, root_hash, key_name, key_id, line, cosigned_at)
				VALUES (:tenant, 3, sha256('x'), 'x', '00000000', U&'\2014 x AAAAAAAA', now())`,
		},
		{
			name: "cosignature in a witness's name that is another head's", want: same(detected(posture("checkpoints")), writer, superuser),
			sql: `INSERT INTO gov_audit_cosignatures (tenant_id, tree_size, root_hash, key_name, key_id, line, cosigned_at)
				SELECT c.tenant_id, c.tree_size, c.root_hash, w.key_name, w.key_id, w.line, w.cosigned_at
				FROM gov_audit_checkpoints AS c, gov_audit_cosignatures AS w
				WHERE c.tenant_id = :tenant AND c.tree_size = 20 AND w.tenant_id = :tenant`,
		},
		{
			name: "cosignature in a witness's place", want: same(byKey, writer, superuser),
			sql: `INSERT INTO gov_audit_cosignatures SELECT * FROM gov_audit_cosignatures WHERE tenant_id = :tenant`,
		},
	}
}

// forgeCheckpoint adds what whoever stole the key and the writer's password can make.
func (g *ground) forgeCheckpoint(as role) (string, error) {
	g.t.Helper()
	keys, err := auditlog.ParseSigningKeys(g.cfg.SigningKeys.Reveal())
	if err != nil {
		g.t.Fatal(err)
	}
	note, ids, err := auditlog.Checkpoint{Origin: auditlog.Origin(prefix, g.tenant), Size: 7, Root: sha256.Sum256([]byte("x"))}.Sign(keys...)
	if err != nil {
		g.t.Fatal(err)
	}
	_, err = g.session(as).Exec(g.t.Context(), `
		INSERT INTO public.gov_audit_checkpoints (tenant_id, tree_size, root_hash, note, key_ids, created_at)
		VALUES ($1, 7, sha256('x'), $2, $3, now())`, [16]byte(g.tenant), note, ids)
	return "", err
}

// leaves reads the watched log.
func (g *ground) leaves() [][]byte {
	g.t.Helper()
	found, err := g.admin.Query(g.t.Context(), `
		SELECT entry
		FROM public.gov_audit_trail_entries
		WHERE tenant_id = $1
		ORDER BY leaf_index`, [16]byte(g.tenant))
	if err != nil {
		g.t.Fatal(err)
	}
	leaves, err := pgx.CollectRows(found, pgx.RowTo[[]byte])
	if err != nil {
		g.t.Fatal(err)
	}
	return leaves
}

// next makes the row that the service would write next.
func (g *ground) next() forged {
	g.t.Helper()
	f := forged{index: entries, entry: g.entry(g.tenant, entries), recorded: time.Now().UTC().Truncate(time.Microsecond)}
	f.effect, f.changes = f.recorded, f.entry.ChangesState()
	g.seal(&f, f.index)
	return f
}

// seal makes the leaf, which says the index, and its hashes.
func (g *ground) seal(f *forged, says int64) {
	g.t.Helper()
	draft, err := auditlog.NewDraft(f.entry)
	if err != nil {
		g.t.Fatal(err)
	}
	f.leaf, _ = draft.Leaf(says, f.recorded)
	g.hash(f)
}

// hash computes the hashes of a leaf that follows the log.
func (g *ground) hash(f *forged) {
	g.t.Helper()
	var tree auditlog.Range
	for _, leaf := range g.leaves() {
		tree.Append(nil, auditlog.LeafHash(leaf))
	}
	f.hashes = nil
	for _, h := range tree.Append([]tlog.Hash(nil), auditlog.LeafHash(f.leaf)) {
		f.hashes = slices.Concat(f.hashes, h[:])
	}
}

func (g *ground) insert(as role, f forged) error {
	g.t.Helper()
	content := sha256.Sum256(f.leaf)
	if draft, err := auditlog.NewDraft(f.entry); err == nil {
		content = draft.ContentDigest
	}
	e := f.entry
	_, err := g.session(as).Exec(g.t.Context(), `
		INSERT INTO public.gov_audit_trail_entries (
			tenant_id, leaf_index, entry_id, content_sha256, hashes, recorded_at, effective_at, state_change,
			event_type, action, outcome, actor_id, resource_type, resource_id, source_service, correlation_id, request_id, entry
		) VALUES (
			@tenant_id, @leaf_index, @entry_id, @content_sha256, @hashes, @recorded_at, @effective_at, @state_change,
			@event_type, @action, 'SUCCESS', @actor_id, @resource_type, @resource_id, @source_service, '', @request_id, @entry
		)`, pgx.NamedArgs{
		"tenant_id": [16]byte(g.tenant), "leaf_index": f.index, "entry_id": e.EntryID, "content_sha256": content[:], "hashes": f.hashes,
		"recorded_at": f.recorded, "effective_at": f.effect, "state_change": f.changes, "event_type": e.EventType, "action": e.Action, "actor_id": e.Actor.ID, "resource_type": e.Resource.Type,
		"resource_id": e.Resource.ID, "source_service": e.SourceService, "request_id": e.RequestID, "entry": f.leaf,
	})
	return err
}
