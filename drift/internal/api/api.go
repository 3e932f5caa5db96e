// Package api is the edge of the service: the rpcs of aumos.drift.v1. Its handlers read the request, open one transaction, call the domain and convert
// back. It is the only package of the service that serves protobuf; rules and SQL belong to the domain packages.
package api

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/drift/internal/baseline"
	"github.com/aumos-enterprise/platform/drift/internal/comparison"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// Config is what the handlers work with.
type Config struct {
	Pool      *pgxpool.Pool
	Evidence  *evidence.Queue
	Baselines *baseline.Cache
	Budget    *sample.Budget
	// Evaluations is how many uploads may be sorted and compared at the same time; more wait.
	Evaluations int
	// EvaluationTime is how long one of them may take.
	EvaluationTime time.Duration
	// Embedder makes vectors of texts; nil: there is none.
	Embedder comparison.Embedder
	// Embeddings is for how many comparisons it may work at the same time; more wait.
	Embeddings int
	// EvidenceWait is how long RunDetection waits for the receipt before it answers that the evidence is pending.
	EvidenceWait time.Duration
	// Engine is the version of the program, which detections state.
	Engine   string
	Registry *prometheus.Registry
}

// service is what the handlers share.
type service struct {
	Config

	slots *slots // of evaluations
	// changes are slots of calls that lock a stream. They wait for each other inside the database, each with a connection of the pool: without a bound
	// a tenant that writes to one stream from everywhere would keep all others from the database.
	changes    *slots
	embeddings *slots // of comparisons that wait for the embedder
	metrics    *metrics
}

type (
	models struct {
		driftv1.UnimplementedModelServiceServer
		*service
	}
	monitors struct {
		driftv1.UnimplementedMonitorServiceServer
		*service
	}
	baselines struct {
		driftv1.UnimplementedBaselineServiceServer
		*service
	}
	detections struct {
		driftv1.UnimplementedDetectionServiceServer
		*service
	}
	conceptDrift struct {
		driftv1.UnimplementedConceptDriftServiceServer
		*service
	}
	performances struct {
		driftv1.UnimplementedPerformanceServiceServer
		*service
	}
)

// Register adds the services of aumos.drift.v1 to the server.
func Register(server grpc.ServiceRegistrar, cfg Config) {
	slots := newSlots(cfg.Evaluations)
	s := &service{
		Config: cfg, slots: slots, changes: newSlots(int(cfg.Pool.Config().MaxConns) / 2), embeddings: newSlots(cfg.Embeddings), metrics: newMetrics(cfg, slots),
	}
	driftv1.RegisterModelServiceServer(server, models{service: s})
	driftv1.RegisterMonitorServiceServer(server, monitors{service: s})
	driftv1.RegisterBaselineServiceServer(server, baselines{service: s})
	driftv1.RegisterDetectionServiceServer(server, detections{service: s})
	driftv1.RegisterConceptDriftServiceServer(server, conceptDrift{service: s})
	driftv1.RegisterPerformanceServiceServer(server, performances{service: s})
}

// parseID reads an id of a request.
func parseID(field, id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil, errs.InvalidField(field, "must be a UUID")
	}
	return u, nil
}

// parseOptionalID reads an id that may be left out.
func parseOptionalID(field, id string) (uuid.UUID, error) {
	if id == "" {
		return uuid.Nil, nil
	}
	return parseID(field, id)
}
