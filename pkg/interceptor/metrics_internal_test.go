package interceptor

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A method's counters are shown as Prometheus's own would be, those at zero too.
func TestCountersAreShownAsPrometheusShowsItsOwn(t *testing.T) {
	t.Parallel()
	registry, own := prometheus.NewRegistry(), prometheus.NewRegistry()
	m, err := newMetrics(registry, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	of := m.method("/aumos.test.v1.TestService/Try", interceptors.BidiStream)
	labels := []string{"grpc_type", "grpc_service", "grpc_method"}
	values := []string{"bidi_stream", "aumos.test.v1.TestService", "Try"}
	add := func(vec *prometheus.CounterVec, c *counter, n int, values ...string) {
		vec.WithLabelValues(values...).Add(float64(n))
		for range n {
			c.Inc()
		}
	}
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		made := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		own.MustRegister(made)
		return made
	}
	add(vec("grpc_server_started_total", "Total number of RPCs started on the server.", labels...), &of.started, 3, values...)
	add(vec("grpc_server_msg_received_total", "Total number of RPC stream messages received on the server.", labels...), &of.received, 2, values...)
	add(vec("grpc_server_msg_sent_total", "Total number of gRPC stream messages sent by the server.", labels...), &of.sent, 1, values...)
	handled := vec("grpc_server_handled_total", "Total number of RPCs completed on the server, regardless of success or failure.", append(labels, "grpc_code")...)
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		add(handled, &of.handled[code], int(code), append(values, code.String())...)
	}
	after := time.Now()
	gather := func(r *prometheus.Registry) []*dto.MetricFamily {
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		counters := families[:0]
		for _, f := range families {
			if strings.HasSuffix(f.GetName(), "panics_total") || f.GetType() != dto.MetricType_COUNTER {
				continue
			}
			counters = append(counters, f)
			for _, shown := range f.GetMetric() {
				if at := shown.GetCounter().GetCreatedTimestamp().AsTime(); at.Before(before) || at.After(after) {
					t.Errorf("%s began at %v", f.GetName(), at)
				}
			}
		}
		return counters
	}
	if diff := cmp.Diff(gather(own), gather(registry), protocmp.Transform(), protocmp.IgnoreMessages(&timestamppb.Timestamp{})); diff != "" {
		t.Error(diff)
	}
}

// What a server knows of a method it keeps: the garbage collector looks at all of it each time.
func TestMethodsAreFewObjects(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	m, err := newMetrics(prometheus.NewRegistry(), nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	objects := testing.AllocsPerRun(100, func() {
		n++
		m.method("/aumos.test.v1.TestService/Try"+strconv.Itoa(n), interceptors.Unary)
	})
	if objects > 30 {
		t.Errorf("a method is %v objects", objects)
	}
}
