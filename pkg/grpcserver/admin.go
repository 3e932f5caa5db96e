package grpcserver

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminServer serves what operators and orchestrators ask. It has no authentication and tells what fails: it belongs on an internal address.
func (s *Server) adminServer(registry *prometheus.Registry) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	mux.HandleFunc("GET /readyz", s.readyz)
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// readiness is the body of /readyz.
type readiness struct {
	Ready  bool         `json:"ready"`
	Reason string       `json:"reason,omitempty"`
	Probes []probeEntry `json:"probes"`
}

type probeEntry struct {
	Name  string     `json:"name"`
	OK    bool       `json:"ok"`
	Error string     `json:"error,omitempty"`
	At    *time.Time `json:"at,omitempty"`
}

// readyz answers 200 when every probe succeeded last and the server does not stop, else 503. It asks nothing itself: polling it is cheap.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	body := readiness{Ready: s.health.serving(), Probes: []probeEntry{}}
	for _, p := range s.probes {
		at, err := p.last()
		entry := probeEntry{Name: p.name, OK: err == nil}
		if !at.IsZero() {
			entry.At = &at
		}
		if err != nil {
			entry.Error = err.Error()
			body.Ready = false
		}
		body.Probes = append(body.Probes, entry)
	}
	if s.health.stops() {
		body.Reason = "stopping"
	}
	code := http.StatusOK
	if !body.Ready {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, body)
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client has gone: there is nobody to tell
}
