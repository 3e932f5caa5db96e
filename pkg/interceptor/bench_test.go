package interceptor

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// transport stands for gRPC's own stream, without a network.
type transport struct{ method string }

func (t transport) Method() string               { return t.method }
func (t transport) SetHeader(metadata.MD) error  { return nil }
func (t transport) SendHeader(metadata.MD) error { return nil }
func (t transport) SetTrailer(metadata.MD) error { return nil }

// What the chain adds to a unary call: everything but the network, with a token that is remembered and every line logged.
func BenchmarkUnaryChain(b *testing.B) {
	issuer := authtest.Start(b)
	id, err := tenant.Parse("0198c0de-0000-7000-8000-00000000000a")
	if err != nil {
		b.Fatal(err)
	}
	chain, err := NewChain(Config{
		Log: telemetry.NewLogger(io.Discard, slog.LevelInfo), Registry: prometheus.NewRegistry(), Verifier: issuer.Verifier(b), Domain: "bench",
		RateLimit: RateLimit{PerSecond: 1e9},
	})
	if err != nil {
		b.Fatal(err)
	}
	info := &grpc.UnaryServerInfo{FullMethod: governancev1.PolicyService_GetPolicy_FullMethodName}
	call := func(context.Context, any) (any, error) { return &governancev1.GetPolicyResponse{}, nil }
	unary := chain.unary(chained(chain.layers()))
	ctx := grpc.NewContextWithServerTransportStream(b.Context(), transport{info.FullMethod})
	ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("authorization", "Bearer "+issuer.Token(b, "alice", id, auth.RoleViewer)))
	req := &governancev1.GetPolicyRequest{PolicyId: id.String()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := unary(ctx, req, info, call); err != nil {
			b.Fatal(err)
		}
	}
}
