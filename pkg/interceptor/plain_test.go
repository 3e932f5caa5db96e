package interceptor

import (
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func question() *governancev1.EvaluateRequest {
	return &governancev1.EvaluateRequest{
		Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "drift.retrain"}, Input: &structpb.Struct{},
		RequestId: "0198c0de-0000-7000-8000-0000000000fF", CorrelationId: "é", Resource: &governancev1.DecidedResource{Type: "a_1", Id: "é"},
		Explain: governancev1.ExplainLevel_EXPLAIN_LEVEL_TRACE,
	}
}

// What is plain follows the rules, and the usual question is plain.
func TestPlain(t *testing.T) {
	t.Parallel()
	if !plain(question()) || !plain(&governancev1.EvaluateRequest{
		Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "a.b"}, Input: &structpb.Struct{},
	}) {
		t.Error("the usual question is not plain")
	}
	if plain(&governancev1.GetPolicyRequest{}) {
		t.Error("another message is plain")
	}
	long := func(n int) string { return "a." + strings.Repeat("b", n-2) }
	for name, change := range map[string]func(*governancev1.EvaluateRequest){
		"no target": func(q *governancev1.EvaluateRequest) { q.Target = nil },
		"no input":  func(q *governancev1.EvaluateRequest) { q.Input = nil },
		"a policy": func(q *governancev1.EvaluateRequest) {
			q.Target = &governancev1.EvaluateRequest_PolicyId{PolicyId: "x"}
		},
		"a point that is long": func(q *governancev1.EvaluateRequest) {
			q.Target = &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: long(129)}
		},
		"a long correlation":    func(q *governancev1.EvaluateRequest) { q.CorrelationId = long(129) },
		"no kind of resource":   func(q *governancev1.EvaluateRequest) { q.Resource.Type = "" },
		"a long kind":           func(q *governancev1.EvaluateRequest) { q.Resource.Type = strings.Repeat("a", 65) },
		"no id of the resource": func(q *governancev1.EvaluateRequest) { q.Resource.Id = "" },
		"a long id":             func(q *governancev1.EvaluateRequest) { q.Resource.Id = strings.Repeat("a", 256) },
		"an unknown level":      func(q *governancev1.EvaluateRequest) { q.Explain = 3 },
		"a level below all":     func(q *governancev1.EvaluateRequest) { q.Explain = -1 },
	} {
		q := question()
		change(q)
		if plain(q) || protovalidate.Validate(q) == nil {
			t.Errorf("%s is plain or valid", name)
		}
	}
	for _, s := range []string{"", "a", ".", "a.", ".a", "a..b", "A.b", "a.1", "a.b\n", "a.b ", "a.é", "1.a", "_a.b", "a-b.c"} {
		q := question()
		q.Target = &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: s}
		if plain(q) || protovalidate.Validate(q) == nil {
			t.Errorf("the decision point %q is plain or valid", s)
		}
	}
	for _, s := range []string{"x", strings.Repeat("0", 36), "0198c0de-0000-7000-8000-0000000000fg", "0198c0de-0000-7000-8000-0000000000f", "0198c0de00000-7000-8000-0000000000ff"} {
		q := question()
		q.RequestId = s
		if plain(q) || protovalidate.Validate(q) == nil {
			t.Errorf("the request id %q is plain or valid", s)
		}
	}
}

// The rules that plain knows are the contract's: a new one is to be put there too.
func TestPlainKnowsTheRules(t *testing.T) {
	t.Parallel()
	want := []string{
		`EvaluateRequest {}`, `policy_id {"string":{"uuid":true}}`, `decision_point {"string":{"maxLen":"128","pattern":"^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$"}}`,
		`input {"required":true}`, `request_id {"ignore":"IGNORE_IF_ZERO_VALUE","string":{"uuid":true}}`, `correlation_id {"string":{"maxLen":"128"}}`,
		`resource {}`, `explain {"enum":{"definedOnly":true}}`, `target {"required":true}`,
		`DecidedResource {}`, `type {"string":{"minLen":"1","maxLen":"64","pattern":"^[a-z][a-z0-9_]*$"}}`, `id {"string":{"minLen":"1","maxLen":"255"}}`,
	}
	var got []string
	add := func(d protoreflect.Descriptor, rules protoreflect.ExtensionType) {
		encoded, err := protojson.Marshal(proto.GetExtension(d.Options(), rules).(proto.Message))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(d.Name())+" "+strings.ReplaceAll(string(encoded), " ", ""))
	}
	for _, m := range []proto.Message{&governancev1.EvaluateRequest{}, &governancev1.DecidedResource{}} {
		d := m.ProtoReflect().Descriptor()
		add(d, validate.E_Message)
		for i := range d.Fields().Len() {
			add(d.Fields().Get(i), validate.E_Field)
		}
		for i := range d.Oneofs().Len() {
			add(d.Oneofs().Get(i), validate.E_Oneof)
		}
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("the rules are\n%s\nand plain knows\n%s", g, w)
	}
}

// FuzzPlain compares with protovalidate.
func FuzzPlain(f *testing.F) {
	f.Add("drift.retrain", "0198c0de-0000-7000-8000-0000000000ff", "c", "model", "m", int32(2), true, true)
	f.Add("a", "", "", "", "", int32(0), false, false)
	f.Fuzz(func(t *testing.T, point, request, correlation, kind, id string, explain int32, input, resource bool) {
		q := &governancev1.EvaluateRequest{
			Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: point}, RequestId: request, CorrelationId: correlation,
			Explain: governancev1.ExplainLevel(explain),
		}
		if input {
			q.Input = &structpb.Struct{}
		}
		if resource {
			q.Resource = &governancev1.DecidedResource{Type: kind, Id: id}
		}
		if err := protovalidate.Validate(q); plain(q) && err != nil {
			t.Errorf("%v is plain, and %v", q, err)
		}
	})
}
