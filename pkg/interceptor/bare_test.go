package interceptor_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
)

// bare is a gRPC server with the chain and one service that answers whatever it is sent.
type bare struct {
	issuer *authtest.Issuer
	conn   *grpc.ClientConn
}

func setupBare(t *testing.T, files *protoregistry.Files, service string) *bare {
	t.Helper()
	issuer := authtest.Start(t)
	server := grpc.NewServer(newChain(t, issuer, files).ServerOptions()...)
	server.RegisterService(describe(service, "Do"), nil)
	listener := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) { // stopped before it began
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient("passthrough:///bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &bare{issuer, conn}
}
