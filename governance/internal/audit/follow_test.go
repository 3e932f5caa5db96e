package audit_test

import (
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
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
			if err != nil || p.Size != size || p.End <= f.MinIndex || p.End > size || len(p.Entries) > limit {
				t.Fatalf("from %d: %d entries to %d of %d, %v", f.MinIndex, len(p.Entries), p.End, p.Size, err)
			}
			if f.MinIndex == 0 && p.Before != nil || f.MinIndex > 0 && string(p.Before) != string(hashes[f.MinIndex-1][:]) {
				t.Errorf("before %d: hash %x", f.MinIndex, p.Before)
			}
			if string(p.Last) != string(hashes[p.End-1][:]) {
				t.Errorf("at %d: hash %x", p.End-1, p.Last)
			}
			for i := range p.Entries {
				got = append(got, p.Entries[i].LeafIndex)
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
		if err != nil || len(p.Entries) != 0 || p.End != at || p.Before != nil || p.Size != size {
			t.Errorf("from %d: %+v, %v", at, p, err)
		}
	}
}
