// Package server puts the governance service together: it is the only place that knows all its parts. cmd/governance runs it as a process of its own;
// other programs may run it beside other services.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/api"
	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/bundle"
	"github.com/aumos-enterprise/platform/governance/internal/bundleport"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/decisionlog"
	"github.com/aumos-enterprise/platform/governance/internal/httpport"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/governance/internal/quarantine"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/replay"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/governance/internal/tile"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
)

const (
	// name is the service's in logs, metrics, traces and the databases' activity views.
	name = "governance"
	// domain names the service in errors.
	domain = "governance.aumos"
	// closeTimeout bounds the wait for evaluations that overran when the service stops.
	closeTimeout = 5 * time.Second
	// migrateCommand is what an operator runs when a schema is behind.
	migrateCommand = "governance migrate"
)

// Addresses are where a service listens.
type Addresses struct {
	GRPC    string
	Admin   string
	Tiles   string // "": nowhere
	Bundles string // "": nowhere
}

// Run serves until ctx ends, then stops in order: rpcs in flight end, what decisions and mutations left is appended, the Audit Wall writes what waits
// signs its heads a last time and publishes them, connections close. ready is called once the ports are bound, which with port 0 is when they are known; the health
// service says when the service can be used.
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
	db, err := openDatabases(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.close()
	if err := db.checkSchema(ctx); err != nil {
		return err
	}
	sound, err := checkPosture(ctx, cfg, db, log)
	if err != nil {
		return err
	}
	wall, err := audit.New(ctx, cfg.Audit.Config, db.wall, log)
	if err != nil {
		return err
	}
	defer wall.Close() // does nothing once it has run
	sinks, closeSinks, err := openSinks(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer closeSinks()
	wall.PublishTo(sinks...)
	return serve(ctx, cfg, db, wall, watchPosture(cfg, db, wall, sound, log), log, ready)
}

// serve puts the parts together and runs them.
func serve(
	ctx context.Context, cfg Config, db databases, wall *audit.Wall, watch *posture.Watch, log *slog.Logger, ready func(Addresses),
) error {
	recorder := outbox.NewRecorder(db.primary, wall, log)
	keeper := quarantine.New(quarantine.Config{Pool: db.primary, Recorder: recorder, Describe: api.VersionResource, Log: log})
	evaluation := cfg.Evaluation.engine(log)
	evaluation.Quarantined = keeper.Quarantined
	engine := rego.NewEngine(evaluation)
	defer closeEngine(ctx, engine, log)
	evaluation.Beside = engine
	candidates := rego.NewEngine(shadow.EngineConfig(evaluation))
	defer closeEngine(ctx, candidates, log)
	shadows, err := shadow.New(shadow.Config{Pool: db.primary, Engine: candidates, Log: log})
	if err != nil {
		return err
	}
	wrapping, err := vault.ParseWrapping(cfg.Inputs.Key.Reveal())
	if err != nil {
		return fmt.Errorf("read the key for kept inputs: %w", err)
	}
	inputs := vault.New(vault.Config{Pool: db.primary, Wrapping: wrapping, Log: log})
	decider, err := decision.New(decision.Config{
		Pool: db.primary, Engine: engine, Wall: wall, Vault: inputs, Shadows: shadows, Log: log,
		CachedTargets: cfg.Decision.CachedTargets, VersionBytes: cfg.Decision.VersionBytes, RefreshAfter: cfg.Decision.RefreshAfter,
	})
	if err != nil {
		return err
	}
	names := decisionlog.NewExpiry(decisionlog.ExpiryConfig{Pool: db.primary, After: cfg.Decision.NamesAfter, Log: log})
	decisions := decisionlog.New(decisionlog.Config{Pool: db.primary, Wall: wall, Log: log})
	followers := replay.NewFollowers(db.primary)
	replays := replay.New(replay.Config{
		Pool: db.primary, Wall: wall, Inputs: inputs, Engine: engine, Recorder: recorder, Progressed: followers.Wake, Log: log,
	})
	registry := telemetry.NewRegistry(name)
	for _, c := range slices.Concat(wall.Collectors(), recorder.Collectors(), watch.Collectors(), engine.Collectors(), keeper.Collectors(), decider.Collectors(),
		decisions.Collectors(), names.Collectors(), inputs.Collectors(), replays.Collectors(), shadows.Collectors()) {
		if err := registry.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	verifier, err := auth.NewVerifier(ctx, cfg.Auth)
	if err != nil {
		return err
	}
	readings := reading.New(reading.Config{Wall: wall, IdleAfter: cfg.Audit.ReadSessionIdle, Log: log})
	bundles, err := newBundles(cfg.Bundles, db.primary, engine, log)
	if err != nil {
		return err
	}
	server, tiles, bundlePort, err := newServers(cfg, db.primary, wall, readings, bundles, verifier, log, registry)
	if err != nil {
		return err
	}
	server.AddProbe("database", postgres.Probe(db.primary, migrations.Governance(), migrateCommand))
	server.AddProbe("wall", func(context.Context) error { return wall.Ready() })
	server.AddProbe("issuer", verifier.Ready)
	mutations := api.NewMutations(db.primary, wall, recorder)
	limits := policy.Limits{Policies: cfg.Policy.MaxPolicies, Versions: cfg.Policy.MaxVersions}
	governancev1.RegisterPolicyServiceServer(server.GRPC(), &api.PolicyService{
		Pool: db.primary, Engine: engine, Decider: decider, Mutations: mutations, Limits: limits,
	})
	governancev1.RegisterPolicyTestServiceServer(server.GRPC(), &api.PolicyTestService{Pool: db.primary, Engine: engine, Mutations: mutations})
	governancev1.RegisterPolicyTemplateServiceServer(server.GRPC(), &api.PolicyTemplateService{Engine: engine, Mutations: mutations, Limits: limits})
	governancev1.RegisterDecisionServiceServer(server.GRPC(), &api.DecisionService{
		Decider: decider, Decisions: decisions, Reading: readings, Log: log, Pool: db.primary, Vault: inputs, Mutations: mutations,
	})
	governancev1.RegisterPolicySimulationServiceServer(server.GRPC(), &api.PolicySimulationService{
		Pool: db.primary, Engine: engine, Wall: wall, Decider: decider, Mutations: mutations, Replays: replays, Followers: followers,
	})
	governancev1.RegisterBundleServiceServer(server.GRPC(), &api.BundleService{Pool: db.primary, Bundles: bundles, Mutations: mutations})
	governancev1.RegisterAuditServiceServer(server.GRPC(), &api.AuditService{Wall: wall, Reading: readings, Posture: watch})
	governancev1.RegisterTimeMachineServiceServer(server.GRPC(), &api.TimeMachineService{Wall: wall, Reading: readings})
	addresses, ports := Addresses{GRPC: server.Addr(), Admin: server.AdminAddr()}, together(server.Run, wall.RunWatches, followers.Run)
	if tiles != nil {
		addresses.Tiles, ports = tiles.Addr(), together(ports, tiles.Run)
	}
	if bundlePort != nil {
		addresses.Bundles, ports = bundlePort.Addr(), together(ports, bundlePort.Run)
	}
	if ready != nil {
		ready(addresses)
	}
	// Each goes on until the one before it has stopped: nothing is left to append when the wall stops, and nothing to answer when it has.
	return inOrder(ctx, ports,
		together(recorder.Run, keeper.Run, decider.Run, shadows.Run, inputs.Run, replays.Run, decisions.Run, names.Run, readings.Run, watch.Run), wall.Run)
}

// newBundles returns what makes the tenants' bundles.
func newBundles(cfg bundle.Config, pool *pgxpool.Pool, engine *rego.Engine, log *slog.Logger) (*bundle.Source, error) {
	signing, known, err := cfg.Keys()
	if err != nil {
		return nil, fmt.Errorf("keys of bundles: %w", err)
	}
	return bundle.NewSource(bundle.SourceConfig{Pool: pool, Engine: engine, Log: log, Signing: signing, Known: known})
}

// newServers binds the ports; tiles and bundlePort are nil when the settings name no port for them. One chain stands before all.
func newServers(
	cfg Config, pool *pgxpool.Pool, wall *audit.Wall, readings *reading.Recorder, bundles *bundle.Source, verifier *auth.Verifier, log *slog.Logger,
	registry *prometheus.Registry,
) (server *grpcserver.Server, tiles *tile.Server, bundlePort *httpport.Port, err error) {
	chain, err := interceptor.NewChain(interceptor.Config{
		Log: log, Registry: registry, Verifier: verifier, Domain: domain, RateLimit: cfg.RateLimit, Traces: cfg.Telemetry.OTLPEndpoint != "",
	})
	if err != nil {
		return nil, nil, nil, err
	}
	if server, err = grpcserver.New(cfg.Server, chain, log, registry); err != nil {
		return nil, nil, nil, err
	}
	if cfg.Tiles.Listen != "" {
		tiles, err = tile.New(cfg.Tiles, tile.Deps{Wall: wall, Reading: readings, Chain: chain, Log: log, Registry: registry, GRPC: cfg.Server})
		if err != nil {
			return nil, nil, nil, errors.Join(err, server.Close())
		}
	}
	if cfg.Bundles.Listen != "" {
		bundlePort, err = bundleport.New(cfg.Bundles.Listen, bundleport.Deps{
			Pool: pool, Bundles: bundles, Chain: chain, Log: log, Registry: registry, GRPC: cfg.Server,
		})
		if err != nil {
			if tiles != nil {
				err = errors.Join(err, tiles.Close())
			}
			return nil, nil, nil, errors.Join(err, server.Close())
		}
	}
	return server, tiles, bundlePort, nil
}

// closeEngine waits for evaluations that nobody waits for any more.
func closeEngine(ctx context.Context, engine *rego.Engine, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := engine.Close(ctx); err != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "policy evaluations were abandoned", slog.Any("error", err))
	}
}
