package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestGet(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	want := newEntry(t, id)
	want.EffectiveTime = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	want.CorrelationID = "corr-1"
	want.Digests = []auditlog.Digest{{Name: "input", SHA256: [32]byte{1}}}
	before := time.Now().Truncate(time.Microsecond)
	mustAppend(t, wall, newEntry(t, id))
	p := mustAppend(t, wall, want)
	byID, err := wall.Get(as(t, id), want.EntryID)
	if err != nil {
		t.Fatal(err)
	}
	byIndex, err := wall.GetByIndex(as(t, id), p.LeafIndex)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byID, byIndex); diff != "" {
		t.Errorf("by id and by index (-id +index):\n%s", diff)
	}
	got, err := auditlog.Unmarshal(byID.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	if got.RecordedTime.Before(before) || got.RecordedTime.After(time.Now()) || got.RecordedTime.Nanosecond()%1000 != 0 {
		t.Errorf("recorded %s", got.RecordedTime)
	}
	want.LeafIndex, want.RecordedTime = 1, got.RecordedTime
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if byID.LeafIndex != 1 || len(byID.StoredHashes) != 2 || len(byID.Mismatched) != 0 || tlog.Hash(byID.StoredHashes[0]) != p.LeafHash {
		t.Errorf("log entry: %+v", byID)
	}
	if _, err := wall.Get(as(t, id), uuid.New()); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("Get of nothing: %v", err)
	}
	if _, err := wall.GetByIndex(as(t, id), 2); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("GetByIndex of nothing: %v", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id, other := newTenant(t), newTenant(t)
	const n = 24
	types := []string{"policy.created", "policy.version_activated", "policyx.created", "policy_x.created", "decision.evaluated", "policy.version.x"}
	var recorded [n]time.Time
	for i := range n {
		e := newEntry(t, id)
		e.EventType = types[i%len(types)]
		e.Actor.ID = fmt.Sprintf("user-%d", i%2)
		e.Resource = auditlog.Resource{Type: []string{"policy", "decision", "model"}[i%3], ID: fmt.Sprintf("r-%d", i%5)}
		e.Action = []string{"policy.create", "policy.activate"}[i/3%2]
		e.Outcome = []auditlog.Outcome{auditlog.Success, auditlog.Denied, auditlog.Failure, auditlog.Success}[i%4]
		e.CorrelationID = []string{"", "larger", "other"}[i/4%3]
		e.SourceService = []string{"governance", "svc-drift"}[i/5%2]
		mustAppend(t, wall, e)
		mustAppend(t, wall, newEntry(t, other))
		stored, err := wall.Get(as(t, id), e.EntryID)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := auditlog.Unmarshal(stored.Leaf)
		if err != nil {
			t.Fatal(err)
		}
		recorded[i] = leaf.RecordedTime
	}
	where := func(keep func(i int) bool) (indexes []int64) {
		for i := range n {
			if keep(i) {
				indexes = append(indexes, int64(i))
			}
		}
		return indexes
	}
	ofType := func(names ...string) func(int) bool {
		return func(i int) bool { return slices.Contains(names, types[i%len(types)]) }
	}
	for name, tc := range map[string]struct {
		filter audit.Filter
		want   []int64
	}{
		"everything":             {audit.Filter{}, where(func(int) bool { return true })},
		"event type":             {audit.Filter{EventType: "policy.created"}, where(ofType("policy.created"))},
		"event type prefix":      {audit.Filter{EventType: "policy."}, where(ofType("policy.created", "policy.version_activated", "policy.version.x"))},
		"prefix with underscore": {audit.Filter{EventType: "policy_x."}, where(ofType("policy_x.created"))}, // no wildcard
		"longer prefix":          {audit.Filter{EventType: "policy.version."}, where(ofType("policy.version.x"))},
		"no such type":           {audit.Filter{EventType: "policy"}, nil},
		"actor":                  {audit.Filter{ActorID: "user-1"}, where(func(i int) bool { return i%2 == 1 })},
		"resource type":          {audit.Filter{ResourceType: "model"}, where(func(i int) bool { return i%3 == 2 })},
		"resource":               {audit.Filter{ResourceType: "model", ResourceID: "r-2"}, where(func(i int) bool { return i%3 == 2 && i%5 == 2 })},
		"resource id alone":      {audit.Filter{ResourceID: "r-4"}, where(func(i int) bool { return i%5 == 4 })},
		"from":                   {audit.Filter{RecordedFrom: recorded[9]}, where(func(i int) bool { return !recorded[i].Before(recorded[9]) })},
		"before":                 {audit.Filter{RecordedBefore: recorded[9]}, where(func(i int) bool { return recorded[i].Before(recorded[9]) })},
		"from the beginning":     {audit.Filter{RecordedFrom: recorded[0]}, where(func(int) bool { return true })},
		"before the beginning":   {audit.Filter{RecordedBefore: recorded[0]}, nil},
		"from and before":        {audit.Filter{RecordedFrom: recorded[5], RecordedBefore: recorded[20]}, where(func(i int) bool { return !recorded[i].Before(recorded[5]) && recorded[i].Before(recorded[20]) })},
		"from after the end":     {audit.Filter{RecordedFrom: recorded[n-1].Add(time.Microsecond)}, nil},
		"before after the end":   {audit.Filter{RecordedBefore: recorded[n-1].Add(time.Microsecond)}, where(func(int) bool { return true })},
		"index":                  {audit.Filter{MinIndex: 20}, where(func(i int) bool { return i >= 20 })},
		"end index":              {audit.Filter{EndIndex: 5}, where(func(i int) bool { return i < 5 })},
		"index range":            {audit.Filter{MinIndex: 4, EndIndex: 9}, where(func(i int) bool { return i >= 4 && i < 9 })},
		"action":                 {audit.Filter{Action: "policy.activate"}, where(func(i int) bool { return i/3%2 == 1 })},
		"success":                {audit.Filter{Outcome: auditlog.Success}, where(func(i int) bool { return i%4 == 0 || i%4 == 3 })},
		"denied":                 {audit.Filter{Outcome: auditlog.Denied}, where(func(i int) bool { return i%4 == 1 })},
		"failure":                {audit.Filter{Outcome: auditlog.Failure}, where(func(i int) bool { return i%4 == 2 })},
		"correlation":            {audit.Filter{CorrelationID: "larger"}, where(func(i int) bool { return i/4%3 == 1 })},
		"kind": {audit.Filter{EventType: "policy.created", Action: "policy.create", ResourceType: "policy", SourceService: "governance"}, where(func(i int) bool {
			return i%6 == 0 && i/3%2 == 0 && i%3 == 0 && i/5%2 == 0
		})},
		"type and action":        {audit.Filter{EventType: "policyx.created", Action: "policy.activate"}, where(func(i int) bool { return i%6 == 2 && i/3%2 == 1 })},
		"prefix and service":     {audit.Filter{EventType: "policy.", SourceService: "svc-drift"}, where(func(i int) bool { return i/5%2 == 1 && i%6 != 2 && i%6 != 3 && i%6 != 4 })},
		"id, type and action":    {audit.Filter{ResourceID: "r-3", EventType: "policy.created", Action: "policy.create"}, where(func(i int) bool { return i%5 == 3 && i%6 == 0 && i/3%2 == 0 })},
		"service":                {audit.Filter{SourceService: "svc-drift"}, where(func(i int) bool { return i/5%2 == 1 })},
		"prefix and resource id": {audit.Filter{EventType: "policy.", ResourceID: "r-2"}, where(func(i int) bool { return i%5 == 2 && i%6 != 2 && i%6 != 3 && i%6 != 4 })},
		"prefix, range and time": {audit.Filter{EventType: "policy.", MinIndex: 3, EndIndex: 20, RecordedFrom: recorded[5]}, where(func(i int) bool {
			return i < 20 && !recorded[i].Before(recorded[5]) && i%6 != 2 && i%6 != 3 && i%6 != 4
		})},
		"all at once": {
			audit.Filter{EventType: "policy.", ActorID: "user-0", ResourceType: "policy", RecordedFrom: recorded[1], MinIndex: 2},
			where(func(i int) bool {
				return i >= 2 && i%2 == 0 && i%3 == 0 && ofType("policy.created", "policy.version_activated", "policy.version.x")(i)
			}),
		},
		"hostile": {audit.Filter{ActorID: `x' OR '1'='1`, ResourceID: "%", EventType: "_olicy."}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, limit := range []int{1, 3, n, 500} {
				got := listAll(t, wall, id, tc.filter, limit)
				if !slices.Equal(got, tc.want) {
					t.Errorf("pages of %d: %v, want %v", limit, got, tc.want)
				}
				backwards := listAll(t, wall, id, newestFirst(tc.filter), limit)
				slices.Reverse(backwards)
				if !slices.Equal(backwards, tc.want) {
					t.Errorf("pages of %d, newest first: %v, want the reverse of %v", limit, backwards, tc.want)
				}
			}
		})
	}
}

func newestFirst(f audit.Filter) audit.Filter {
	f.NewestFirst = true
	return f
}

// listAll returns the indexes of all that a filter matches, page by page.
func listAll(t *testing.T, wall *audit.Wall, id tenant.ID, f audit.Filter, limit int) (indexes []int64) {
	t.Helper()
	for after, more := int64(-1), true; more; {
		var page []audit.LogEntry
		var err error
		if page, more, err = wall.List(as(t, id), f, after, limit); err != nil {
			t.Fatal(err)
		}
		if len(page) > limit || more && len(page) == 0 {
			t.Fatalf("a page of %d entries, more %v", len(page), more)
		}
		for _, e := range page {
			after = e.LeafIndex
			indexes = append(indexes, after)
		}
	}
	return indexes
}

// TestListPagesAreBoundedInBytes lists entries of nearly the largest size: a page stays below a message's limit, and none is lost.
func TestListPagesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	const n = 45
	for range n {
		e := newEntry(t, id)
		e.Details["x"] = strings.Repeat("x", 55_000)
		mustAppend(t, wall, e)
	}
	seen, pages := 0, 0
	for after, more := int64(-1), true; more; pages++ {
		page, rest, err := wall.List(as(t, id), audit.Filter{}, after, 500)
		if err != nil {
			t.Fatal(err)
		}
		bytes := 0
		for _, e := range page {
			if e.LeafIndex != after+1 {
				t.Fatalf("index %d after %d", e.LeafIndex, after)
			}
			after = e.LeafIndex
			bytes += len(e.Leaf)
		}
		if bytes > 1<<20+60_000 {
			t.Errorf("a page of %d bytes", bytes)
		}
		seen, more = seen+len(page), rest
	}
	if seen != n || pages != 3 {
		t.Errorf("%d entries on %d pages, want %d on 3", seen, pages, n)
	}
}

func TestProofs(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id, empty := newTenant(t), newTenant(t)
	appendMany(t, wall, id, 10)
	inclusion := func(ctx context.Context, index, size int64) error {
		_, err := wall.InclusionProof(ctx, index, size)
		return err
	}
	consistency := func(ctx context.Context, first, second int64) error {
		_, err := wall.ConsistencyProof(ctx, first, second)
		return err
	}
	for name, tc := range map[string]struct {
		prove  func(ctx context.Context, a, b int64) error
		tenant tenant.ID
		a, b   int64
		reason errs.Reason
		field  string
	}{
		"inclusion":                       {inclusion, id, 9, 10, "", ""},
		"inclusion, newest":               {inclusion, id, 0, 0, "", ""},
		"inclusion in a smaller tree":     {inclusion, id, 3, 4, "", ""},
		"inclusion beyond the tree":       {inclusion, id, 4, 4, errs.ReasonInvalidField, "tree_size"},
		"inclusion in a tree to come":     {inclusion, id, 4, 11, errs.ReasonTreeSizeBeyondLog, "tree_size"},
		"inclusion of an entry to come":   {inclusion, id, 10, 0, errs.ReasonNotFound, ""},
		"inclusion in another log":        {inclusion, empty, 0, 1, errs.ReasonNotFound, ""},
		"inclusion in an empty log":       {inclusion, empty, 0, 0, errs.ReasonNotFound, ""},
		"consistency":                     {consistency, id, 3, 10, "", ""},
		"consistency, newest":             {consistency, id, 3, 0, "", ""},
		"consistency with itself":         {consistency, id, 10, 10, "", ""},
		"consistency, wrong order":        {consistency, id, 4, 3, errs.ReasonInvalidField, "first_tree_size"},
		"consistency with a tree to come": {consistency, id, 4, 11, errs.ReasonTreeSizeBeyondLog, "second_tree_size"},
		"consistency of a tree to come":   {consistency, id, 11, 0, errs.ReasonTreeSizeBeyondLog, "first_tree_size"},
		"consistency of an empty log":     {consistency, empty, 1, 0, errs.ReasonTreeSizeBeyondLog, "first_tree_size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.prove(as(t, tc.tenant), tc.a, tc.b)
			if errs.ReasonOf(err) != tc.reason || (err == nil) != (tc.reason == "") {
				t.Fatalf("%v, want %q", err, tc.reason)
			}
			var e *errs.Error
			if tc.field != "" && (!errors.As(err, &e) || len(e.Violations) != 1 || e.Violations[0].Field != tc.field) {
				t.Errorf("violations: %+v", e)
			}
			if tc.reason == errs.ReasonTreeSizeBeyondLog && e.Metadata["size"] == "" {
				t.Errorf("metadata: %v", e.Metadata)
			}
		})
	}
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	for i, e := range appendMany(t, wall, id, 9) {
		text, p, err := wall.Receipt(as(t, id), e.EntryID)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := wall.Get(as(t, id), e.EntryID)
		if err != nil {
			t.Fatal(err)
		}
		if p.LeafIndex != int64(i) || p.EntryID != e.EntryID || p.LeafHash != auditlog.LeafHash(stored.Leaf) {
			t.Errorf("position %+v", p)
		}
		r := auditlog.VerifyReceipt(text, auditlog.ReceiptOptions{Keys: keyring(t, wall, id), Leaf: stored.Leaf, Origin: auditlog.Origin(testPrefix, id)})
		if r.Verdict != auditlog.Verified || r.FirstIndex != int64(i) || r.TreeSize != 9 {
			t.Errorf("receipt of entry %d: %+v", i, r)
		}
	}
	if _, _, err := wall.Receipt(as(t, id), uuid.New()); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("receipt of nothing: %v", err)
	}
}

func TestReceiptOfAnAlteredEntryIsRefused(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	entries := appendMany(t, wall, id, 9)
	mustCheckpoint(t, wall, id)
	withoutGuards(t, db, `UPDATE gov_audit_trail_entries SET entry = set_byte(entry, 200, get_byte(entry, 200) # 1) WHERE leaf_index = 3`)
	if _, _, err := wall.Receipt(as(t, id), entries[3].EntryID); errs.ReasonOf(err) != errs.ReasonLogInconsistent {
		t.Errorf("Receipt: %v", err)
	}
	if _, _, err := wall.Receipt(as(t, id), entries[4].EntryID); err != nil {
		t.Errorf("Receipt of another entry: %v", err)
	}
}
