//go:build linux

package decisionbench_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/e2e/internal/stack"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// platform is governance, as a process if not said otherwise, on a PostgreSQL that waits for the disk.
type platform struct {
	*stack.Stack
	b       *testing.B
	at      string
	tenant  string
	environ []string // governance's settings
	pid     int      // of governance
}

// startPlatform starts the platform and makes the sample policy the one that answers drift.retrain.
func startPlatform(b *testing.B, policy string) *platform {
	b.Helper()
	p := newPlatform(b)
	governance := build(b, "../../governance/cmd/governance")
	run(b, append(p.environ, "AUMOS_GOVERNANCE_MIGRATION__ADMIN_URL="+p.AdminURL(postgres.DatabaseGovernance),
		"AUMOS_GOVERNANCE_MIGRATION__AUDIT_ADMIN_URL="+p.AdminURL(postgres.DatabaseAudit)), governance, "migrate")
	p.pid = start(b, p.environ, governance)
	p.activate(policy)
	return p
}

// newPlatform starts what governance needs.
func newPlatform(b *testing.B) *platform {
	b.Helper()
	dir, err := os.MkdirTemp("", "aumos-bench-") //nolint:usetesting // the database server's own user must enter it
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // see above
		b.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		b.Fatal(err)
	}
	s, err := stack.Start(b.Context(), stack.Config{Dir: dir, IssuerListen: "127.0.0.1:0", DriftSecret: "drift-secret"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Stop(); err != nil {
			b.Error(err)
		}
	})
	p := &platform{Stack: s, b: b, at: freeAddress(b), tenant: uuid.NewString()}
	p.settle()
	p.environ = append(s.GovernanceEnviron(stack.Addresses{GRPC: p.at, Admin: freeAddress(b)}), "AUMOS_GOVERNANCE_LOG_LEVEL=ERROR") // as OPA's
	return p
}

// activate waits until governance serves and takes the policy through its life.
func (p *platform) activate(path string) {
	p.b.Helper()
	ctx := p.b.Context()
	if err := stack.AwaitServing(ctx, p.at); err != nil {
		p.b.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		p.b.Fatal(err)
	}
	policies := governancev1.NewPolicyServiceClient(p.dial("author"))
	created, err := policies.CreatePolicy(ctx, &governancev1.CreatePolicyRequest{Name: "retrain", DecisionPoints: []string{"drift.retrain"}})
	if err != nil {
		p.b.Fatal(err)
	}
	version, err := policies.CreatePolicyVersion(ctx, &governancev1.CreatePolicyVersionRequest{
		PolicyId: created.GetPolicy().GetId(), Modules: []*governancev1.RegoModule{{Path: "retrain.rego", Source: string(source)}},
	})
	if err != nil {
		p.b.Fatal(err)
	}
	p.test(created.GetPolicy().GetId())
	id := version.GetPolicyVersion().GetId()
	if _, err := policies.SubmitPolicyVersion(ctx, &governancev1.SubmitPolicyVersionRequest{PolicyVersionId: id}); err != nil {
		p.b.Fatal(err)
	}
	_, err = governancev1.NewPolicyServiceClient(p.dial("approver")).ApprovePolicyVersion(ctx, &governancev1.ApprovePolicyVersionRequest{PolicyVersionId: id})
	if err != nil {
		p.b.Fatal(err)
	}
	_, err = governancev1.NewPolicyTestServiceClient(p.dial("author")).RunPolicyTests(ctx, &governancev1.RunPolicyTestsRequest{PolicyVersionId: id})
	if err != nil {
		p.b.Fatal(err)
	}
	if _, err = policies.ActivatePolicyVersion(ctx, &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: id}); err != nil {
		p.b.Fatal(err)
	}
}

// test gives the policy a test case: a version without tests cannot be activated.
func (p *platform) test(policyID string) {
	p.b.Helper()
	input, err := structpb.NewStruct(question)
	if err != nil {
		p.b.Fatal(err)
	}
	_, err = governancev1.NewPolicyTestServiceClient(p.dial("author")).CreateTestCase(p.b.Context(), &governancev1.CreateTestCaseRequest{
		PolicyId: policyID,
		Spec: &governancev1.PolicyTestSpec{
			Name: "the question", Input: input, ExpectedOutcome: governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW,
		},
	})
	if err != nil {
		p.b.Fatal(err)
	}
}

// dial opens a connection of its own, without tracing and retries: the load of OPA has none either.
func (p *platform) dial(subject string) *grpc.ClientConn {
	p.b.Helper()
	token, err := p.Issuer.IssueToken(subject, p.tenant, auth.RoleAdmin)
	if err != nil {
		p.b.Fatal(err)
	}
	conn, err := grpc.NewClient(p.at, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(bearer{"authorization": "Bearer " + token}), grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig())
	if err != nil {
		p.b.Fatal(err)
	}
	p.b.Cleanup(func() { conn.Close() })
	return conn
}

// window is HTTP/2's, fixed so that no pings estimate it.
const window = 1 << 20

// bearer is the least that a client needs to put its token on a call.
type bearer map[string]string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return b, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (bearer) RequireTransportSecurity() bool { return false }

// connections returns n callers that share so many connections.
func (p *platform) connections(callers, connections int) *load {
	p.b.Helper()
	input, err := structpb.NewStruct(question)
	if err != nil {
		p.b.Fatal(err)
	}
	message, err := proto.Marshal(&governancev1.EvaluateRequest{Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "drift.retrain"}, Input: input})
	if err != nil {
		p.b.Fatal(err)
	}
	token, err := p.Issuer.IssueToken("load", p.tenant, auth.RoleAdmin)
	if err != nil {
		p.b.Fatal(err)
	}
	return newLoad(p.b, p.at, callers, connections, func() caller {
		c, err := newGRPCCaller(p.at, governancev1.DecisionService_Evaluate_FullMethodName, token, message, platformAllows())
		if err != nil {
			p.b.Fatal(err)
		}
		return c
	})
}
