package api_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// No text in a request, be it one that the database cannot take, makes an rpc fail as if the service were at fault.
func TestOddTextIsTheCallersFault(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	w := r.world(tenantA, "canary-of-a")
	all := rpcs()
	for _, name := range slices.Sorted(maps.Keys(tenantCalls)) {
		for _, field := range texts(tenantCalls[name].request(w).ProtoReflect()) {
			for _, text := range []string{"\x00", "a\x00b", "\U0010ffff\u202e", strings.Repeat("é", 70_000)} {
				req := tenantCalls[name].request(w)
				field.set(req, text)
				_, err := w.call(t.Context(), all[name], req)
				if slices.Contains(servicesFault, status.Code(err)) {
					t.Errorf("%s with %s %.10q: %v", name, field.path, text, describe(err))
				}
			}
		}
	}
}

// Whoever reads the wall later learns why: a reason that shows nothing is none.
func TestReasonsSaySomething(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	w := r.world(tenantA, "canary-of-a")
	asked := 0
	for name, rpc := range rpcs() {
		req := tenantCalls[name].request(w)
		field := req.ProtoReflect().Descriptor().Fields().ByName("reason")
		if field == nil || field.Kind() != protoreflect.StringKind {
			continue
		}
		asked++
		for _, reason := range []string{"", " ", "\t\n", "\u00a0", "\u200b"} {
			req.ProtoReflect().Set(field, protoreflect.ValueOfString(reason))
			_, err := w.call(t.Context(), rpc, req)
			wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
			if got := fieldsOf(err)["reason"]; got != "must say something" {
				t.Errorf("%s with reason %q: %q", name, reason, got)
			}
		}
	}
	if asked < 6 {
		t.Errorf("%d rpcs have a reason", asked)
	}
}

var servicesFault = []codes.Code{codes.Internal, codes.Unknown, codes.DataLoss, codes.Unavailable, codes.DeadlineExceeded}

// texts returns where a request may hold text, in the messages that it has.
func texts(m protoreflect.Message) (fields []idField) {
	descriptors := m.Descriptor().Fields()
	for i := range descriptors.Len() {
		f := descriptors.Get(i)
		switch {
		case f.IsMap():
			if f.MapKey().Kind() == protoreflect.StringKind && f.MapValue().Kind() == protoreflect.StringKind {
				fields = append(fields, idField{path: string(f.Name()), set: func(m proto.Message, text string) {
					m.ProtoReflect().Mutable(f).Map().Set(protoreflect.ValueOfString("key").MapKey(), protoreflect.ValueOfString(text))
				}})
			}
		case f.Kind() == protoreflect.StringKind && f.IsList():
			fields = append(fields, idField{path: string(f.Name()), set: func(m proto.Message, text string) {
				m.ProtoReflect().Mutable(f).List().Append(protoreflect.ValueOfString(text))
			}})
		case f.Kind() == protoreflect.StringKind:
			fields = append(fields, idField{path: string(f.Name()), set: func(m proto.Message, text string) {
				m.ProtoReflect().Set(f, protoreflect.ValueOfString(text))
			}})
		case f.Kind() == protoreflect.MessageKind && f.Message().FullName() == "google.protobuf.Struct":
			fields = append(fields, idField{path: string(f.Name()), set: func(m proto.Message, text string) {
				m.ProtoReflect().Set(f, protoreflect.ValueOfMessage(object(map[string]any{"of": text, text: "a"}).ProtoReflect()))
			}})
		case f.Kind() == protoreflect.MessageKind && m.Has(f) && f.Message().ParentFile().Package() != "google.protobuf":
			inner := m.Get(f)
			if f.IsList() {
				inner = inner.List().Get(0)
			}
			for _, n := range texts(inner.Message()) {
				fields = append(fields, idField{path: string(f.Name()) + "." + n.path, set: func(m proto.Message, text string) {
					at := m.ProtoReflect().Mutable(f)
					if f.IsList() {
						at = at.List().Get(0)
					}
					n.set(at.Message().Interface(), text)
				}})
			}
		}
	}
	return fields
}
