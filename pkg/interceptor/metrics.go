package interceptor

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	grpcprometheus "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts rpcs by method and code, times them, and counts panics.
type metrics struct {
	server *grpcprometheus.ServerMetrics
	panics prometheus.Counter
}

func newMetrics(registry *prometheus.Registry) (*metrics, error) {
	m := &metrics{
		server: grpcprometheus.NewServerMetrics(grpcprometheus.WithServerHandlingTimeHistogram(grpcprometheus.WithHistogramBuckets(
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}))),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "grpc_server_panics_total", Help: "Handlers and interceptors that panicked; each was answered with INTERNAL.",
		}),
	}
	return m, errors.Join(registry.Register(m.server), registry.Register(m.panics))
}

func (m *metrics) counting() layer {
	return layer{m.server.UnaryServerInterceptor(), m.server.StreamServerInterceptor()}
}

// recovery turns a panic into an error that keeps its stack for the log.
func (m *metrics) recovery() layer {
	handler := recovery.WithRecoveryHandlerContext(func(_ context.Context, p any) error {
		m.panics.Inc()
		return &panicError{value: p, stack: debug.Stack()}
	})
	return layer{recovery.UnaryServerInterceptor(handler), recovery.StreamServerInterceptor(handler)}
}

type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }
