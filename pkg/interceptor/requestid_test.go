package interceptor_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	conn := b.Dial(t, b.user(t), "")
	longest := strings.Repeat("a", 128)
	for name, tc := range map[string]struct {
		values []string
		kept   string // "": a new one is made
	}{
		"none":         {nil, ""},
		"sane":         {[]string{`req-1/a.b:c_~!"`}, `req-1/a.b:c_~!"`},
		"longest":      {[]string{longest}, longest},
		"too long":     {[]string{longest + "a"}, ""},
		"empty":        {[]string{""}, ""},
		"space inside": {[]string{"a b"}, ""},
		"two values":   {[]string{"a", "b"}, ""},
	} {
		for kind, rpc := range rpcs() {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				ctx := t.Context()
				for _, v := range tc.values {
					ctx = with(ctx, "x-request-id", v)
				}
				var header, trailer metadata.MD
				if err := rpc.call(ctx, conn, true, grpc.Header(&header), grpc.Trailer(&trailer)); err != nil {
					t.Fatal(err)
				}
				got := header.Get("x-request-id")
				if len(got) != 1 || len(trailer.Get("x-request-id")) != 0 {
					t.Fatalf("header %v, trailer %v", header, trailer)
				}
				if tc.kept != "" {
					if got[0] != tc.kept {
						t.Errorf("id = %q, want %q", got[0], tc.kept)
					}
					return
				}
				if id, err := uuid.Parse(got[0]); err != nil || id.Version() != 7 {
					t.Errorf("id = %q, want a new UUIDv7", got[0])
				}
			})
		}
	}
}

// Calls share the memory in which they name themselves: each has its own id all the same.
func TestRequestIDsOfManyCalls(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	conn := b.Dial(t, b.user(t), "")
	for kind, rpc := range rpcs() {
		var calls sync.WaitGroup
		for i := range 64 {
			calls.Go(func() {
				for j := range 20 {
					id := fmt.Sprintf("%s-%d-%d", kind, i, j)
					var header, trailer metadata.MD
					ctx, name := with(t.Context(), "x-request-id", id), &header
					if i%2 == 0 { // refused
						ctx, name = with(ctx, "x-tenant-id", "none"), &trailer
					}
					err := rpc.call(ctx, conn, true, grpc.Header(&header), grpc.Trailer(&trailer))
					if got := name.Get("x-request-id"); (err != nil) != (i%2 == 0) || len(got) != 1 || got[0] != id {
						t.Errorf("call %s: %v, header %v, trailer %v", id, err, header, trailer)
					}
				}
			})
		}
		calls.Wait()
	}
}

// A failed call has its id in the trailer alone: with a header, gRPC's clients would not retry it.
func TestRequestIDOfFailedCalls(t *testing.T) {
	t.Parallel()
	for kind, rpc := range rpcs() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := setup(t, interceptor.RateLimit{})
			b.respond(errs.Down("wall", nil))
			var header, trailer metadata.MD
			ctx := with(t.Context(), "x-request-id", "req-1")
			want(t, rpc.call(ctx, b.Dial(t, b.user(t), ""), true, grpc.Header(&header), grpc.Trailer(&trailer)), codes.Unavailable, "UNAVAILABLE")
			if len(header.Get("x-request-id")) != 0 || len(trailer.Get("x-request-id")) != 1 || trailer.Get("x-request-id")[0] != "req-1" {
				t.Errorf("header %v, trailer %v", header, trailer)
			}
		})
	}
}
