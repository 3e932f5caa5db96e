package rego

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego/machine"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/structwire"
)

// FuzzInputOf puts whatever arrives against what the libraries make of it: the map that the message stands for, and OPA's own terms of that.
func FuzzInputOf(f *testing.F) {
	number := structpb.NewNumberValue
	for _, fields := range []map[string]*structpb.Value{
		nil,
		{"a": nil, "unset": {}, "null": structpb.NewNullValue(), "": structpb.NewBoolValue(true)},
		{"numbers": structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{
			number(-2), number(-1), number(0), number(math.Copysign(0, -1)), number(1), number(512), number(1e300), number(0.5), number(1e21), number(1e-7),
			number(math.NaN()), number(math.Inf(1)), number(math.Inf(-1)),
		}})},
		{"\ufb33": structpb.NewStringValue("\"\n\x01"), "\U0001f600": structpb.NewStructValue(&structpb.Struct{}), strings.Repeat("k", 40): number(3)},
		{"nested": structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			"b": structpb.NewListValue(&structpb.ListValue{}), "a": structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"a": number(7)}}),
		}}), "a": number(1), "z": number(2)},
	} {
		wire, err := proto.Marshal(&structpb.Struct{Fields: fields})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Add([]byte("\x0a\x07\x0a\x01x\x12\x02\x20\x01\x0a\x07\x0a\x01y\x12\x02\x20\x01\x0a\x07\x0a\x01x\x12\x02\x20\x00")) // a key twice
	f.Fuzz(func(t *testing.T, wire []byte) {
		var message structpb.Struct
		if proto.Unmarshal(wire, &message) != nil {
			return
		}
		in, err := InputOf(&message)
		same, sameErr := NewInput(message.AsMap())
		if (err == nil) != (sameErr == nil) || err != nil && err.Error() != sameErr.Error() {
			t.Fatalf("got %v, the map %v", err, sameErr)
		}
		request := protowire.AppendBytes([]byte{3<<3 | byte(protowire.BytesType)}, wire)
		var question governancev1.EvaluateRequest
		if err := structwire.Unmarshal(request, &question); err != nil {
			t.Fatal(err)
		}
		left, leftErr := InputOf(question.GetInput())
		if (err == nil) != (leftErr == nil) || err != nil && err.Error() != leftErr.Error() {
			t.Fatalf("got %v, left on the wire %v", err, leftErr)
		}
		if err != nil {
			return
		}
		term := machine.Whole(in.term).Value
		if read := machine.Whole(left.term).Value; string(in.json) != string(left.json) || in.digest != left.digest || term.Compare(read) != 0 || term.Hash() != read.Hash() {
			t.Errorf("got %s, left on the wire %s", in.json, left.json)
		}
		text, err := json.Marshal(message.AsMap())
		if err != nil {
			t.Fatal(err)
		}
		want, err := ast.ValueFromReader(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if mapped := machine.Whole(same.term).Value; string(in.json) != string(same.json) || in.digest != same.digest || term.Compare(mapped) != 0 || term.Hash() != mapped.Hash() {
			t.Errorf("got %s, the map %s", in.json, same.json)
		}
		if term.Compare(want) != 0 || !term.IsGround() {
			t.Errorf("got %s, OPA reads %s", term, want)
		}
	})
}
