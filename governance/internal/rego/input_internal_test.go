package rego

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
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
		if err != nil {
			return
		}
		text, err := json.Marshal(message.AsMap())
		if err != nil {
			t.Fatal(err)
		}
		want, err := ast.ValueFromReader(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if string(in.json) != string(same.json) || in.digest != same.digest || in.term.Value.Compare(same.term.Value) != 0 || in.term.Value.Hash() != same.term.Value.Hash() {
			t.Errorf("got %s, the map %s", in.json, same.json)
		}
		if in.term.Value.Compare(want) != 0 || !in.term.Value.IsGround() {
			t.Errorf("got %s, OPA reads %s", in.term.Value, want)
		}
	})
}
