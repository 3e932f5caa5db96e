package cli

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/profile"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
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

// connect connects to one service of governance; done closes the connection.
func connect[Client any](
	ctx context.Context, a *app, service func(grpc.ClientConnInterface) Client,
) (client Client, done func(), err error) {
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return client, nil, err
	}
	return service(conn), func() { _ = conn.Close() }, nil
}

func (a *app) audit(ctx context.Context) (client governancev1.AuditServiceClient, done func(), err error) {
	return connect(ctx, a, governancev1.NewAuditServiceClient)
}

func (a *app) bundles(ctx context.Context) (client governancev1.BundleServiceClient, done func(), err error) {
	return connect(ctx, a, governancev1.NewBundleServiceClient)
}

func (a *app) decisions(ctx context.Context) (client governancev1.DecisionServiceClient, done func(), err error) {
	return connect(ctx, a, governancev1.NewDecisionServiceClient)
}

func (a *app) policies(ctx context.Context) (client governancev1.PolicyServiceClient, done func(), err error) {
	return connect(ctx, a, governancev1.NewPolicyServiceClient)
}

func (a *app) policyTests(ctx context.Context) (client governancev1.PolicyTestServiceClient, done func(), err error) {
	return connect(ctx, a, governancev1.NewPolicyTestServiceClient)
}

func (a *app) templates(ctx context.Context) (client governancev1.PolicyTemplateServiceClient, done func(), err error) {
	return connect(ctx, a, governancev1.NewPolicyTemplateServiceClient)
}

func (a *app) timeMachine(ctx context.Context) (client governancev1.TimeMachineServiceClient, done func(), err error) {
	return connect(ctx, a, governancev1.NewTimeMachineServiceClient)
}

// simulating connects to governance for commands that try policies out; done closes the connection.
func (a *app) simulating(ctx context.Context) (
	policies governancev1.PolicyServiceClient, simulations governancev1.PolicySimulationServiceClient, done func(), err error,
) {
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	return governancev1.NewPolicyServiceClient(conn), governancev1.NewPolicySimulationServiceClient(conn), func() { _ = conn.Close() }, nil
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

// tokenExpired reports whether a stream ended because the token that opened it had expired. Another one has a fresh token.
func tokenExpired(err error) bool {
	return err != nil && output.Describe(err, "").Reason == string(errs.ReasonTokenExpired)
}
