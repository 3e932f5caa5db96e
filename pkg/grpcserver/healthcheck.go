package grpcserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// healthcheckTimeout bounds one Healthcheck.
	healthcheckTimeout = 3 * time.Second
	// maxReadiness bounds what is read of an answer.
	maxReadiness = 64 << 10
)

// Healthcheck asks the server that runs with these settings on this machine whether it is ready, and returns nil if it is. The error names the
// probes that fail. A container's health check has no other way where there is no shell.
func Healthcheck(ctx context.Context, cfg Config) error {
	host, port, err := net.SplitHostPort(cfg.AdminListen)
	if err != nil {
		return fmt.Errorf("read admin address: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for readiness: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask for readiness: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var body readiness
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReadiness)).Decode(&body); err != nil {
		return fmt.Errorf("the service is not ready: %s", response.Status)
	}
	return body.failure()
}

// failure says why the server is not ready.
func (r readiness) failure() error {
	var reasons []string
	if r.Reason != "" {
		reasons = append(reasons, r.Reason)
	}
	for _, p := range r.Probes {
		if !p.OK {
			reasons = append(reasons, p.Name+": "+p.Error)
		}
	}
	if len(reasons) == 0 {
		return errors.New("the service is not ready")
	}
	return errors.New("the service is not ready: " + strings.Join(reasons, "; "))
}
