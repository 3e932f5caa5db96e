package stack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// servingTimeout bounds the wait for a service that has bound its port.
const servingTimeout = 30 * time.Second

// AwaitServing returns when the service at target says that it serves.
func AwaitServing(ctx context.Context, target string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, servingTimeout)
	defer cancel()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: time.Second}}))
	if err != nil {
		return fmt.Errorf("wait for %s: %w", target, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	watch, err := healthv1.NewHealthClient(conn).Watch(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("wait for %s: %w", target, err)
	}
	for {
		answer, err := watch.Recv()
		if err != nil {
			return fmt.Errorf("wait for %s: %w", target, err)
		}
		if answer.GetStatus() == healthv1.HealthCheckResponse_SERVING {
			return nil
		}
	}
}
