package interceptor

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
)

// metrics counts rpcs by method and code, times them, and counts panics. Names and labels are those of middleware's own metrics, which look each of them up
// for every call: here a method's are found once.
type metrics struct {
	requirements                     map[string]requirement // by full method; not modified
	started, handled, received, sent *prometheus.Desc
	seconds                          *prometheus.HistogramVec
	panics                           prometheus.Counter
	methods                          sync.Map // *method by full method: registered ones alone get as far as the chain
}

func newMetrics(registry *prometheus.Registry, requirements map[string]requirement) (*metrics, error) {
	labels := []string{"grpc_type", "grpc_service", "grpc_method"}
	counter := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append(slices.Clip(labels), more...), nil)
	}
	m := &metrics{
		requirements: requirements,
		started:      counter("grpc_server_started_total", "Total number of RPCs started on the server."),
		handled:      counter("grpc_server_handled_total", "Total number of RPCs completed on the server, regardless of success or failure.", "grpc_code"),
		received:     counter("grpc_server_msg_received_total", "Total number of RPC stream messages received on the server."),
		sent:         counter("grpc_server_msg_sent_total", "Total number of gRPC stream messages sent by the server."),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "grpc_server_handling_seconds", Help: "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, labels),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "grpc_server_panics_total", Help: "Handlers and interceptors that panicked; each was answered with INTERNAL.",
		}),
	}
	return m, errors.Join(registry.Register(m), registry.Register(m.seconds), registry.Register(m.panics))
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{m.started, m.handled, m.received, m.sent} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	m.methods.Range(func(_, known any) bool {
		of := known.(*method)
		send := func(desc *prometheus.Desc, c *counter, more ...string) {
			labels := append(slices.Clip(of.labels), more...)
			out <- prometheus.MustNewConstMetricWithCreatedTimestamp(desc, prometheus.CounterValue, float64(c.Load()), of.since, labels...)
		}
		send(m.started, &of.started)
		send(m.received, &of.received)
		send(m.sent, &of.sent)
		for code := range of.handled {
			send(m.handled, &of.handled[code], codes.Code(code).String()) //nolint:gosec // an index
		}
		return true
	})
}

// counter is one of a method's. Prometheus's own is a dozen objects, and a method has twenty counters: together they were a quarter of what the garbage
// collector had to mark in a server at rest.
type counter struct{ atomic.Uint64 }

// Inc counts one.
func (c *counter) Inc() { c.Add(1) }

// method is what the chain knows of one method.
type method struct {
	name                    string // full
	open                    bool
	required                requirement
	labels                  []string
	since                   time.Time // its counters are zero since then
	started, received, sent counter
	handled                 [codes.Unauthenticated + 1]counter // by code
	seconds                 prometheus.Observer
}

// method returns what is known of a method; its counters are visible from the first time on.
func (m *metrics) method(name string, kind interceptors.GRPCType) *method {
	if known, ok := m.methods.Load(name); ok {
		return known.(*method)
	}
	service, short, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	labels := []string{string(kind), service, short}
	known, _ := m.methods.LoadOrStore(name, &method{
		name: name, open: open(name), required: m.requirements[name], labels: labels, since: time.Now(), seconds: m.seconds.WithLabelValues(labels...),
	})
	return known.(*method)
}

// typeOf returns the kind of a method as metrics name it.
func typeOf(client, server bool) interceptors.GRPCType {
	switch {
	case client && server:
		return interceptors.BidiStream
	case client:
		return interceptors.ClientStream
	case server:
		return interceptors.ServerStream
	}
	return interceptors.Unary
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
