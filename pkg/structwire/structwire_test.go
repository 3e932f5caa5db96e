package structwire_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/structwire"
)

func question(t testing.TB) *governancev1.EvaluateRequest {
	t.Helper()
	input, err := structpb.NewStruct(map[string]any{
		"detection": map[string]any{"status": "DRIFT_STATUS_DRIFT", "severity": 0.8, "empty": map[string]any{}, "list": []any{nil, true, false, "é", []any{}}},
		"model":     map[string]any{"name": "delays", "": "an empty key"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &governancev1.EvaluateRequest{
		Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "drift.retrain"}, Input: input, RequestId: "r", CorrelationId: "c",
		Resource: &governancev1.DecidedResource{Type: "model", Id: "m"},
	}
}

func wire(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same fails unless both ways to read come to the same: a question, whose input is left on the wire, and a simulation's, whose input is not.
func same(t *testing.T, b []byte) {
	t.Helper()
	var got, want governancev1.EvaluateRequest
	got.CorrelationId = "from before"
	gotErr, wantErr := structwire.Unmarshal(b, &got), proto.Unmarshal(b, &want)
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("got %v, want %v", gotErr, wantErr)
	}
	if wantErr != nil {
		return
	}
	if o, size, ok := structwire.Open(got.GetInput()); ok {
		var found structwire.Size
		got.Input = opened(o, &found)
		if size != found {
			t.Errorf("%+v, want %+v", size, found)
		}
	}
	equal(t, &got, &want)
	var read, other governancev1.SimulationInput
	data := wire(t, &governancev1.SimulationInput{Name: "n", Input: want.GetInput()})
	if gotErr, wantErr = structwire.Unmarshal(data, &read), proto.Unmarshal(data, &other); gotErr != nil || wantErr != nil {
		t.Fatalf("got %v and %v", gotErr, wantErr)
	}
	equal(t, &read, &other)
}

func equal(t *testing.T, got, want proto.Message) {
	t.Helper()
	if string(wire(t, got)) != string(wire(t, want)) && !proto.Equal(got, want) { // NaN is not equal to itself
		t.Fatalf("got %v\nwant %v", got, want)
	}
}

// opened makes the message of what was left on the wire, and counts what it holds.
func opened(o structwire.Object, size *structwire.Size) *structpb.Struct {
	s := &structpb.Struct{Fields: make(map[string]*structpb.Value)}
	for len(o) > 0 {
		var key []byte
		var v structwire.Value
		key, v, o = o.Next()
		size.Members++
		s.Fields[string(key)] = value(v, size)
	}
	return s
}

func value(v structwire.Value, size *structwire.Size) *structpb.Value {
	switch v.Kind() {
	case structwire.Text:
		size.Leaves++
		size.Bytes += len(v.Text())
		return structpb.NewStringValue(string(v.Text()))
	case structwire.Number:
		size.Leaves++
		return structpb.NewNumberValue(v.Number())
	case structwire.Bool:
		return structpb.NewBoolValue(v.Bool())
	case structwire.AnObject:
		return structpb.NewStructValue(opened(v.Object(), size))
	case structwire.AList:
		var list []*structpb.Value
		for l := v.List(); len(l) > 0; {
			var element structwire.Value
			element, l = l.Next()
			list = append(list, value(element, size))
		}
		return structpb.NewListValue(&structpb.ListValue{Values: list})
	default:
		return structpb.NewNullValue()
	}
}

// nested is objects and lists in one another, in turns.
func nested(depth int) *structpb.Struct {
	v := structpb.NewNullValue()
	for range depth / 2 {
		v = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{
			structpb.NewNumberValue(1), structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"in": v}}), structpb.NewBoolValue(true),
		}})
	}
	return &structpb.Struct{Fields: map[string]*structpb.Value{"in": v}}
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	whole := wire(t, question(t))
	other := wire(t, &governancev1.EvaluateRequest{Input: &structpb.Struct{Fields: map[string]*structpb.Value{"more": structpb.NewBoolValue(true)}}})
	for name, b := range map[string][]byte{
		"a question": whole, "nothing": nil, "no input": wire(t, &governancev1.EvaluateRequest{RequestId: "p"}),
		"an empty input":   wire(t, &governancev1.EvaluateRequest{Input: &structpb.Struct{}}),
		"two inputs":       append(append([]byte{}, whole...), other...),
		"cut":              whole[:len(whole)-3],
		"a value of none":  wire(t, &governancev1.EvaluateRequest{Input: &structpb.Struct{Fields: map[string]*structpb.Value{"x": {}}}}),
		"not UTF-8":        []byte("\x1a\x09\x0a\x07\x0a\x01\xff\x12\x02\x20\x01"),
		"fields unknown":   append(append([]byte{}, whole...), 0xf8, 0x7f, 1),
		"an input of text": []byte("\x1a\x03abc"),
		"a key twice":      []byte("\x1a\x12\x0a\x07\x0a\x01x\x12\x02\x20\x01\x0a\x07\x0a\x01x\x12\x02\x20\x00"),
		"a long word":      []byte("\x1a\x0a\x0a\x08\x0a\x01x\x12\x03\x20\x81\x00"),
		"a long null":      []byte("\x1a\x09\x0a\x07\x0a\x01x\x12\x02\x08\x01"),
		"a long size":      []byte("\x1a\x0a\x0a\x88\x00\x0a\x01x\x12\x02\x20\x01"),
		"a short number":   []byte("\x1a\x0a\x0a\x08\x0a\x01x\x12\x03\x11\x00\x00"),
		"a long number":    []byte("\x1a\x12\x0a\x10\x0a\x01x\x12\x0b\x11\x00\x00\x00\x00\x00\x00\x00\x00\x20\x01"),
		"two kinds":        []byte("\x1a\x0b\x0a\x09\x0a\x01x\x12\x04\x20\x01\x20\x00"),
		"a size over all":  []byte("\x1a\x03\x0a\xff\x01"),
		"deep":             wire(t, &governancev1.EvaluateRequest{Input: nested(60)}),
		"too deep for it":  wire(t, &governancev1.EvaluateRequest{Input: nested(70)}),
		"long texts": wire(t, &governancev1.EvaluateRequest{Input: &structpb.Struct{Fields: map[string]*structpb.Value{
			strings.Repeat("key", 100): structpb.NewStringValue(strings.Repeat("text", 5000)),
		}}}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, b)
		})
	}
}

func TestCodec(t *testing.T) {
	t.Parallel()
	c := structwire.NewCodec()
	data, err := c.Marshal(question(t))
	if err != nil {
		t.Fatal(err)
	}
	var got governancev1.EvaluateRequest
	if err := c.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	data.Free() // nothing of it is read from here on
	again, err := proto.Marshal(&got)
	if err != nil {
		t.Fatal(err)
	}
	var whole governancev1.EvaluateRequest
	if err := proto.Unmarshal(again, &whole); err != nil || !proto.Equal(&whole, question(t)) || proto.Size(&got) != len(again) {
		t.Fatalf("got %v, %v", &whole, err)
	}
	if err := c.Unmarshal(mem.BufferSlice{}, "no message"); err == nil {
		t.Error("what is no message was read")
	}
}

// Messages are written to memory that others were sent from, whatever their sizes: each is what the protobuf library writes as long as somebody holds it.
func TestMarshal(t *testing.T) {
	t.Parallel()
	c := structwire.NewCodec()
	var held []mem.BufferSlice
	var want [][]byte
	release := func() {
		if got := held[0].Materialize(); !bytes.Equal(got, want[0]) {
			t.Errorf("got %x, want %x", got, want[0])
		}
		held[0].Free()
		held, want = held[1:], want[1:]
	}
	for i := range 300 {
		m := &governancev1.EvaluateRequest{RequestId: strings.Repeat(string(rune('a'+i%26)), []int{0, 1, 300, 2045, 2046, 3000}[i*7%6])}
		data, err := c.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if held, want = append(held, data), append(want, wire(t, m)); len(held) > 5 {
			release()
		}
	}
	for len(held) > 0 {
		release()
	}
	if _, err := c.Marshal("no message"); err == nil {
		t.Error("what is no message was written")
	}
	if _, err := c.Marshal(&governancev1.EvaluateRequest{RequestId: "\xff"}); err == nil {
		t.Error("text that is not UTF-8 was written")
	}
}

// What the library has read is not open to Open, whatever it did not know.
func TestOpen(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"nothing": nil, "a field unknown": {0x10, 1}, "fields of another kind": {0x08, 1}, "a text unknown": {0x12, 1, 'x'},
		"both": append([]byte{0x12, 1, 'x'}, wire(t, question(t).GetInput())...), "fields": wire(t, question(t).GetInput()),
	} {
		var s structpb.Struct
		if err := proto.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		if o, _, ok := structwire.Open(&s); ok {
			t.Errorf("%s: opened as %q", name, o)
		}
	}
	if _, _, ok := structwire.Open(nil); ok {
		t.Error("no Struct was opened")
	}
}

// FuzzUnmarshal compares with the protobuf library.
func FuzzUnmarshal(f *testing.F) {
	f.Add(wire(f, question(f)))
	f.Fuzz(same)
}

func BenchmarkUnmarshal(b *testing.B) {
	request := wire(b, question(b))
	for name, read := range map[string]func([]byte, proto.Message) error{"structwire": structwire.Unmarshal, "protobuf": proto.Unmarshal} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := read(request, &governancev1.EvaluateRequest{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
