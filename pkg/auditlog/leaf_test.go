package auditlog_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

func TestLeafJSONIsProtobufJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		leaf, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := auditlog.LeafJSON(leaf)
		if err != nil {
			t.Fatal(err)
		}
		want, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(toProto(t, e))
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, want); err != nil {
			t.Fatal(err)
		}
		if got != compact.String() {
			t.Fatalf("rendered:\n%s\nprotojson:\n%s", got, compact.String())
		}
	})
}

func TestLeafJSONRefuses(t *testing.T) {
	t.Parallel()
	leaf, err := testEntry(0).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"nothing":             {},
		"another version":     append([]byte("\x08\x02"), leaf[2:]...),
		"a repeated field":    append(bytes.Clone(leaf), leaf...),
		"a field out of turn": append(bytes.Clone(leaf[2:]), leaf[:2]...),
		"an unknown field":    append(bytes.Clone(leaf), "\x8a\x01\x01x"...),
		"a cut":               leaf[:len(leaf)-1],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if text, err := auditlog.LeafJSON(bad); err == nil {
				t.Fatalf("accepted: %s", text)
			}
		})
	}
}
