package auditlog

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// FuzzLeafJSON compares the one-pass rendering with the protobuf library's: whatever the first accepts, the second reads the same.
func FuzzLeafJSON(f *testing.F) {
	f.Add([]byte("\x08\x01"))
	f.Add([]byte("\x08\x01\x12\x03abc\x20\x05\x7a\x0c\x0a\x0a\x0a\x01k\x12\x05\x1a\x03\x22\"\n"))
	f.Fuzz(func(t *testing.T, leaf []byte) {
		got, _, err := appendLeafJSON(nil, leaf)
		if err != nil {
			return
		}
		var m governancev1.AuditEntry
		if err := proto.Unmarshal(leaf, &m); err != nil {
			t.Fatalf("accepted what protobuf refuses: %v\n%s", err, got)
		}
		var fromJSON governancev1.AuditEntry
		if err := protojson.Unmarshal(got, &fromJSON); err != nil {
			t.Fatalf("not protobuf JSON: %v\n%s", err, got)
		}
		if !proto.Equal(&m, &fromJSON) {
			t.Fatalf("the text is another entry:\n%s\n%v", got, &m)
		}
		if !json.Valid(got) || bytes.ContainsAny(got, "\n\r") {
			t.Fatalf("not one line of JSON: %q", got)
		}
	})
}
