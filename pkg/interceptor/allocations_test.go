//go:build !race

package interceptor

import (
	"context"
	"log/slog"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// What the outermost layer takes from the heap is the call, the caller's id and, for an id of its own, what it is made of: calls share the metadata that the
// id is put into. Under the race detector, a pool forgets at random what is put into it, so that nothing can be counted.
func TestBeginAllocates(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	m, err := newMetrics(prometheus.NewRegistry(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &Chain{log: slog.New(slog.DiscardHandler), metrics: m}
	ctx := grpc.NewContextWithServerTransportStream(t.Context(), transport{"/a.B/C"})
	info := &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}
	unary := c.unary(func(context.Context, any) (any, error) { return nil, nil })
	if got := testing.AllocsPerRun(1000, func() {
		if _, err := unary(ctx, nil, info, nil); err != nil {
			t.Fatal(err)
		}
	}); got > 3 {
		t.Errorf("%v allocations", got)
	}
	ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("x-request-id", "req-1"))
	if got := testing.AllocsPerRun(1000, func() {
		if _, err := unary(ctx, nil, info, nil); err != nil {
			t.Fatal(err)
		}
	}); got > 2 {
		t.Errorf("%v allocations with the caller's id", got)
	}
}

// Many ids are one object.
func TestWrittenIDsAreFewObjects(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	id := uuid.New()
	if n := testing.AllocsPerRun(10, func() {
		for range 100 * idsText {
			_ = written(id)
		}
	}); n > 300 {
		t.Errorf("%v objects", n)
	}
}
