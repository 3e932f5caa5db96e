package audit_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestFollow goes through a log that has few entries of a kind among many others, in pieces of any size.
func TestFollow(t *testing.T) {
	t.Parallel()
	wall, _ := audittest.Start(t, audittest.Databases(postgrestest.Audit(t)), audittest.Config(t))
	id := newTenant(t)
	const size = 2_500 // more than is read one by one
	var hashes [][32]byte
	var want []int64
	for len(hashes) < size {
		var batch []auditlog.Entry
		for range min(audit.MaxBatch, size-len(hashes)) {
			e := newEntry(t, id)
			if i := int64(len(hashes) + len(batch)); i%600 < 3 || i == 2_400 {
				e.EventType, want = "decision.evaluated", append(want, i)
			}
			batch = append(batch, e)
		}
		positions, err := wall.AppendBatch(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range positions {
			hashes = append(hashes, p.LeafHash)
		}
	}
	ctx := tenant.NewContext(t.Context(), id)
	follow := func(f audit.Filter, limit int) (got []int64, pieces int) {
		t.Helper()
		for f.MinIndex < size {
			p, err := wall.Follow(ctx, f, limit)
			if err != nil || p.Size != size || p.End <= f.MinIndex || p.End > size || p.Count > limit {
				t.Fatalf("from %d: %d entries to %d of %d, %v", f.MinIndex, p.Count, p.End, p.Size, err)
			}
			if f.MinIndex == 0 && p.Before != nil || f.MinIndex > 0 && string(p.Before) != string(hashes[f.MinIndex-1][:]) {
				t.Errorf("before %d: hash %x", f.MinIndex, p.Before)
			}
			if string(p.Last) != string(hashes[p.End-1][:]) {
				t.Errorf("at %d: hash %x", p.End-1, p.Last)
			}
			before := len(got)
			for e, err := range p.Entries() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.LeafIndex)
			}
			if len(got)-before != p.Count {
				t.Errorf("from %d: %d entries, not %d", f.MinIndex, len(got)-before, p.Count)
			}
			f.MinIndex = p.End
			pieces++
		}
		return got, pieces
	}
	for _, limit := range []int{1, 2, 7, 1_000} {
		if got, _ := follow(audit.Filter{EventType: "decision.evaluated"}, limit); !slices.Equal(got, want) {
			t.Errorf("%d at once: got %v, want %v", limit, got, want)
		}
	}
	if got, pieces := follow(audit.Filter{EventType: "never.happened"}, 10); len(got) != 0 || pieces != 1 {
		t.Errorf("got %v in %d pieces of nothing", got, pieces)
	}
	for _, at := range []int64{size, size + 3} { // nothing follows; a log that has lost entries
		p, err := wall.Follow(ctx, audit.Filter{EventType: "decision.evaluated", MinIndex: at}, 10)
		if err != nil || p.Count != 0 || p.End != at || p.Before != nil || p.Size != size {
			t.Errorf("from %d: %+v, %v", at, p, err)
		}
	}
}

// piece is what Follow told.
type piece struct {
	end, size    int64
	before, last []byte
	entries      []audit.Scanned
}

func wholePiece(t *testing.T, p audit.Piece) piece {
	t.Helper()
	whole := piece{end: p.End, size: p.Size, before: p.Before, last: p.Last}
	for e, err := range p.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		whole.entries = append(whole.entries, *e)
	}
	if len(whole.entries) != p.Count {
		t.Fatalf("%d entries, not %d", len(whole.entries), p.Count)
	}
	return whole
}

// sameByAll fails unless all walls give the same piece, and returns it.
func sameByAll(t *testing.T, id tenant.ID, f audit.Filter, limit int, walls ...*audit.Wall) (first piece) {
	t.Helper()
	for i, w := range walls {
		p, err := w.Follow(tenant.NewContext(t.Context(), id), f, limit)
		if err != nil {
			t.Fatal(err)
		}
		whole := wholePiece(t, p)
		if i == 0 {
			first = whole
		} else if !reflect.DeepEqual(first, whole) {
			t.Fatalf("from %d, %d at once: wall 0 gives\n%+v\nwall %d\n%+v", f.MinIndex, limit, first, i, whole)
		}
	}
	return first
}

// TestFollowByReplicas asks those who wrote parts of a log, which they remember, and one who wrote nothing.
func TestFollowByReplicas(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	var walls []*audit.Wall
	for range 3 {
		w, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
		walls = append(walls, w)
	}
	r := rand.New(rand.NewPCG(1, 2))
	ids := []tenant.ID{newTenant(t), newTenant(t)}
	kinds := []string{"decision.evaluated", "decision.explained", "audit.read"}
	for range 60 {
		var batch []auditlog.Entry
		id := ids[r.IntN(2)]
		for range 1 + r.IntN(60) {
			e := newEntry(t, id)
			e.EventType = kinds[r.IntN(len(kinds))]
			batch = append(batch, e)
		}
		if _, err := walls[r.IntN(6)/5].AppendBatch(t.Context(), batch); err != nil { // mostly by the first
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		for range 100 {
			f := audit.Filter{EventType: []string{kinds[0], kinds[1], "never.happened", "decision.", ""}[r.IntN(5)], MinIndex: r.Int64N(900)}
			if r.IntN(4) == 0 {
				f.ActorID = "nobody"
			}
			sameByAll(t, id, f, []int{1, 2, 7, 100, 1_000}[r.IntN(5)], walls...)
		}
	}
}

// TestFollowRemembers reads no leaf that the replica wrote itself, but for the ends of a piece: whatever becomes of the others, it knows what was committed.
func TestFollowRemembers(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	other, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	id := newTenant(t)
	appendMany(t, wall, id, 9)
	f := audit.Filter{EventType: newEntry(t, id).EventType, MinIndex: 2}
	want := sameByAll(t, id, f, 4, wall, other)
	alter(t, db, `UPDATE gov_audit_trail_entries SET entry = set_byte(entry, octet_length(entry) - 1, get_byte(entry, octet_length(entry) - 1) # 1) WHERE leaf_index = 3`)
	ctx := tenant.NewContext(t.Context(), id)
	if p, err := other.Follow(ctx, f, 4); errs.ReasonOf(err) != errs.ReasonLogInconsistent {
		t.Errorf("who has to read an altered entry got %+v, %v", p, err)
	}
	if got := sameByAll(t, id, f, 4, wall); !reflect.DeepEqual(want, got) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, end := range []audit.Filter{{EventType: f.EventType, MinIndex: 0}, {EventType: f.EventType, MinIndex: 4}} {
		if p, err := wall.Follow(ctx, end, 4); errs.ReasonOf(err) != errs.ReasonLogInconsistent {
			t.Errorf("from %d, where an end is altered, got %+v, %v", end.MinIndex, p, err)
		}
	}
}

// TestFollowRestored puts an older state of the log behind a wall that remembers what it wrote since.
func TestFollowRestored(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	id := newTenant(t)
	appendMany(t, wall, id, 9)
	alter(t, db, `DELETE FROM gov_audit_trail_entries WHERE leaf_index >= 4`)
	other, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	f := audit.Filter{EventType: newEntry(t, id).EventType}
	same := func() {
		t.Helper()
		for f.MinIndex = range int64(12) {
			for _, limit := range []int{1, 3, 100} {
				sameByAll(t, id, f, limit, other, wall)
			}
		}
	}
	same()
	appendMany(t, other, id, 3)
	same()
	appendMany(t, other, id, 6)
	same()
}
