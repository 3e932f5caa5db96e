// Package server puts the drift service together: it is the only place that knows all its parts. cmd/drift runs it as a process of its own; other
// programs may run it beside other services.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/drift/internal/api"
	"github.com/aumos-enterprise/platform/drift/internal/baseline"
	"github.com/aumos-enterprise/platform/drift/internal/comparison"
	"github.com/aumos-enterprise/platform/drift/internal/embedding"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/drift/internal/governance"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
)

const (
	// name is the service's in logs, metrics, traces and the database's activity view.
	name = "drift"
	// domain names the service in errors.
	domain = "drift.aumos"
	// tokenTimeout bounds one request for a token.
	tokenTimeout = 5 * time.Second
	// migrateCommand is what an operator runs when the schema is behind.
	migrateCommand = "drift migrate"
)

// Addresses are where a service listens.
type Addresses struct {
	GRPC  string
	Admin string
}

// Run serves until ctx ends, then stops in order: rpcs in flight end, evidence that is being recorded is recorded, connections close. ready is called
// once the ports are bound, which with port 0 is when they are known; the health service says when the service can be used.
func Run(ctx context.Context, cfg Config, log *slog.Logger, ready func(Addresses)) (err error) {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("check settings: %w", err)
	}
	cfg.Telemetry.Service = name
	stopTraces, err := telemetry.Start(ctx, cfg.Telemetry, log)
	if err != nil {
		return fmt.Errorf("start telemetry: %w", err)
	}
	defer stopTraces()
	registry := telemetry.NewRegistry(name)

	pool, err := postgres.Open(ctx, cfg.Database, name)
	if err != nil {
		return err
	}
	defer pool.Close()
	schema := postgres.Probe(pool, migrations.Drift(), migrateCommand)
	queueSchema := func(ctx context.Context) error { return evidence.CheckQueue(ctx, pool, log) }
	// A process that cannot work says why and ends, and is started again once the schema is there.
	if err := errors.Join(schema(ctx), queueSchema(ctx)); err != nil {
		return err
	}
	record, closeGovernance, err := dialGovernance(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeGovernance()
	queue, err := evidence.New(cfg.Evidence, pool, record, registry, log)
	if err != nil {
		return err
	}
	server, err := newServer(ctx, cfg, log, registry)
	if err != nil {
		return err
	}
	embedder, closeEmbedder, err := newEmbedder(cfg, log)
	if err != nil {
		return err
	}
	defer closeEmbedder()
	server.AddProbe("database", schema)
	server.AddProbe("queue", queueSchema)
	api.Register(server.GRPC(), api.Config{
		Pool: pool, Evidence: queue, Baselines: baseline.NewCache(cfg.Upload.CacheBytes), Budget: sample.NewBudget(cfg.Upload.MemoryBytes),
		Evaluations: cfg.evaluations(), EvaluationTime: cfg.Upload.EvaluationTime, EvidenceWait: cfg.Upload.EvidenceWait, Engine: engine(), Registry: registry,
		Embedder: embedder, Embeddings: cfg.Embedding.Comparisons,
	})
	return serve(ctx, server, queue, ready)
}

// serve runs the server and the queue. The queue outlives the server: rpcs that end during a graceful stop still wait for their evidence.
func serve(ctx context.Context, server *grpcserver.Server, queue *evidence.Queue, ready func(Addresses)) error {
	queueCtx, stopQueue := context.WithCancel(context.WithoutCancel(ctx))
	defer stopQueue()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return queue.Run(queueCtx) })
	group.Go(func() error {
		defer stopQueue()
		return server.Run(ctx)
	})
	if ready != nil {
		ready(Addresses{GRPC: server.Addr(), Admin: server.AdminAddr()})
	}
	return group.Wait()
}

func newServer(ctx context.Context, cfg Config, log *slog.Logger, registry *prometheus.Registry) (*grpcserver.Server, error) {
	verifier, err := auth.NewVerifier(ctx, cfg.Auth)
	if err != nil {
		return nil, err
	}
	chain, err := interceptor.NewChain(interceptor.Config{
		Log: log, Registry: registry, Verifier: verifier, Domain: domain, RateLimit: cfg.RateLimit,
		Traces: true, // also without a collector: governance may have one
	})
	if err != nil {
		return nil, err
	}
	server, err := grpcserver.New(cfg.Server, chain, log, registry)
	if err != nil {
		return nil, err
	}
	server.AddProbe("issuer", verifier.Ready)
	return server, nil
}

// dialGovernance returns the way to governance, with the service's own credentials.
func dialGovernance(ctx context.Context, cfg Config) (record evidence.Record, closeConn func(), err error) {
	credentials := clientcredentials.Config{
		ClientID: cfg.Keycloak.ClientID, ClientSecret: cfg.Keycloak.ClientSecret.Reveal(), TokenURL: cfg.Keycloak.TokenURL,
	}
	// The source keeps this context: tokens are still needed while the service stops.
	tokenCtx := context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, &http.Client{Timeout: tokenTimeout})
	cfg.Governance.TokenSource = credentials.TokenSource(tokenCtx)
	conn, err := grpcclient.Dial(cfg.Governance)
	if err != nil {
		return nil, nil, err
	}
	return governance.New(conn).Record, func() { _ = conn.Close() }, nil // nothing is in flight any more
}

// newEmbedder returns the way to the embedding service; nil where there is none.
func newEmbedder(cfg Config, log *slog.Logger) (embedder comparison.Embedder, closeIt func(), err error) {
	if !cfg.Embedding.Enabled() {
		return nil, func() {}, nil
	}
	client, err := embedding.NewClient(cfg.Embedding, log)
	if err != nil {
		return nil, nil, err
	}
	return client, client.Close, nil
}

// engine names the program in detections.
func engine() string {
	build := telemetry.ReadBuild()
	return fmt.Sprintf("aumos-drift %s (%s, %s)", build.Version, build.Revision, build.Go)
}
