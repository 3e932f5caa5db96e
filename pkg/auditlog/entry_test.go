package auditlog_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// toProto converts an entry by the other way there is: through the generated messages.
func toProto(t interface{ Fatal(...any) }, e auditlog.Entry) *governancev1.AuditEntry {
	m := &governancev1.AuditEntry{
		FormatVersion: auditlog.FormatVersion, EntryId: e.EntryID.String(), TenantId: e.TenantID.String(), LeafIndex: e.LeafIndex,
		EventType: e.EventType, Action: e.Action, Outcome: governancev1.AuditOutcome(e.Outcome),
		Actor:         &typev1.Actor{Kind: typev1.ActorKind(e.Actor.Kind), Id: e.Actor.ID, OnBehalfOf: e.Actor.OnBehalfOf},
		Resource:      &governancev1.AuditResource{Type: e.Resource.Type, Id: e.Resource.ID, Name: e.Resource.Name},
		SourceService: e.SourceService, RequestId: e.RequestID, CorrelationId: e.CorrelationID,
	}
	if !e.RecordedTime.IsZero() {
		m.RecordedTime = timestamppb.New(e.RecordedTime)
	}
	if !e.EffectiveTime.IsZero() {
		m.EffectiveTime = timestamppb.New(e.EffectiveTime)
	}
	var err error
	if e.Resource.State != nil {
		if m.Resource.State, err = structpb.NewStruct(e.Resource.State); err != nil {
			t.Fatal(err)
		}
	}
	if e.Details != nil {
		if m.Details, err = structpb.NewStruct(e.Details); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range e.Digests {
		m.Digests = append(m.Digests, &governancev1.AuditDigest{Name: d.Name, Sha256: d.SHA256[:]})
	}
	return m
}

func drawEntry(t *rapid.T) auditlog.Entry {
	id := rapid.SliceOfN(rapid.Byte(), 16, 16)
	notNull := func(s string) string { return strings.ReplaceAll(s, "\x00", "") }
	text := func(label string, minLen, maxLen int) string {
		s := notNull(rapid.StringN(minLen, maxLen, -1).Draw(t, label))
		if minLen > 0 && s == "" {
			return "x"
		}
		return s
	}
	moment := func(label string) time.Time {
		if rapid.Bool().Draw(t, label+" absent") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(-62135596799, 253402300799).Draw(t, label), rapid.Int64Range(0, 999_999_999).Draw(t, label+" ns")).UTC()
	}
	e := auditlog.Entry{
		EntryID:       uuid.UUID(id.Draw(t, "entry id")),
		TenantID:      tenant.ID(id.Draw(t, "tenant id")),
		LeafIndex:     rapid.Int64Range(0, math.MaxInt64).Draw(t, "leaf index"),
		RecordedTime:  moment("recorded"),
		EffectiveTime: moment("effective"),
		EventType:     rapid.StringMatching(`[a-z][a-z0-9_]{0,9}(\.[a-z][a-z0-9_]{0,9}){1,3}`).Draw(t, "event type"),
		Action:        rapid.StringMatching(`[a-z][a-z0-9_]{0,9}(\.[a-z][a-z0-9_]{0,9}){1,3}`).Draw(t, "action"),
		Outcome:       auditlog.Outcome(rapid.IntRange(1, 3).Draw(t, "outcome")),
		Actor: auditlog.Actor{
			Kind: auditlog.ActorKind(rapid.IntRange(1, 3).Draw(t, "kind")), ID: text("actor", 1, 255), OnBehalfOf: text("behalf", 0, 255),
		},
		Resource: auditlog.Resource{
			Type: rapid.StringMatching(`[a-z][a-z0-9_]{0,20}`).Draw(t, "type"), ID: text("resource", 1, 255), Name: text("name", 0, 255),
		},
		SourceService: text("source", 1, 100),
		RequestID:     text("request", 0, 128),
		CorrelationID: text("correlation", 0, 128),
	}
	e.EntryID[0] |= 1 // not the zero id
	e.TenantID[0] |= 1
	if rapid.Bool().Draw(t, "has state") {
		e.Resource.State = drawStruct(t, 2)
	}
	if rapid.Bool().Draw(t, "has details") {
		e.Details = drawStruct(t, 3)
	}
	for range rapid.IntRange(0, 3).Draw(t, "digests") {
		e.Digests = append(e.Digests, auditlog.Digest{
			Name: text("digest", 1, 64), SHA256: [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "sha256")),
		})
	}
	return e
}

func drawStruct(t *rapid.T, depth int) map[string]any {
	m := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		m[rapid.StringN(0, 12, -1).Draw(t, "key")] = drawValue(t, depth)
	}
	return m
}

func drawValue(t *rapid.T, depth int) any {
	kinds := 5
	if depth > 0 {
		kinds = 7
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind of value") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.StringN(0, 20, -1).Draw(t, "string")
	case 3:
		return rapid.Float64Range(-1e300, 1e300).Draw(t, "number")
	case 4:
		return float64(rapid.Int32().Draw(t, "integer"))
	case 5:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			list = append(list, drawValue(t, depth-1))
		}
		return list
	default:
		return drawStruct(t, depth-1)
	}
}

func TestMarshalIsDeterministicProtobuf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		got, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(toProto(t, e))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("Marshal:\n%x\nprotobuf:\n%x", got, want)
		}
		back, err := auditlog.Unmarshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Fatalf("Unmarshal (-want +got):\n%s", diff)
		}
	})
}

func TestDraftLeaf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		d, err := auditlog.NewDraft(e)
		if err != nil {
			t.Fatal(err)
		}
		want, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, hash := d.Leaf(e.LeafIndex, e.RecordedTime)
		if !bytes.Equal(got, want) {
			t.Fatalf("Leaf:\n%x\nMarshal:\n%x", got, want)
		}
		if hash != tlog.RecordHash(want) {
			t.Fatalf("the leaf's hash is %v, want %v", hash, tlog.RecordHash(want))
		}
		other := e
		other.LeafIndex, other.RecordedTime = 7, testTime
		digest, err := other.ContentDigest()
		if err != nil {
			t.Fatal(err)
		}
		if digest != d.ContentDigest {
			t.Fatal("the content digest depends on the position")
		}
		other.RequestID += "x"
		if len(other.RequestID) > 128 {
			return
		}
		if digest, err = other.ContentDigest(); err != nil || digest == d.ContentDigest {
			t.Fatalf("the content digest does not depend on the request id (%v)", err)
		}
	})
}

// TestDraftsShareNothing makes drafts of all sizes beside and after each other, before any of them becomes a leaf.
func TestDraftsShareNothing(t *testing.T) {
	t.Parallel()
	var makers sync.WaitGroup
	for range 4 {
		makers.Go(func() {
			var drafts []*auditlog.Draft
			for size := range 200 {
				e := testEntry(size)
				e.Details = map[string]any{"x": strings.Repeat("x", size*size%8000)}
				d, err := auditlog.NewDraft(e)
				if err != nil {
					t.Error(err)
					return
				}
				drafts = append(drafts, d)
			}
			for i, d := range drafts {
				leaf, _ := d.Leaf(int64(i), testTime)
				e, err := auditlog.Unmarshal(leaf)
				if err != nil {
					t.Errorf("draft %d: %v", i, err)
					return
				}
				digest, err := e.ContentDigest()
				if err != nil || digest != d.ContentDigest || e.EntryID != d.Entry.EntryID || len(e.Details["x"].(string)) != i*i%8000 {
					t.Errorf("draft %d became the leaf of another entry (%v)", i, err)
				}
			}
		})
	}
	makers.Wait()
}

func TestNewDraftRefuses(t *testing.T) {
	t.Parallel()
	nested := any("leaf")
	for range 70 {
		nested = []any{nested}
	}
	for name, tc := range map[string]struct {
		change func(*auditlog.Entry)
		field  string
	}{
		"no entry id":          {func(e *auditlog.Entry) { e.EntryID = uuid.Nil }, "entry_id"},
		"no tenant":            {func(e *auditlog.Entry) { e.TenantID = tenant.ID{} }, "tenant_id"},
		"event type empty":     {func(e *auditlog.Entry) { e.EventType = "" }, "event_type"},
		"event type one word":  {func(e *auditlog.Entry) { e.EventType = "policy" }, "event_type"},
		"event type trailing":  {func(e *auditlog.Entry) { e.EventType = "policy." }, "event_type"},
		"event type upper":     {func(e *auditlog.Entry) { e.EventType = "Policy.x" }, "event_type"},
		"event type long":      {func(e *auditlog.Entry) { e.EventType = "a." + strings.Repeat("b", 127) }, "event_type"},
		"action digit first":   {func(e *auditlog.Entry) { e.Action = "policy.1" }, "action"},
		"outcome":              {func(e *auditlog.Entry) { e.Outcome = 0 }, "outcome"},
		"outcome unknown":      {func(e *auditlog.Entry) { e.Outcome = 4 }, "outcome"},
		"actor kind":           {func(e *auditlog.Entry) { e.Actor.Kind = 0 }, "actor.kind"},
		"actor id empty":       {func(e *auditlog.Entry) { e.Actor.ID = "" }, "actor.id"},
		"actor id long":        {func(e *auditlog.Entry) { e.Actor.ID = strings.Repeat("ä", 256) }, "actor.id"},
		"actor id U+0000":      {func(e *auditlog.Entry) { e.Actor.ID = "a\x00b" }, "actor.id"},
		"actor id UTF-8":       {func(e *auditlog.Entry) { e.Actor.ID = "a\xff" }, "actor.id"},
		"resource type":        {func(e *auditlog.Entry) { e.Resource.Type = "Policy" }, "resource.type"},
		"resource id":          {func(e *auditlog.Entry) { e.Resource.ID = "" }, "resource.id"},
		"source service":       {func(e *auditlog.Entry) { e.SourceService = "" }, "source_service"},
		"request id long":      {func(e *auditlog.Entry) { e.RequestID = strings.Repeat("x", 129) }, "request_id"},
		"correlation id long":  {func(e *auditlog.Entry) { e.CorrelationID = strings.Repeat("x", 129) }, "correlation_id"},
		"too many digests":     {func(e *auditlog.Entry) { e.Digests = make([]auditlog.Digest, 17) }, "digests"},
		"digest without name":  {func(e *auditlog.Entry) { e.Digests = make([]auditlog.Digest, 1) }, "digests.name"},
		"effective year 10000": {func(e *auditlog.Entry) { e.EffectiveTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "effective_time"},
		"details NaN":          {func(e *auditlog.Entry) { e.Details["x"] = math.NaN() }, "details"},
		"details infinite":     {func(e *auditlog.Entry) { e.Details["x"] = math.Inf(1) }, "details"},
		"details big integer":  {func(e *auditlog.Entry) { e.Details["x"] = int64(1<<53 + 1) }, "details"},
		"details wrong type":   {func(e *auditlog.Entry) { e.Details["x"] = struct{}{} }, "details"},
		"details UTF-8":        {func(e *auditlog.Entry) { e.Details["x"] = "\xff" }, "details"},
		"details key UTF-8":    {func(e *auditlog.Entry) { e.Details["\xff"] = "x" }, "details"},
		"details too deep":     {func(e *auditlog.Entry) { e.Details["x"] = nested }, "details"},
		"state NaN":            {func(e *auditlog.Entry) { e.Resource.State["x"] = math.NaN() }, "resource.state"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := testEntry(0)
			tc.change(&e)
			_, err := auditlog.NewDraft(e)
			var bad *errs.Error
			if !errors.As(err, &bad) || bad.Reason != errs.ReasonInvalidField || len(bad.Violations) != 1 || bad.Violations[0].Field != tc.field {
				t.Fatalf("NewDraft: %v (%+v), want INVALID_FIELD on %s", err, bad, tc.field)
			}
		})
	}
}

func TestEntryTooLarge(t *testing.T) {
	t.Parallel()
	e := testEntry(0)
	e.Details = map[string]any{"x": strings.Repeat("x", auditlog.MaxLeafSize)}
	_, err := auditlog.NewDraft(e)
	var tooLarge *errs.Error
	if !errors.As(err, &tooLarge) || tooLarge.Reason != errs.ReasonEntryTooLarge || tooLarge.Metadata["limit"] != "60000" || tooLarge.Metadata["actual"] == "" {
		t.Fatalf("NewDraft: %v", err)
	}
	e.Details["x"] = strings.Repeat("x", auditlog.MaxLeafSize-1000)
	d, err := auditlog.NewDraft(e)
	if err != nil {
		t.Fatal(err)
	}
	leaf, hash := d.Leaf(math.MaxInt64, testTime)
	if n := len(leaf); n > d.Size() || n > auditlog.MaxLeafSize || hash != auditlog.LeafHash(leaf) {
		t.Fatalf("the leaf has %d bytes and the hash %v, Size said %d", n, hash, d.Size())
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	change := func(f func(*governancev1.AuditEntry)) []byte {
		m := toProto(t, testEntry(0))
		f(m)
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":        nil,
		"no protobuf":    []byte("\xff\xff\xff"),
		"other version":  change(func(m *governancev1.AuditEntry) { m.FormatVersion = 2 }),
		"entry id":       change(func(m *governancev1.AuditEntry) { m.EntryId = "x" }),
		"tenant id":      change(func(m *governancev1.AuditEntry) { m.TenantId = "x" }),
		"digest's bytes": change(func(m *governancev1.AuditEntry) { m.Digests[0].Sha256 = []byte("short") }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if e, err := auditlog.Unmarshal(b); err == nil {
				t.Fatalf("Unmarshal: %+v", e)
			}
		})
	}
}

func FuzzUnmarshal(f *testing.F) {
	for i := range 3 {
		b, err := testEntry(i).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := auditlog.Unmarshal(b)
		if err != nil {
			return
		}
		leaf, err := e.Marshal()
		if err != nil {
			return // readable, but nothing that this version would write
		}
		again, err := auditlog.Unmarshal(leaf)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatalf("entry changed (-first +again):\n%s", diff)
		}
	})
}
