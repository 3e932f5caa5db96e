package interceptor_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/aumos-enterprise/platform/pkg/auth"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// The order of the chain by its effects: each case breaks one layer and all that stand below it, so that only the right order gives the answer.
func TestOrder(t *testing.T) {
	t.Parallel()
	for kind, rpc := range rpcs() {
		for name, tc := range map[string]struct {
			token  func(t *testing.T, b *bundle) string
			limit  interceptor.RateLimit
			code   codes.Code
			reason string
		}{
			"authentication precedes all": {
				token: func(*testing.T, *bundle) string { return "x.y.z" },
				code:  codes.Unauthenticated, reason: "INVALID_TOKEN",
			},
			"no token at all": {
				token: func(*testing.T, *bundle) string { return "" },
				code:  codes.Unauthenticated, reason: "INVALID_TOKEN",
			},
			"authorization precedes tenant and validation": {
				token: func(t *testing.T, b *bundle) string {
					t.Helper()
					return b.Issuer.Token(t, "nobody", tenant.ID{})
				},
				code: codes.PermissionDenied, reason: "PERMISSION_MISSING",
			},
			"tenant precedes validation": {
				token: func(t *testing.T, b *bundle) string {
					t.Helper()
					return b.Issuer.Token(t, "alice", tenant.ID{}, auth.RoleMLEngineer)
				},
				code: codes.InvalidArgument, reason: "TENANT_MISSING",
			},
			"rate limit precedes validation": {
				token: func(t *testing.T, b *bundle) string {
					t.Helper()
					return b.user(t)
				},
				limit: interceptor.RateLimit{PerSecond: 1e-9, Burst: 1},
				code:  codes.ResourceExhausted, reason: "OVERLOADED",
			},
			"validation precedes the handler": {
				token: func(t *testing.T, b *bundle) string {
					t.Helper()
					return b.user(t)
				},
				code: codes.InvalidArgument, reason: "INVALID_FIELD",
			},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t, tc.limit)
				if tc.limit.PerSecond > 0 { // use the one token up, by the other method
					other := rpcs()[map[string]string{"unary": "stream", "stream": "unary"}[kind]]
					if err := other.call(t.Context(), b.Dial(t, tc.token(t, b), ""), true); err != nil {
						t.Fatal(err)
					}
				}
				var handled bool
				b.get = func(context.Context, *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
					handled = true
					return nil, errors.New("reached")
				}
				b.upload = func(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
					_, err := stream.Recv()
					handled = err == nil
					return err
				}
				want(t, rpc.call(t.Context(), b.Dial(t, tc.token(t, b), ""), false), tc.code, tc.reason)
				if handled {
					t.Error("the handler was reached")
				}
				if n := b.handled(t, rpc.name, tc.code); n != 1 {
					t.Errorf("counted %v times", n)
				}
				line := b.line(t, rpc.name)
				if line["code"] != tc.code.String() || line["reason"] != tc.reason || line["request_id"] == "" {
					t.Errorf("log line = %v", line)
				}
			})
		}
	}
}

func TestPanicIsLoggedCountedAndMasked(t *testing.T) {
	t.Parallel()
	for kind, rpc := range rpcs() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := setup(t, interceptor.RateLimit{})
			b.get = func(context.Context, *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
				panic("db-host-7 exploded")
			}
			b.upload = func(grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
				panic("db-host-7 exploded")
			}
			a := want(t, rpc.call(t.Context(), b.Dial(t, b.user(t), ""), true), codes.Internal, "INTERNAL")
			if a.text != "internal error" {
				t.Errorf("message = %q", a.text)
			}
			line := b.line(t, rpc.name)
			if line["level"] != "ERROR" || line["cause"] != "panic: db-host-7 exploded" || line["principal"] != "alice" || line["tenant_id"] != tenantA ||
				line["request_id"] != a.info.GetMetadata()["request_id"] {
				t.Errorf("log line = %v", line)
			}
			if stack, _ := line["stack"].(string); !strings.Contains(stack, "order_test.go") {
				t.Errorf("the stack does not reach the panic: %s", stack)
			}
			if n := b.counted(t, "grpc_server_panics_total", nil); n != 1 {
				t.Errorf("%v panics counted", n)
			}
			if n := b.handled(t, rpc.name, codes.Internal); n != 1 {
				t.Errorf("%v INTERNAL counted", n)
			}
		})
	}
}

func TestSuccess(t *testing.T) {
	t.Parallel()
	for kind, rpc := range rpcs() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := setup(t, interceptor.RateLimit{})
			check := func(ctx context.Context) {
				if id, ok := tenant.FromContext(ctx); !ok || id.String() != tenantA {
					t.Errorf("tenant = %v, %t", id, ok)
				}
				if p, ok := auth.FromContext(ctx); !ok || p.Subject != "alice" || p.Kind != auth.KindUser {
					t.Errorf("principal = %+v, %t", p, ok)
				}
				if id := requestid.FromContext(ctx); id != "req-1" {
					t.Errorf("request id = %q", id)
				}
			}
			b.get = func(ctx context.Context, _ *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
				check(ctx)
				return &governancev1.GetPolicyResponse{}, nil
			}
			b.upload = func(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
				check(stream.Context())
				return readAll(stream)
			}
			var header, trailer metadata.MD
			if err := rpc.call(with(t.Context(), "x-request-id", "req-1"), b.Dial(t, b.user(t), ""), true, grpc.Header(&header), grpc.Trailer(&trailer)); err != nil {
				t.Fatal(err)
			}
			if header.Get("x-request-id")[0] != "req-1" || len(trailer.Get("x-request-id")) != 0 {
				t.Errorf("header %v, trailer %v", header, trailer)
			}
			line := b.line(t, rpc.name)
			if line["level"] != "INFO" || line["code"] != "OK" || line["principal"] != "alice" || line["tenant_id"] != tenantA || line["request_id"] != "req-1" {
				t.Errorf("log line = %v", line)
			}
			if d, ok := line["duration_ms"].(float64); !ok || d <= 0 {
				t.Errorf("duration = %v", line["duration_ms"])
			}
			if n := b.handled(t, rpc.name, codes.OK); n != 1 {
				t.Errorf("%v OK counted", n)
			}
		})
	}
}

// Every message of a stream is checked, not only the first.
func TestLaterStreamMessagesAreValidated(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	var received int
	b.upload = func(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
		for {
			if _, err := stream.Recv(); err != nil {
				return err
			}
			received++
		}
	}
	stream, err := driftv1.NewBaselineServiceClient(b.Dial(t, b.user(t), "")).UploadBaseline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: &driftv1.UploadBaselineHeader{MonitorId: policyID}}}
	if err := errors.Join(stream.Send(good), stream.Send(good), stream.Send(&driftv1.UploadBaselineRequest{})); err != nil {
		t.Fatal(err)
	}
	_, err = stream.CloseAndRecv()
	a := want(t, err, codes.InvalidArgument, "INVALID_FIELD")
	if received != 2 || a.bad.GetFieldViolations()[0].GetField() != "part" {
		t.Errorf("%d messages received, violations %v", received, a.bad)
	}
}

func TestHealthAndReflectionNeedNoToken(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{PerSecond: 1e-9, Burst: 1})
	conn := b.Dial(t, "", "")
	for range 3 {
		checkHealth(t, conn)
		listServices(t, conn)
	}
	for _, l := range b.Log.Lines(t, "rpc") {
		if l["level"] != "DEBUG" {
			t.Errorf("probes are logged above debug: %v", l)
		}
	}
}
