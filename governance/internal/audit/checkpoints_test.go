package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id, other := newTenant(t), newTenant(t)
	var want []auditlog.SignedHead
	for range 5 {
		appendMany(t, wall, id, 3)
		mustAppend(t, wall, newEntry(t, other))
		mustCheckpoint(t, wall, other)
		want = append([]auditlog.SignedHead{mustCheckpoint(t, wall, id)}, want...)
	}
	var got []auditlog.SignedHead
	for before, more := int64(0), true; more; {
		var page []auditlog.SignedHead
		var err error
		if page, more, err = wall.Checkpoints(as(t, id), before, 2); err != nil {
			t.Fatal(err)
		}
		got = append(got, page...)
		before = got[len(got)-1].Size
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checkpoints (-want +got):\n%s", diff)
	}

	// Cosignatures follow the log's own signatures, those of the same root alone.
	for _, c := range []struct {
		size int64
		root []byte
		name string
	}{
		{want[1].Size, want[1].Root[:], "witness.example/b"},
		{want[1].Size, want[1].Root[:], "witness.example/a"},
		{want[2].Size, want[1].Root[:], "witness.example/a"}, // which saw another history
	} {
		if _, err := db.Writer.Exec(t.Context(), `
			INSERT INTO gov_audit_cosignatures (tenant_id, tree_size, root_hash, key_name, key_id, line, cosigned_at)
			VALUES ($1, $2, $3, $4, '01020304', '— ' || $4 || ' AQIDBAAAAAAAAAAA', $5)`, [16]byte(id), c.size, c.root, c.name, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	got, more, err := wall.Checkpoints(as(t, id), 0, 500)
	if err != nil || more || len(got) != 5 {
		t.Fatalf("%d checkpoints, more %t, %v", len(got), more, err)
	}
	for i, h := range got {
		lines := strings.TrimPrefix(h.Note, want[i].Note)
		expected := ""
		if i == 1 {
			expected = "— witness.example/a AQIDBAAAAAAAAAAA\n— witness.example/b AQIDBAAAAAAAAAAA\n"
		}
		if lines != expected {
			t.Errorf("checkpoint of %d: after the log's signature %q, want %q", h.Size, lines, expected)
		}
		if opened, _, err := auditlog.Open(h.Note, keyring(t, wall, id)); err != nil || opened != h.Checkpoint {
			t.Errorf("checkpoint of %d: %v", h.Size, err)
		}
	}
	if none, more, err := wall.Checkpoints(as(t, newTenant(t)), 0, 10); err != nil || more || len(none) != 0 {
		t.Errorf("checkpoints of an empty log: %v, %t, %v", none, more, err)
	}
}

// TestCorrectionsAreBounded corrects an entry more often, and more at length, than a page can show.
func TestCorrectionsAreBounded(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	entries := appendMany(t, wall, id, 3)
	for i := range 40 {
		for _, e := range entries {
			if _, err := wall.Correct(as(t, id), audit.CorrectionRequest{
				Entry: e.EntryID, Reason: strings.Repeat("x", i+1), Corrected: map[string]any{"text": strings.Repeat("y", 40_000)},
				Actor: e.Actor, Request: newEntry(t, id).EntryID,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := audit.Filter{EndIndex: 3}
	page, more, err := wall.List(as(t, id), first, -1, 10)
	if err != nil || len(page) != 1 || !more {
		t.Fatalf("a page of %d entries, more %t, %v", len(page), more, err)
	}
	corrections := page[0].Corrections
	if len(corrections) != 32 || len(corrections[0].Reason) != 9 || len(corrections[31].Reason) != 40 {
		t.Errorf("%d corrections, from %q", len(corrections), corrections[0].Reason)
	}
	if got := listAll(t, wall, id, first, 10); len(got) != 3 {
		t.Errorf("entries %v", got)
	}
	all := audit.Filter{ResourceType: audit.ResourceEntry, ResourceID: entries[0].EntryID.String()}
	if got := listAll(t, wall, id, all, 10); len(got) != 40 {
		t.Errorf("%d corrections by resource, want 40", len(got))
	}
}
