package grpcclient_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/errs"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	tenantA = "0198c0de-0000-7000-8000-00000000000a"
	tenantB = "0198c0de-0000-7000-8000-00000000000b"
	id      = "0198c0de-0000-7000-8000-0000000000ff"
)

func parse(t *testing.T, s string) tenant.ID {
	t.Helper()
	id, err := tenant.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// server fails the first calls and keeps what it received.
type server struct {
	governancev1.UnimplementedPolicyServiceServer
	governancev1.UnimplementedAuditServiceServer
	governancev1.UnimplementedDecisionServiceServer
	driftv1.UnimplementedBaselineServiceServer

	mu       sync.Mutex // guards the rest
	failures int
	err      error
	received []proto.Message
	contexts []context.Context
}

func (s *server) take(ctx context.Context, m proto.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received, s.contexts = append(s.received, m), append(s.contexts, ctx)
	if s.failures > 0 {
		s.failures--
		return s.err
	}
	return nil
}

func (s *server) GetPolicy(ctx context.Context, req *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
	return &governancev1.GetPolicyResponse{}, s.take(ctx, req)
}

func (s *server) CreatePolicy(ctx context.Context, req *governancev1.CreatePolicyRequest) (*governancev1.CreatePolicyResponse, error) {
	return &governancev1.CreatePolicyResponse{}, s.take(ctx, req)
}

func (s *server) BatchEvaluate(ctx context.Context, req *governancev1.BatchEvaluateRequest) (*governancev1.BatchEvaluateResponse, error) {
	return &governancev1.BatchEvaluateResponse{}, s.take(ctx, req)
}

func (s *server) RecordEntry(ctx context.Context, req *governancev1.RecordEntryRequest) (*governancev1.RecordEntryResponse, error) {
	return &governancev1.RecordEntryResponse{}, s.take(ctx, req)
}

func (s *server) UploadBaseline(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&driftv1.UploadBaselineResponse{})
		}
		if err == nil {
			err = s.take(stream.Context(), m)
		}
		if err != nil {
			return err
		}
	}
}

type bundle struct {
	*grpcservertest.Server
	handler *server
}

func setup(t *testing.T, failures int, err error) *bundle {
	t.Helper()
	h := &server{failures: failures, err: err}
	return &bundle{grpcservertest.Start(t, "test.aumos", grpcservertest.Options{}, func(s *grpc.Server) {
		governancev1.RegisterPolicyServiceServer(s, h)
		governancev1.RegisterAuditServiceServer(s, h)
		governancev1.RegisterDecisionServiceServer(s, h)
		driftv1.RegisterBaselineServiceServer(s, h)
	}), h}
}

func (b *bundle) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	return b.dialWith(t, grpcclient.Config{})
}

func (b *bundle) dialWith(t *testing.T, cfg grpcclient.Config) *grpc.ClientConn {
	t.Helper()
	cfg.Target, cfg.Plaintext = b.Addr(), true
	cfg.TokenSource = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: b.Issuer.Token(t, "alice", parse(t, tenantA), auth.RoleAdmin)})
	conn, err := grpcclient.Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestRetries(t *testing.T) {
	t.Parallel()
	down := errs.Down("wall", errors.New("x"))
	read := func(ctx context.Context, conn *grpc.ClientConn) error {
		_, err := governancev1.NewPolicyServiceClient(conn).GetPolicy(ctx, &governancev1.GetPolicyRequest{PolicyId: id})
		return err
	}
	write := func(ctx context.Context, conn *grpc.ClientConn) error {
		_, err := governancev1.NewPolicyServiceClient(conn).CreatePolicy(ctx, &governancev1.CreatePolicyRequest{Name: "p"})
		return err
	}
	upload := func(ctx context.Context, conn *grpc.ClientConn) error {
		stream, err := driftv1.NewBaselineServiceClient(conn).UploadBaseline(ctx)
		if err != nil {
			return err
		}
		_ = stream.Send(&driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: &driftv1.UploadBaselineHeader{MonitorId: id}}})
		_, err = stream.CloseAndRecv()
		return err
	}
	for name, tc := range map[string]struct {
		call     func(context.Context, *grpc.ClientConn) error
		failures int
		err      error
		code     codes.Code
		attempts int
	}{
		"read, down once":     {read, 1, down, codes.OK, 2},
		"read, down for long": {read, 100, down, codes.Unavailable, 4},
		"read, a defect":      {read, 100, errors.New("bug"), codes.Internal, 1},
		"read, overloaded":    {read, 100, errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "full"), codes.ResourceExhausted, 1},
		"write, down twice":   {write, 2, down, codes.OK, 3},
		"write, conflict":     {write, 100, errs.New(errs.Aborted, errs.ReasonConflict, "x"), codes.Aborted, 1},
		"stream that writes":  {upload, 1, down, codes.Unavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, tc.failures, tc.err)
			if err := tc.call(t.Context(), b.dial(t)); status.Code(err) != tc.code {
				t.Errorf("error = %v", err)
			}
			if n := len(b.handler.received); n != tc.attempts {
				t.Errorf("%d attempts, want %d", n, tc.attempts)
			}
		})
	}
}

func TestRetriesCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, errs.Down("wall", errors.New("x")))
	_, err := governancev1.NewPolicyServiceClient(b.dialWith(t, grpcclient.Config{MaxAttempts: 1})).GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: id})
	if status.Code(err) != codes.Unavailable || len(b.handler.received) != 1 {
		t.Errorf("%d attempts, %v", len(b.handler.received), err)
	}
}

func TestAttemptsOfOneWriteShareAnID(t *testing.T) {
	t.Parallel()
	b := setup(t, 2, errs.Down("wall", errors.New("x")))
	policies := governancev1.NewPolicyServiceClient(b.dial(t))
	req := &governancev1.CreatePolicyRequest{Name: "p"}
	for range 2 {
		if _, err := policies.CreatePolicy(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	if req.GetRequestId() != "" {
		t.Error("the caller's message was changed: sent again it would be taken for the same write")
	}
	own := uuid.NewString()
	if _, err := policies.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: "p", RequestId: own}); err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 0, len(b.handler.received))
	for _, m := range b.handler.received {
		ids = append(ids, m.(*governancev1.CreatePolicyRequest).GetRequestId())
	}
	if len(ids) != 5 || ids[0] == "" || ids[0] != ids[1] || ids[1] != ids[2] || ids[3] == "" || ids[3] == ids[0] || ids[4] != own {
		t.Errorf("request ids = %q: want three the same, another, and the caller's own", ids)
	}
}

// The questions of a batch are writes of their own.
func TestAttemptsOfOneBatchShareIDs(t *testing.T) {
	t.Parallel()
	b := setup(t, 2, errs.Down("wall", errors.New("x")))
	question := func(request string) *governancev1.EvaluateRequest {
		return &governancev1.EvaluateRequest{
			Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "a.point"}, Input: &structpb.Struct{}, RequestId: request,
		}
	}
	own := uuid.NewString()
	req := &governancev1.BatchEvaluateRequest{Requests: []*governancev1.EvaluateRequest{question(""), question(own), question("")}}
	if _, err := governancev1.NewDecisionServiceClient(b.dial(t)).BatchEvaluate(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if len(b.handler.received) != 3 || req.GetRequests()[0].GetRequestId() != "" {
		t.Fatalf("%d attempts, the caller's message %v", len(b.handler.received), req)
	}
	first := b.handler.received[0].(*governancev1.BatchEvaluateRequest).GetRequests()
	if first[0].GetRequestId() == "" || first[1].GetRequestId() != own || first[2].GetRequestId() == "" || first[2].GetRequestId() == first[0].GetRequestId() {
		t.Errorf("the first attempt %v", first)
	}
	for _, again := range b.handler.received[1:] {
		if diff := cmp.Diff(b.handler.received[0], again, protocmp.Transform()); diff != "" {
			t.Errorf("another attempt (-first +again):\n%s", diff)
		}
	}
}

// A field of that name that is no idempotency key is the caller's to fill.
func TestOtherRequestIDsAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, nil)
	conn := b.Dial(t, b.Issuer.Token(t, "drift", tenant.ID{}, auth.RoleService), tenantA)
	_, err := governancev1.NewAuditServiceClient(conn).RecordEntry(t.Context(), &governancev1.RecordEntryRequest{
		EntryId: id, EventType: "a.b", Action: "a.b", Outcome: governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS,
		Actor: &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_SERVICE, Id: "drift"}, Resource: &governancev1.AuditResource{Type: "x", Id: "y"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.handler.received[0].(*governancev1.RecordEntryRequest).GetRequestId(); got != "" {
		t.Errorf("request id = %q", got)
	}
}

func TestContextGoesAlong(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, nil)
	service := b.Issuer.Token(t, "drift", tenant.ID{}, auth.RoleService, auth.RoleViewer)
	for name, tc := range map[string]struct {
		configured string
		ctx        func(context.Context) context.Context
		tenant     string
		request    string
	}{
		"of the context": {"", func(ctx context.Context) context.Context {
			return requestid.NewContext(tenant.NewContext(ctx, parse(t, tenantA)), "req-1")
		}, tenantA, "req-1"},
		"configured":                {tenantB, func(ctx context.Context) context.Context { return ctx }, tenantB, ""},
		"context before configured": {tenantB, func(ctx context.Context) context.Context { return tenant.NewContext(ctx, parse(t, tenantA)) }, tenantA, ""},
		"what the caller set stands": {tenantB, func(ctx context.Context) context.Context {
			ctx = requestid.NewContext(tenant.NewContext(ctx, parse(t, tenantB)), "req-2")
			return metadata.AppendToOutgoingContext(ctx, "x-tenant-id", tenantA, "x-request-id", "req-1")
		}, tenantA, "req-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var header metadata.MD
			policyID := uuid.NewString()
			_, err := governancev1.NewPolicyServiceClient(b.Dial(t, service, tc.configured)).
				GetPolicy(tc.ctx(t.Context()), &governancev1.GetPolicyRequest{PolicyId: policyID}, grpc.Header(&header))
			if err != nil {
				t.Fatal(err)
			}
			if got := header.Get("x-request-id")[0]; tc.request != "" && got != tc.request {
				t.Errorf("request id = %q", got)
			}
			b.handler.mu.Lock()
			defer b.handler.mu.Unlock()
			for i, m := range b.handler.received {
				if m.(*governancev1.GetPolicyRequest).GetPolicyId() != policyID {
					continue
				}
				if got, _ := tenant.FromContext(b.handler.contexts[i]); got.String() != tc.tenant {
					t.Errorf("tenant = %v", got)
				}
			}
		})
	}
}

func TestTokensStayOffTheWire(t *testing.T) {
	t.Parallel()
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"})
	for target, local := range map[string]bool{
		"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "dns:///localhost:1": true, "unix:///run/x.sock": true, "passthrough:///127.0.0.1:1": true,
		"127.8.8.8:1": true, "10.0.0.7:1": false, "governance:1": false, "dns:///governance:1": false, "localhost.example:1": false, "127.0.0.1.example:1": false,
		"dns://8.8.8.8/localhost:1": false, "": false, "[::2]:1": false, "0.0.0.0:1": false,
	} {
		dial := func(cfg grpcclient.Config) error {
			conn, err := grpcclient.Dial(cfg)
			if err == nil {
				err = conn.Close()
			}
			return err
		}
		refused := func(err error) bool { return err != nil && strings.Contains(err.Error(), "without TLS") }
		if err := dial(grpcclient.Config{Target: target, Plaintext: true, TokenSource: source}); refused(err) == local {
			t.Errorf("plaintext to %q: %v", target, err)
		}
		if err := dial(grpcclient.Config{Target: target, Plaintext: true, PlaintextToken: true, TokenSource: source}); refused(err) {
			t.Errorf("plaintext to %q, allowed by name: %v", target, err)
		}
		if err := dial(grpcclient.Config{Target: target, Plaintext: true}); refused(err) {
			t.Errorf("plaintext to %q without a token: %v", target, err)
		}
		if err := dial(grpcclient.Config{Target: target, TokenSource: source}); refused(err) {
			t.Errorf("TLS to %q: %v", target, err)
		}
	}
}

func TestDialRefuses(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]grpcclient.Config{
		"no such authority":    {Target: "x:1", TLS: grpcclient.TLS{CAFile: "/no/such"}},
		"authority is no PEM":  {Target: "x:1", TLS: grpcclient.TLS{CAFile: "client_test.go"}},
		"certificate alone":    {Target: "x:1", TLS: grpcclient.TLS{CertFile: "client_test.go"}},
		"TLS files and no TLS": {Target: "x:1", TLS: grpcclient.TLS{ServerName: "x"}, Plaintext: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := grpcclient.Dial(cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestConfigIsDocumented(t *testing.T) {
	t.Parallel()
	if got, err := config.Undocumented(&grpcclient.Config{}); err != nil || len(got) > 0 {
		t.Error(got, err)
	}
}
