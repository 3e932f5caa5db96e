package grpcserver

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// probe asks one dependency whether it can be used.
type probe struct {
	name     string
	check    func(context.Context) error
	services []string // that need it; none: all

	state *probeState
}

// probeState is the last answer of a probe.
type probeState struct {
	mu  sync.Mutex // guards the rest
	err error
	at  time.Time // zero: not asked yet
}

// errNotProbed is the state of a probe before its first answer.
var errNotProbed = errors.New("not probed yet")

// failedInterval is the time between probes while one fails, so that a service is ready soon after what it waits for.
const failedInterval = 500 * time.Millisecond

// AddProbe makes readiness depend on check, which gets a context with a deadline and must heed it. With services, full names such as
// "aumos.governance.v1.AuditService", the health of those alone depends on it, and readiness as a whole.
func (s *Server) AddProbe(name string, check func(context.Context) error, services ...string) {
	s.probes = append(s.probes, probe{name: name, check: check, services: services, state: &probeState{err: errNotProbed}})
}

// watchProbes probes until ctx ends.
func (s *Server) watchProbes(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		interval := s.cfg.ProbeInterval
		if !s.probeAll(ctx) {
			interval = min(interval, failedInterval)
		}
		timer.Reset(interval)
	}
}

// probeAll asks all probes at once, sets the health of every service by the answers and reports whether all are well.
func (s *Server) probeAll(ctx context.Context) bool {
	var group errgroup.Group
	for _, p := range s.probes {
		group.Go(func() error {
			limited, cancel := context.WithTimeout(ctx, s.cfg.ProbeTimeout)
			defer cancel()
			if err := p.check(limited); ctx.Err() == nil { // at the stop probes fail for no reason of their own
				s.note(ctx, p, err)
			}
			return nil
		})
	}
	_ = group.Wait() // the answers are in the probes' states
	if ctx.Err() != nil {
		return false
	}
	ready := true
	services := s.grpc.GetServiceInfo()
	serving := make(map[string]bool, len(services))
	for name := range services {
		serving[name] = true
	}
	for _, p := range s.probes {
		if _, err := p.last(); err == nil {
			continue
		}
		ready = false
		for name := range services {
			if len(p.services) == 0 || slices.Contains(p.services, name) {
				serving[name] = false
			}
		}
	}
	for name, ok := range serving {
		s.health.set(name, ok)
	}
	s.health.set("", ready)
	return ready
}

// note keeps an answer and logs it when it differs from the one before.
func (s *Server) note(ctx context.Context, p probe, err error) {
	p.state.mu.Lock()
	before := p.state.err
	p.state.err, p.state.at = err, time.Now()
	p.state.mu.Unlock()
	switch {
	case err == nil && before != nil:
		s.log.LogAttrs(ctx, slog.LevelInfo, "probe succeeds", slog.String("probe", p.name))
	case err != nil && (before == nil || errors.Is(before, errNotProbed)):
		s.log.LogAttrs(ctx, slog.LevelWarn, "probe fails", slog.String("probe", p.name), slog.String("cause", err.Error()))
	}
}

// last returns the last answer; at is zero before the first.
func (p probe) last() (at time.Time, answer error) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	return p.state.at, p.state.err
}
