package cli

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/profile"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
)

// session is the profile that a command runs with.
type session struct {
	config  *profile.Config
	name    string
	profile profile.Profile
	tokens  *profile.Tokens
}

// loadConfig reads the file with the profiles.
func (a *app) loadConfig() (*profile.Config, error) {
	path := a.config
	if path == "" {
		var err error
		if path, err = profile.DefaultPath(a.getenv); err != nil {
			return nil, err
		}
	}
	return profile.Load(path)
}

// session finds the profile and lets the flags change it.
func (a *app) session(ctx context.Context) (*session, error) {
	config, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	s := &session{config: config, name: a.profile}
	if s.name == "" {
		s.name = config.Current
	}
	p, ok := config.Profiles[s.name]
	if !ok && a.profile != "" {
		return nil, fmt.Errorf("%s has no profile %q: make it with aumosctl login --profile %s", config.Path(), a.profile, a.profile)
	}
	if s.profile, err = a.override(p); err != nil {
		return nil, err
	}
	s.tokens = profile.NewTokens(ctx, config, s.name, s.profile, a.getenv("AUMOSCTL_TOKEN"))
	return s, nil
}

// override lets the global flags change a profile for this run.
func (a *app) override(p profile.Profile) (profile.Profile, error) {
	if a.governance != "" {
		p.Governance = a.governance
	}
	if a.drift != "" {
		p.Drift = a.drift
	}
	if a.tenant != "" {
		if _, err := uuid.Parse(a.tenant); err != nil {
			return p, fmt.Errorf("--tenant %q is no UUID", a.tenant)
		}
		p.Tenant = a.tenant
	}
	if a.caFile != "" {
		files := profile.TLS{}
		if p.TLS != nil {
			files = *p.TLS
		}
		var err error
		if files.CAFile, err = absolute(a.caFile); err != nil {
			return p, err
		}
		p.TLS = &files
	}
	p.Plaintext = p.Plaintext || a.plaintext
	return p, nil
}

// dialGovernance connects to governance.
func (a *app) dialGovernance(ctx context.Context) (*grpc.ClientConn, error) {
	s, err := a.session(ctx)
	if err != nil {
		return nil, err
	}
	return a.dial(s, "governance", s.profile.Governance)
}

// dialDrift connects to drift.
func (a *app) dialDrift(ctx context.Context) (*grpc.ClientConn, error) {
	s, err := a.session(ctx)
	if err != nil {
		return nil, err
	}
	return a.dial(s, "drift", s.profile.Drift)
}

// dial makes a connection to a service. It gets a token first: what is wrong with it is then told apart from what is wrong with the service.
func (a *app) dial(s *session, service, address string) (*grpc.ClientConn, error) {
	if address == "" {
		return nil, fmt.Errorf("no address of %s is known: run aumosctl login --%s HOST:PORT, or say --%s HOST:PORT", service, service, service)
	}
	if _, err := s.tokens.Token(); err != nil {
		return nil, err
	}
	return grpcclient.Dial(s.config.Client(s.profile, address, s.tokens))
}

// call makes one unary call within the time that --timeout allows. Writes are sent with a request id by the connection, so that its retries
// of one are one.
func call[Req, Res any](ctx context.Context, a *app, rpc func(context.Context, Req, ...grpc.CallOption) (Res, error), req Req) (Res, error) {
	if a.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.timeout)
		defer cancel()
	}
	return rpc(ctx, req)
}
