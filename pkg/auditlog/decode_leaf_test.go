package auditlog

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// leaves are some that this package has written.
func leaves(t testing.TB) [][]byte {
	t.Helper()
	e := Entry{
		EntryID: uuid.MustParse("0190a000-0000-7000-9000-000000000001"), TenantID: tenant.ID(uuid.MustParse("0190a000-0000-7000-8000-00000000000a")),
		LeafIndex: 7, RecordedTime: time.Unix(1_770_000_000, 1000).UTC(), EffectiveTime: time.Unix(1_770_000_000, 0).UTC(),
		EventType: "decision.evaluated", Action: "decision.evaluate", Outcome: Denied, Actor: Actor{Kind: ActorService, ID: "drift", OnBehalfOf: "eve"},
		Resource:      Resource{Type: "policy", ID: "p", Name: "retrain", State: map[string]any{"on": true}},
		SourceService: "governance", RequestID: "r", CorrelationID: "c",
		Details: map[string]any{"list": []any{nil, 1.5, "é", []any{}}, "empty": map[string]any{}, "deep": map[string]any{"a": map[string]any{"b": false}}},
		Digests: []Digest{{Name: "input", SHA256: [32]byte{1}}, {Name: "input_hmac", SHA256: [32]byte{2}}},
	}
	least := Entry{
		EntryID: e.EntryID, TenantID: e.TenantID, RecordedTime: e.RecordedTime, EventType: "a.b", Action: "a.b", Outcome: Success,
		Actor: Actor{Kind: ActorSystem, ID: "x"}, Resource: Resource{Type: "t", ID: "i"}, SourceService: "s",
	}
	var all [][]byte
	for _, entry := range []Entry{e, least} {
		leaf, err := entry.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, leaf)
	}
	return all
}

// TestReadLeaf reads what this package writes without the protobuf library.
func TestReadLeaf(t *testing.T) {
	t.Parallel()
	for _, leaf := range leaves(t) {
		got, err := readLeaf(leaf)
		if err != nil {
			t.Fatalf("the fast way refuses a leaf: %v", err)
		}
		want, err := unmarshal(leaf)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v, %v", got, want, err)
		}
		if kind := EventTypeOf(string(leaf)); kind != want.EventType {
			t.Errorf("the event type is %q, want %q", kind, want.EventType)
		}
	}
}

// TestLeafIn writes leaves over each other.
func TestLeafIn(t *testing.T) {
	t.Parallel()
	room := make([]byte, 0, MaxLeafSize)
	for _, leaf := range leaves(t) {
		e, err := Unmarshal(leaf)
		if err != nil {
			t.Fatal(err)
		}
		d, err := NewDraft(e)
		if err != nil {
			t.Fatal(err)
		}
		got, hash := d.LeafIn(room[:0:1+d.Size()], e.LeafIndex, e.RecordedTime)
		if string(got) != string(leaf) || hash != LeafHash(leaf) {
			t.Errorf("got %x, %x, want %x", got, hash, leaf)
		}
		if &got[0] != &room[:2][1] {
			t.Error("the leaf is not in the memory given")
		}
	}
}

// FuzzReadLeaf compares the two ways to read: whatever the fast one accepts, the protobuf library reads the same.
func FuzzReadLeaf(f *testing.F) {
	for _, leaf := range leaves(f) {
		f.Add(leaf)
	}
	f.Fuzz(func(t *testing.T, leaf []byte) {
		got, err := readLeaf(leaf)
		if err != nil {
			return
		}
		want, err := unmarshal(leaf)
		if err != nil || !reflect.DeepEqual(got, want) || EventTypeOf(string(leaf)) != want.EventType {
			t.Fatalf("got %+v of type %q\nwant %+v, %v", got, EventTypeOf(string(leaf)), want, err)
		}
	})
}

func BenchmarkUnmarshal(b *testing.B) {
	leaf := leaves(b)[0]
	for name, read := range map[string]func([]byte) (Entry, error){"leaf": Unmarshal, "protobuf": unmarshal} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read(leaf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
