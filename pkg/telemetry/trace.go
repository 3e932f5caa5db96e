// Package telemetry makes what a service reports about itself: structured logs, Prometheus metrics and OpenTelemetry traces. What is reported about
// rpcs is pkg/interceptor's.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// flushTimeout bounds the export of the last traces.
const flushTimeout = 5 * time.Second

// Config says where traces go.
type Config struct {
	Service      string
	OTLPEndpoint string  `env:"OTLP_ENDPOINT" help:"Collector of traces (OTLP over gRPC, host:port); empty: no traces are exported."`
	OTLPInsecure bool    `env:"OTLP_INSECURE" envDefault:"false" help:"Send traces without TLS."`
	SampleRatio  float64 `env:"SAMPLE_RATIO" envDefault:"1" help:"Share of traces to keep, 0 to 1, unless the caller has decided."`
}

// Start sets the process's propagators, and its tracer provider when an endpoint is configured. stop exports what is left and must be called once. An
// unreachable collector fails neither: traces are lost, and a warning says so.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (stop func(), err error) {
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	if cfg.OTLPEndpoint == "" {
		return func() {}, nil
	}
	if !(cfg.SampleRatio >= 0 && cfg.SampleRatio <= 1) {
		return nil, fmt.Errorf("start traces: sample ratio %v is not between 0 and 1", cfg.SampleRatio)
	}
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(cfg.OTLPEndpoint)}
	if cfg.OTLPInsecure {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("start trace exporter: %w", err)
	}
	build := ReadBuild()
	provider := trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(cfg.SampleRatio))),
		trace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", cfg.Service),
			attribute.String("service.version", build.Version),
			attribute.String("vcs.ref.head.revision", build.Revision),
		)),
	)
	otel.SetTracerProvider(provider)
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			log.LogAttrs(ctx, slog.LevelWarn, "the last traces could not be exported", slog.Any("error", err))
		}
	}, nil
}
