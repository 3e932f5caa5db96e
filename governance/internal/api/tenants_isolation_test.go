package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// rpcs returns the package's rpcs by service and name.
func rpcs() map[string]protoreflect.MethodDescriptor {
	all := make(map[string]protoreflect.MethodDescriptor)
	protoregistry.GlobalFiles.RangeFilesByPackage("aumos.governance.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for k := range service.Methods().Len() {
				m := service.Methods().Get(k)
				all[string(service.Name())+"/"+string(m.Name())] = m
			}
		}
		return true
	})
	return all
}

func TestEveryRPCHasATenantCall(t *testing.T) {
	t.Parallel()
	all := rpcs()
	for name := range all {
		if tenantCalls[name].request == nil {
			t.Errorf("%s is not called across tenants: add it to tenantCalls", name)
		}
	}
	for name := range tenantCalls {
		if all[name] == nil {
			t.Errorf("%s is no rpc", name)
		}
	}
}

// worlds makes the same world in two tenants, at once.
func worlds(t *testing.T) (r *replica, a, b *world) {
	t.Helper()
	r = keeping(t).replica(rego.Config{Deadline: overrunDeadline})
	var wg sync.WaitGroup
	wg.Go(func() { a = r.world(tenantA, "canary-of-a") })
	wg.Go(func() { b = r.world(tenantB, "canary-of-b") })
	wg.Wait()
	if a == nil || b == nil {
		t.FailNow()
	}
	return r, a, b
}

// idField is a place in a request that holds an id.
type idField struct {
	path string // with indexes, to tell fields apart
	name string
	get  func(m proto.Message) string
	set  func(m proto.Message, id string)
}

// idFields returns where a request holds ids. Request ids are the caller's own.
func idFields(m protoreflect.Message) (fields []idField) {
	own := []protoreflect.Name{"request_id", "correlation_id", "sidecar_id"}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		nested := func(n int, at func(root protoreflect.Message) protoreflect.Message, inner protoreflect.Message) {
			for _, i := range idFields(inner) {
				fields = append(fields, idField{
					path: fmt.Sprintf("%s[%d].%s", f.Name(), n, i.path), name: i.name,
					get: func(m proto.Message) string { return i.get(at(m.ProtoReflect()).Interface()) },
					set: func(m proto.Message, id string) { i.set(at(m.ProtoReflect()).Interface(), id) },
				})
			}
		}
		named := f.Kind() == protoreflect.StringKind && !f.IsList() && !f.IsMap()
		reference := m.Descriptor().Name() == "ResourceReference" && f.Name() == "id"
		switch {
		case named && (reference || strings.HasSuffix(string(f.Name()), "_id")) && !slices.Contains(own, f.Name()):
			fields = append(fields, idField{
				path: string(f.Name()), name: string(f.Name()),
				get: func(m proto.Message) string { return m.ProtoReflect().Get(f).String() },
				set: func(m proto.Message, id string) { m.ProtoReflect().Set(f, protoreflect.ValueOfString(id)) },
			})
		case f.Kind() != protoreflect.MessageKind || f.IsMap() || f.Message().ParentFile().Package() == "google.protobuf":
		case f.IsList():
			for n := range v.List().Len() {
				nested(n, func(root protoreflect.Message) protoreflect.Message { return root.Get(f).List().Get(n).Message() }, v.List().Get(n).Message())
			}
		default:
			nested(0, func(root protoreflect.Message) protoreflect.Message { return root.Mutable(f).Message() }, v.Message())
		}
		return true
	})
	return fields
}

// secrets are what stands in a tenant's answers and may stand in nobody else's.
type secrets struct {
	mu  sync.Mutex
	all map[string]bool
}

func (s *secrets) collect(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range anyID.FindAllString(text, -1) {
		s.all[id] = true
	}
}

// leaks returns the secrets in a text.
func (s *secrets) leaks(text string) (found []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range anyID.FindAllString(text, -1) {
		if s.all[id] {
			found = append(found, id)
		}
	}
	if strings.Contains(text, "canary-of-a") {
		found = append(found, "canary-of-a")
	}
	return found
}

// readAll calls every rpc that changes nothing.
func readAll(t *testing.T, w *world) map[string][]proto.Message {
	t.Helper()
	answers := make(map[string][]proto.Message)
	all := rpcs()
	for _, name := range slices.Sorted(maps.Keys(tenantCalls)) {
		if !harmless(all[name]) {
			continue
		}
		got, err := w.call(t.Context(), all[name], tenantCalls[name].request(w))
		if err != nil {
			t.Errorf("%s by its own tenant: %v", name, describe(err))
		}
		answers[name] = got
	}
	return answers
}

func harmless(m protoreflect.MethodDescriptor) bool {
	options := m.Options().ProtoReflect()
	level := options.Descriptor().Fields().ByName("idempotency_level")
	return options.Get(level).Enum() == 1 // NO_SIDE_EFFECTS
}

// Two tenants with the same names and request ids see and change nothing of each other's by any rpc: another tenant's id is answered word for
// word like one that does not exist.
func TestTenantsAreApartInEveryRPC(t *testing.T) {
	t.Parallel()
	r, a, b := worlds(t)
	theirs := &secrets{all: map[string]bool{tenantA.String(): true}}
	before := readAll(t, a)
	for _, messages := range before {
		theirs.collect(wire(a, messages))
	}
	for _, step := range []string{"entry 0", "entry"} {
		delete(theirs.all, again(step)) // chosen by the callers
	}
	for name, messages := range before {
		if everybodys(name) {
			for _, id := range anyID.FindAllString(wire(a, messages), -1) {
				delete(theirs.all, id)
			}
		}
	}
	for name, messages := range readAll(t, b) {
		if found := theirs.leaks(wire(b, messages)); len(found) > 0 {
			t.Errorf("%s tells one tenant of another: %v", name, found)
		}
		if own := len(wire(b, messages)); own == 0 {
			t.Errorf("%s has no answer, so that nothing is shown", name)
		}
	}
	all := rpcs()
	entries := len(r.entries(tenantA))
	for _, name := range slices.Sorted(maps.Keys(tenantCalls)) {
		t.Run(name, func(t *testing.T) { foreignIDs(t, theirs, all[name], tenantCalls[name], a, b) })
		t.Run(name+" by x-tenant-id", func(t *testing.T) {
			ctx := metadata.AppendToOutgoingContext(t.Context(), tenant.MetadataKey, tenantA.String())
			_, err := b.call(ctx, all[name], tenantCalls[name].request(b))
			wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_TENANT_MISMATCH)
		})
	}
	for _, name := range slices.Sorted(maps.Keys(tenantCalls)) { // what the other tenant may do, as far as it still can
		if !harmless(all[name]) {
			messages, err := b.call(t.Context(), all[name], tenantCalls[name].request(b))
			if found := theirs.leaks(wire(b, messages) + describe(err)); len(found) > 0 || status.Code(err) == codes.Internal {
				t.Errorf("%s: %v, tells of %v", name, describe(err), found)
			}
		}
	}
	for _, e := range r.entries(tenantA)[entries:] {
		t.Errorf("another tenant's calls made the entry %s of %s", e.EventType, e.Resource.ID)
	}
	after := readAll(t, a)
	for name, messages := range before {
		if steady(name) && wire(a, messages) != wire(a, after[name]) {
			t.Errorf("%s has another answer since the other tenant's calls", name)
		}
	}
	if got := a.await(a.createReplay(replayOf(a.policy, a.candidate)).GetId()); got.GetInputsMissing() != 0 || got.GetSummary().GetCompared() == 0 {
		t.Errorf("the other tenant erased its inputs; replayed %v", got)
	}
}

// everybodys reports whether an rpc answers all tenants the same.
func everybodys(name string) bool {
	return name == "PolicyTemplateService/GetPolicyTemplate" || name == "AuditService/GetHeadCommitment"
}

// steady reports whether an rpc has the same answer while the tenant changes nothing. The wall's say where it ends and what was read of it.
func steady(name string) bool {
	return strings.HasPrefix(name, "Policy") && name != "PolicyTestService/TestModules" || strings.HasSuffix(name, "Settings") || name == "BundleService/GetBundle"
}

// foreignIDs puts another tenant's id into each place of a request, and one that nobody has.
func foreignIDs(t *testing.T, theirs *secrets, method protoreflect.MethodDescriptor, c tenantCall, a, b *world) {
	t.Helper()
	for i, field := range idFields(c.request(b).ProtoReflect()) {
		if slices.Contains(c.free, field.name) {
			continue
		}
		foreign, unknown := field.get(c.request(a)), uuid.NewString()
		if own := field.get(c.request(b)); own == foreign || foreign == "" || idFields(c.request(a).ProtoReflect())[i].path != field.path {
			t.Fatalf("%s is %q in both tenants", field.path, own)
		}
		answer := func(id string) string {
			req := c.request(b)
			field.set(req, id)
			messages, err := b.call(t.Context(), method, req)
			selects := slices.Contains(c.selects, field.name)
			if !selects && (status.Code(err) != codes.NotFound || reasonOf(err) != "NOT_FOUND") || selects && err != nil {
				t.Errorf("%s: %v", field.path, describe(err))
			}
			text := wire(b, messages) + describe(err)
			if found := theirs.leaks(strings.ReplaceAll(text, id, "")); len(found) > 0 {
				t.Errorf("%s: the answer tells of %v", field.path, found)
			}
			if err != nil {
				return strings.ReplaceAll(text, id, "ID")
			}
			return fmt.Sprint(len(messages), " messages of size ", len(text))
		}
		if got, want := answer(foreign), answer(unknown); got != want && !strings.HasPrefix(string(method.Name()), "Watch") {
			t.Errorf("%s: %q of another tenant, %q of nobody", field.path, got, want)
		}
	}
}
