package grpcserver

import (
	"context"
	"maps"
	"sync"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// health implements grpc.health.v1.Health. Unlike grpc/health's, its watches end when the server stops: one client that watches would otherwise
// hold every graceful stop until it is cut.
type health struct {
	healthv1.UnimplementedHealthServer

	mu       sync.Mutex // guards the rest
	statuses map[string]healthv1.HealthCheckResponse_ServingStatus
	changed  chan struct{} // closed and replaced at each change
	stopping bool
}

func newHealth() *health {
	return &health{
		statuses: map[string]healthv1.HealthCheckResponse_ServingStatus{"": healthv1.HealthCheckResponse_NOT_SERVING},
		changed:  make(chan struct{}),
	}
}

// set says whether a service serves; "" is the server as a whole. It has no effect once the server stops.
func (h *health) set(service string, serving bool) {
	status := healthv1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = healthv1.HealthCheckResponse_SERVING
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if known, ok := h.statuses[service]; h.stopping || (ok && known == status) {
		return
	}
	h.statuses[service] = status
	h.wake()
}

// stop says NOT_SERVING for every service and ends the watches.
func (h *health) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
	for service := range h.statuses {
		h.statuses[service] = healthv1.HealthCheckResponse_NOT_SERVING
	}
	h.wake()
}

// wake tells the watches; h.mu is held.
func (h *health) wake() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// Check implements healthv1.HealthServer.
func (h *health) Check(_ context.Context, req *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	status, ok := h.statuses[req.GetService()]
	if !ok {
		return nil, errs.ResourceNotFound("service", req.GetService())
	}
	return &healthv1.HealthCheckResponse{Status: status}, nil
}

// List implements healthv1.HealthServer.
func (h *health) List(context.Context, *healthv1.HealthListRequest) (*healthv1.HealthListResponse, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	resp := &healthv1.HealthListResponse{Statuses: make(map[string]*healthv1.HealthCheckResponse, len(h.statuses))}
	for service, status := range maps.All(h.statuses) {
		resp.Statuses[service] = &healthv1.HealthCheckResponse{Status: status}
	}
	return resp, nil
}

// Watch implements healthv1.HealthServer: it sends the status now and at each change, SERVICE_UNKNOWN for a service that is not known.
func (h *health) Watch(req *healthv1.HealthCheckRequest, stream grpc.ServerStreamingServer[healthv1.HealthCheckResponse]) error {
	sent := healthv1.HealthCheckResponse_UNKNOWN
	for {
		h.mu.Lock()
		status, ok := h.statuses[req.GetService()]
		changed, stopping := h.changed, h.stopping
		h.mu.Unlock()
		if !ok {
			status = healthv1.HealthCheckResponse_SERVICE_UNKNOWN
		}
		if status != sent {
			if err := stream.Send(&healthv1.HealthCheckResponse{Status: status}); err != nil {
				return err
			}
			sent = status
		}
		if stopping {
			return errs.New(errs.Unavailable, errs.ReasonUnavailable, "the server stops: watch another")
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// serving reports whether the server as a whole serves.
func (h *health) serving() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.statuses[""] == healthv1.HealthCheckResponse_SERVING
}

// stops reports whether the server is stopping.
func (h *health) stops() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stopping
}
