package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestLoggerAddsWhatTheContextKnows(t *testing.T) {
	t.Parallel()
	id, err := tenant.Parse("0198c0de-0000-7000-8000-000000000001")
	if err != nil {
		t.Fatal(err)
	}
	ctx := requestid.NewContext(t.Context(), "req-1")
	ctx = tenant.NewContext(ctx, id)
	ctx = auth.NewContext(ctx, auth.Principal{Subject: "alice"})
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	var out bytes.Buffer
	telemetry.NewLogger(&out, slog.LevelInfo).With(slog.String("component", "c")).LogAttrs(ctx, slog.LevelInfo, "m", slog.Int("n", 1))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"msg": "m", "n": 1.0, "component": "c", "request_id": "req-1", "tenant_id": id.String(), "principal": "alice",
		"trace_id": "01000000000000000000000000000000",
	} {
		if line[key] != want {
			t.Errorf("%s = %v, want %v", key, line[key], want)
		}
	}
	out.Reset()
	telemetry.NewLogger(&out, slog.LevelInfo).InfoContext(t.Context(), "m")
	if got := out.String(); strings.Contains(got, "tenant_id") || strings.Contains(got, "request_id") || strings.Contains(got, "principal") {
		t.Errorf("an empty context adds attributes: %s", got)
	}
	out.Reset()
	telemetry.NewLogger(&out, slog.LevelInfo).DebugContext(t.Context(), "m")
	if out.Len() != 0 {
		t.Errorf("a line below the level is written: %s", out.String())
	}
}

func TestLoggerRedactsCredentials(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	telemetry.NewLogger(&out, slog.LevelInfo).LogAttrs(t.Context(), slog.LevelInfo, "m",
		slog.String("Authorization", "Bearer hunter2"), slog.Group("g", slog.String("password", "hunter2")),
		slog.Any("setting", config.Secret("hunter2")), slog.Any("settings", struct{ Inner config.Secret }{"hunter2"}))
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("the log shows a secret: %s", out.String())
	}
}

func TestRegistryCollectsBuildAndRuntime(t *testing.T) {
	t.Parallel()
	families, err := telemetry.NewRegistry("governance").Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range families {
		found[f.GetName()] = true
		if f.GetName() != "aumos_build_info" {
			continue
		}
		labels := map[string]string{}
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["service"] != "governance" || labels["go"] == "" || labels["revision"] == "" {
			t.Errorf("build info labels = %v", labels)
		}
	}
	for _, name := range []string{"aumos_build_info", "go_goroutines", "process_start_time_seconds"} {
		if !found[name] {
			t.Errorf("no metric %s", name)
		}
	}
}

// Not parallel: it sets the process's propagators and tracer provider.
func TestStart(t *testing.T) {
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	stop, err := telemetry.Start(t.Context(), telemetry.Config{Service: "s", SampleRatio: 1}, log)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if _, span := otel.Tracer("t").Start(t.Context(), "x"); span.IsRecording() {
		t.Error("spans are recorded without an endpoint")
	}
	carrier := propagation.MapCarrier{"traceparent": "00-01000000000000000000000000000000-0200000000000000-01"}
	ctx := otel.GetTextMapPropagator().Extract(t.Context(), carrier)
	if !trace.SpanContextFromContext(ctx).IsValid() {
		t.Error("the caller's trace is not taken over")
	}

	// Nothing listens there: the service must start all the same.
	stop, err = telemetry.Start(t.Context(), telemetry.Config{Service: "s", OTLPEndpoint: "127.0.0.1:1", OTLPInsecure: true, SampleRatio: 1}, log)
	if err != nil {
		t.Fatal(err)
	}
	if _, span := otel.Tracer("t").Start(t.Context(), "x"); !span.IsRecording() {
		t.Error("spans are not recorded with an endpoint")
	}
	stop()
	if logged.Len() > 0 {
		t.Errorf("logged %s", &logged)
	}
	if _, err := telemetry.Start(t.Context(), telemetry.Config{OTLPEndpoint: "127.0.0.1:1", SampleRatio: 2}, log); err == nil {
		t.Error("a sample ratio of 2 is accepted")
	}
}

func TestConfigIsDocumented(t *testing.T) {
	t.Parallel()
	if got, err := config.Undocumented(&telemetry.Config{}); err != nil || len(got) > 0 {
		t.Error(got, err)
	}
}
