package interceptor_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/pkg/interceptor"
)

// Every kind of rpc is counted from its start to its end, with its messages, under its own name alone.
func TestMetrics(t *testing.T) {
	t.Parallel()
	for kind, rpc := range rpcs() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := setup(t, interceptor.RateLimit{})
			conn := b.Dial(t, b.user(t), "")
			if err := rpc.call(t.Context(), conn, true); err != nil {
				t.Fatal(err)
			}
			want(t, rpc.call(t.Context(), conn, false), codes.InvalidArgument, "INVALID_FIELD")
			labels := map[string]string{"grpc_method": rpc.name, "grpc_type": "unary", "grpc_service": "aumos.governance.v1.PolicyService"}
			if kind == "stream" {
				labels["grpc_type"], labels["grpc_service"] = "client_stream", "aumos.drift.v1.BaselineService"
			}
			// The message of the second call breaks rules: it is received, and not answered.
			for name, want := range map[string]float64{"started_total": 2, "handled_total": 2, "msg_received_total": 2, "msg_sent_total": 1} {
				if n := b.counted(t, "grpc_server_"+name, labels); n != want {
					t.Errorf("%s is %v, want %v", name, n, want)
				}
			}
			if n := b.handled(t, rpc.name, codes.InvalidArgument); n != 1 {
				t.Errorf("%v INVALID_ARGUMENT counted", n)
			}
			families, err := b.Registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				for _, m := range f.GetMetric() {
					if f.GetName() == "grpc_server_handling_seconds" && matches(m, labels) && m.GetHistogram().GetSampleCount() != 2 {
						t.Errorf("%d calls timed", m.GetHistogram().GetSampleCount())
					}
					if strings.HasPrefix(f.GetName(), "grpc_server_") && f.GetName() != "grpc_server_panics_total" && len(m.GetLabel()) < 3 {
						t.Errorf("%s has the labels %v", f.GetName(), m.GetLabel())
					}
				}
			}
		})
	}
}
