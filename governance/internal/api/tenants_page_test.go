package api_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Page tokens are of one tenant and one request. They are no secret, so that a caller can make them up: what stands in them is data like any other.
func TestPageTokensAcrossTenants(t *testing.T) {
	t.Parallel()
	_, a, b := worlds(t)
	theirs := &secrets{all: make(map[string]bool)}
	all := rpcs()
	tokens := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(tenantCalls)) {
		method, request := all[name], tenantCalls[name].request
		if method.Input().Fields().ByName("page_token") == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			token := nextToken(t, a, method, paged(request(a), ""))
			for other, used := range tokens {
				_, err := b.call(t.Context(), method, paged(request(b), used))
				if reasonOf(err) != "INVALID_PAGE_TOKEN" {
					t.Errorf("with a token of %s of another tenant: %v", other, err)
				}
			}
			tokens[name] = token
			_, err := b.call(t.Context(), method, paged(request(b), token))
			wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_PAGE_TOKEN)
			messages, _ := a.call(t.Context(), method, paged(request(a), token))
			theirs.collect(wire(a, messages))
			for _, key := range forgeries(t, token) {
				req := request(b)
				messages, err := b.call(t.Context(), method, paged(req, page.Encode(tenant.NewContext(t.Context(), tenantB), req, key)))
				if code := status.Code(err); code != codes.OK && code != codes.InvalidArgument {
					t.Errorf("with the key %s: %v", key, describe(err))
				}
				if found := theirs.leaks(wire(b, messages)); len(found) > 0 {
					t.Errorf("with the key %s the answer tells of %v", key, found)
				}
			}
		})
	}
}

func paged(req proto.Message, token string) proto.Message {
	m := req.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName("page_size"), protoreflect.ValueOfInt32(1))
	m.Set(m.Descriptor().Fields().ByName("page_token"), protoreflect.ValueOfString(token))
	return req
}

func nextToken(t *testing.T, w *world, method protoreflect.MethodDescriptor, req proto.Message) string {
	t.Helper()
	answers, err := w.call(t.Context(), method, req)
	if err != nil {
		t.Fatalf("first page: %v", describe(err))
	}
	m := answers[0].ProtoReflect()
	token := m.Get(m.Descriptor().Fields().ByName("next_page_token")).String()
	if token == "" {
		t.Fatal("the world has too few of them for a second page")
	}
	return token
}

// forgeries are keys for a page token: another tenant's as it is, and with every value out of its range.
func forgeries(t *testing.T, token string) (keys []json.RawMessage) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < 18 {
		t.Fatalf("token %q: %v", token, err)
	}
	key := json.RawMessage(raw[17:])
	keys = append(keys, key, json.RawMessage(`null`), json.RawMessage(`{}`), json.RawMessage(`[]`), json.RawMessage(`-1`), json.RawMessage(`"\u0000"`))
	var fields map[string]json.RawMessage
	if json.Unmarshal(key, &fields) != nil {
		for _, v := range extremes {
			keys = append(keys, json.RawMessage(v))
		}
		return keys
	}
	for name := range fields {
		for _, v := range extremes {
			changed := maps.Clone(fields)
			changed[name] = json.RawMessage(v)
			text, err := json.Marshal(changed)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, text)
		}
	}
	return keys
}

var extremes = []string{
	"9223372036854775807", "-9223372036854775808", "-1", "0", "2147483648", `""`, `"\u0000"`, `"` + strings.Repeat("x", 600) + `"`, "null", "true",
	`"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999999999Z"`, `"-0001-01-01T00:00:00Z"`, `"00000000-0000-0000-0000-000000000000"`,
	`"ffffffff-ffff-ffff-ffff-ffffffffffff"`,
}
