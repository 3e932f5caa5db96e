// Package bundleport serves the tenants' bundles over HTTP, as OPA asks for them, and takes what sidecars say of themselves.
//
// Everything of a tenant's is below /bundles/<tenant>/: bundle.tar.gz, and status, to which OPA posts its status reports. A service of OPA's configuration
// that has the first as its URL needs nothing else.
package bundleport

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/bundle"
	"github.com/aumos-enterprise/platform/governance/internal/httpport"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// requestTimeout bounds the wait for a place and the making of a bundle.
	requestTimeout = 30 * time.Second
	// permission is what the contract requires to do the same over gRPC.
	permission = "bundle.read"
)

// Deps are what a port needs around it.
type Deps struct {
	Pool    *pgxpool.Pool // the governance database, as its application role
	Bundles *bundle.Source
	// Chain decides who may read. Its rate limit counts these requests together with rpcs.
	Chain    *interceptor.Chain
	Log      *slog.Logger
	Registry *prometheus.Registry
	// GRPC gives the TLS files and the times of the stop.
	GRPC grpcserver.Config
}

// New binds the port.
func New(listen string, deps Deps) (*httpport.Port, error) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "aumos", Subsystem: "bundle", Name: "requests_total", Help: "Requests for bundles and of sidecars over HTTP, by what was asked for and status.",
	}, []string{"kind", "code"})
	if err := deps.Registry.Register(requests); err != nil {
		return nil, fmt.Errorf("register bundle metrics: %w", err)
	}
	h := &handler{pool: deps.Pool, bundles: deps.Bundles, places: newPlaces()}
	read := deps.Chain.HTTP(interceptor.Resource{Name: "bundle", Permission: permission, Tenant: tenantOf, Serve: h.bundle})
	report := deps.Chain.HTTP(interceptor.Resource{
		Name: "sidecar status", Permission: permission, Tenant: tenantOf, Methods: []string{http.MethodPost}, Serve: h.status,
	})
	return httpport.New(httpport.Config{
		Name: "bundles", Listen: listen, Timeout: requestTimeout, GRPC: deps.GRPC, Log: deps.Log,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorder := httpport.NewStatusRecorder(w)
			kind := kindOf(r)
			if kind == kindStatus {
				report.ServeHTTP(recorder, r)
			} else {
				read.ServeHTTP(recorder, r)
			}
			requests.WithLabelValues(kind, strconv.Itoa(recorder.Code)).Inc()
		}),
	})
}

// What a path names.
const (
	kindBundle  = "bundle"
	kindStatus  = "status"
	kindUnknown = "unknown"
)

// Path is where the tenant's bundle is.
func Path(id tenant.ID) string { return prefix + id.String() + "/" + bundleFile }

const (
	prefix     = "/bundles/"
	bundleFile = "bundle.tar.gz"
)

// split divides a path into the tenant's id and what is asked for of it.
func split(r *http.Request) (id, rest string) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix)
	if !ok {
		return "", ""
	}
	id, rest, _ = strings.Cut(path, "/")
	return id, rest
}

// tenantOf returns the tenant that the URL names.
func tenantOf(r *http.Request) string {
	id, _ := split(r)
	return id
}

// kindOf says what is asked for. OPA ends the path of its reports with the name of a partition, which may be empty.
func kindOf(r *http.Request) string {
	switch _, rest := split(r); {
	case rest == bundleFile:
		return kindBundle
	case rest == "status", strings.HasPrefix(rest, "status/"):
		return kindStatus
	}
	return kindUnknown
}
