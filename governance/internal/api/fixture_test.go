package api_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/api"
	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/decisionlog"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/governance/internal/quarantine"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/replay"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

var (
	tenantA = tenant.ID(uuid.MustParse("0189aaaa-0000-7000-8000-00000000000a"))
	tenantB = tenant.ID(uuid.MustParse("0189bbbb-0000-7000-8000-00000000000b"))
)

// platform is two databases and a wall, on which any number of replicas serve.
type platform struct {
	t          testing.TB
	governance postgrestest.GovernanceDB
	audit      postgrestest.AuditDB

	deciding          *pgxpool.Pool // of deciders and their service alone; nil: that of everything else
	lease             time.Duration // of what deciders remember; 0: the default
	versionBytes      int64         // for compiled versions; 0: the default
	wrapping          string        // the key that wraps tenants' keys for inputs; "": there is none
	candidateDeadline time.Duration // of shadows; 0: that of decisions
	leeway            time.Duration // of streams whose token expires; 0: the default
	limits            policy.Limits
}

func newPlatform(t testing.TB) *platform {
	t.Helper()
	return &platform{t: t, governance: postgrestest.Governance(t), audit: postgrestest.Audit(t)}
}

// replica is one running service.
type replica struct {
	*grpcservertest.Server
	t        testing.TB
	platform *platform
	pool     *pgxpool.Pool
	wall     *audit.Wall
	recorder *outbox.Recorder
	engine   *rego.Engine
	decider  *decision.Decider
	vault    *vault.Vault
	stopWall context.CancelFunc
	// stopReading ends the sessions of reading.
	stopReading context.CancelFunc

	shadows     shadows
	stopShadows context.CancelFunc
}

// setup runs one replica on databases of its own.
func setup(t testing.TB) *replica {
	t.Helper()
	return newPlatform(t).replica(rego.Config{})
}

func (p *platform) replica(limits rego.Config) *replica {
	p.t.Helper()
	return p.replicaOn(p.governance.App, limits)
}

// replicaOn runs a replica with connections of its own. How long something takes is nothing to tests that do not say so, on a machine that may do much else.
func (p *platform) replicaOn(pool *pgxpool.Pool, limits rego.Config) *replica {
	p.t.Helper()
	limits.Deadline, limits.CompileDeadline = cmp.Or(limits.Deadline, time.Second), cmp.Or(limits.CompileDeadline, 20*time.Second)
	wall, stopWall := p.wall()
	log := slog.New(slog.DiscardHandler)
	recorder := outbox.NewRecorder(pool, wall, log)
	keeper := quarantine.New(quarantine.Config{Pool: pool, Recorder: recorder, Describe: api.VersionResource, Log: log})
	run(p.t, keeper.Run)
	limits.Quarantined = keeper.Quarantined
	engine := rego.NewEngine(limits)
	limits.Beside = engine
	inputs := p.vault(pool)
	run(p.t, inputs.Run)
	shadows, stopShadows := p.shadows(limits)
	decider, err := decision.New(decision.Config{
		Pool: cmp.Or(p.deciding, pool), Engine: engine, Wall: wall, Vault: inputs, Lease: p.lease, Shadows: shadows.Runner, VersionBytes: p.versionBytes,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	run(p.t, decider.Run)
	p.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := engine.Close(ctx); err != nil {
			p.t.Error(err)
		}
	})
	decisions := decisionlog.New(decisionlog.Config{Pool: pool, Wall: wall, CatchUp: time.Hour})
	run(p.t, decisions.Run)
	readings := reading.New(reading.Config{Wall: wall, Log: slog.New(slog.DiscardHandler)})
	stopReading := run(p.t, readings.Run)
	run(p.t, wall.RunWatches)
	look := func(ctx context.Context) ([]posture.Check, error) {
		return posture.Look(ctx, audittest.Databases(p.audit), posture.Options{})
	}
	watch := posture.NewWatch(wall, posture.Report{}, time.Hour, look, log)
	mutations := api.NewMutations(pool, wall, recorder)
	followers := replay.NewFollowers(pool)
	replays := replay.New(replay.Config{Pool: pool, Wall: wall, Inputs: inputs, Engine: engine, Recorder: recorder, Progressed: followers.Wake})
	run(p.t, replays.Run)
	server := grpcservertest.Start(p.t, "governance.aumos", grpcservertest.Options{Leeway: p.leeway}, func(s *grpc.Server) {
		governancev1.RegisterPolicyServiceServer(s, &api.PolicyService{Pool: pool, Engine: engine, Decider: decider, Mutations: mutations, Limits: p.limits})
		governancev1.RegisterPolicyTestServiceServer(s, &api.PolicyTestService{Pool: pool, Engine: engine, Mutations: mutations})
		governancev1.RegisterPolicyTemplateServiceServer(s, &api.PolicyTemplateService{Engine: engine, Mutations: mutations, Limits: p.limits})
		governancev1.RegisterDecisionServiceServer(s, &api.DecisionService{
			Decider: decider, Decisions: decisions, Pool: cmp.Or(p.deciding, pool), Vault: inputs, Mutations: mutations, Reading: readings, Log: slog.New(slog.DiscardHandler),
		})
		governancev1.RegisterPolicySimulationServiceServer(s, &api.PolicySimulationService{
			Pool: pool, Engine: engine, Wall: wall, Decider: decider, Mutations: mutations, Replays: replays, Followers: followers,
		})
		governancev1.RegisterBundleServiceServer(s, &api.BundleService{
			Pool: p.governance.App, Bundles: bundles(p.t, p.governance.App, engine), Mutations: mutations,
		})
		governancev1.RegisterAuditServiceServer(s, &api.AuditService{Wall: wall, Reading: readings, Posture: watch})
		governancev1.RegisterTimeMachineServiceServer(s, &api.TimeMachineService{Wall: wall, Reading: readings})
	})
	return &replica{
		Server: server, t: p.t, platform: p, pool: pool, wall: wall, recorder: recorder, engine: engine, decider: decider, vault: inputs, stopWall: stopWall,
		stopReading: stopReading, shadows: shadows, stopShadows: stopShadows,
	}
}

func (p *platform) vault(pool *pgxpool.Pool) *vault.Vault {
	p.t.Helper()
	wrapping, err := vault.ParseWrapping(p.wrapping)
	if err != nil {
		p.t.Fatal(err)
	}
	return vault.New(vault.Config{Pool: pool, Wrapping: wrapping, Timeout: time.Minute})
}

// wall runs a wall until the returned function is called or the test ends.
func (p *platform) wall() (wall *audit.Wall, stop func()) {
	p.t.Helper()
	return audittest.Start(p.t, audittest.Databases(p.audit), audit.Config{HeadsDir: p.t.TempDir()})
}

// run runs f until the returned function is called or the test ends, and waits for it then.
func run(t testing.TB, f func(ctx context.Context) error) context.CancelFunc {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var stopped atomic.Bool
	stop := func() {
		if stopped.Swap(true) {
			return
		}
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// client is a caller of one replica.
type client struct {
	governancev1.PolicyServiceClient
	governancev1.DecisionServiceClient
	governancev1.PolicySimulationServiceClient
	t       testing.TB
	replica *replica
	tenant  tenant.ID
}

func (r *replica) as(id tenant.ID, roles ...auth.Role) client {
	r.t.Helper()
	conn := r.Dial(r.t, r.Issuer.Token(r.t, "subject-of-"+string(roles[0]), id, roles...), "")
	return client{
		PolicyServiceClient: governancev1.NewPolicyServiceClient(conn), DecisionServiceClient: governancev1.NewDecisionServiceClient(conn),
		PolicySimulationServiceClient: governancev1.NewPolicySimulationServiceClient(conn),
		t:                             r.t, replica: r, tenant: id,
	}
}

func (r *replica) admin(id tenant.ID) client { return r.as(id, auth.RoleAdmin) }

// policy creates a policy.
func (c client) policy(name string, points ...string) *governancev1.Policy {
	c.t.Helper()
	res, err := c.CreatePolicy(c.t.Context(), &governancev1.CreatePolicyRequest{Name: name, DecisionPoints: points})
	if err != nil {
		c.t.Fatalf("CreatePolicy: %v", err)
	}
	return res.GetPolicy()
}

// version adds a version whose single module has package p and the given rules.
func (c client) version(policyID, rules string) *governancev1.PolicyVersion {
	c.t.Helper()
	res, err := c.CreatePolicyVersion(c.t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: policyID, Modules: module(rules)})
	if err != nil {
		c.t.Fatalf("CreatePolicyVersion: %v", err)
	}
	return res.GetPolicyVersion()
}

func module(rules string) []*governancev1.RegoModule {
	return []*governancev1.RegoModule{{Path: "p.rego", Source: "package p\n" + rules}}
}

// activate makes a version active, whatever its state: a draft is submitted, approved by somebody else and tested before, a retired version is rolled
// back to.
func (c client) activate(versionID string) *governancev1.ActivatePolicyVersionResponse {
	c.t.Helper()
	got, err := c.GetPolicyVersion(c.t.Context(), &governancev1.GetPolicyVersionRequest{PolicyVersionId: versionID})
	if err != nil {
		c.t.Fatalf("GetPolicyVersion: %v", err)
	}
	if got.GetPolicyVersion().GetState() == governancev1.PolicyVersionState_POLICY_VERSION_STATE_RETIRED {
		res, err := c.RollbackPolicy(c.t.Context(), &governancev1.RollbackPolicyRequest{
			PolicyId: got.GetPolicyVersion().GetPolicyId(), PolicyVersionId: versionID, Reason: "a test",
		})
		if err != nil {
			c.t.Fatalf("RollbackPolicy: %v", err)
		}
		return &governancev1.ActivatePolicyVersionResponse{Policy: res.GetPolicy(), PolicyVersion: res.GetPolicyVersion()}
	}
	if got.GetPolicyVersion().GetState() == governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT {
		c.tested(versionID)
	}
	res, err := c.ActivatePolicyVersion(c.t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: versionID})
	if err != nil {
		c.t.Fatalf("ActivatePolicyVersion: %v", err)
	}
	return res
}

// tested brings a draft to where all that is left is to activate it: approved by somebody else, with a passing test run.
func (c client) tested(versionID string) {
	c.t.Helper()
	c.approve(versionID)
	policytest.Test(c.t, c.replica.pool, c.tenant, uuid.MustParse(versionID), policytest.Passed)
}

// approve submits a draft and has somebody else approve it.
func (c client) approve(versionID string) *governancev1.PolicyVersion {
	c.t.Helper()
	if _, err := c.SubmitPolicyVersion(c.t.Context(), &governancev1.SubmitPolicyVersionRequest{PolicyVersionId: versionID}); err != nil {
		c.t.Fatalf("SubmitPolicyVersion: %v", err)
	}
	approver := c.replica.as(c.tenant, auth.RolePolicyApprover)
	res, err := approver.ApprovePolicyVersion(c.t.Context(), &governancev1.ApprovePolicyVersionRequest{PolicyVersionId: versionID})
	if err != nil {
		c.t.Fatalf("ApprovePolicyVersion: %v", err)
	}
	return res.GetPolicyVersion()
}

// active creates a policy with an active version.
func (c client) active(name, rules string, points ...string) *governancev1.Policy {
	c.t.Helper()
	p := c.policy(name, points...)
	return c.activate(c.version(p.GetId(), rules).GetId()).GetPolicy()
}

func askPolicy(id string, input map[string]any) *governancev1.EvaluateRequest {
	return &governancev1.EvaluateRequest{Target: &governancev1.EvaluateRequest_PolicyId{PolicyId: id}, Input: object(input)}
}

func askPoint(point string, input map[string]any) *governancev1.EvaluateRequest {
	return &governancev1.EvaluateRequest{Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: point}, Input: object(input)}
}

func object(v map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(v)
	if err != nil {
		panic(err)
	}
	return s
}

// decide evaluates and fails the test on an error.
func (c client) decide(req *governancev1.EvaluateRequest) *governancev1.Decision {
	c.t.Helper()
	res, err := c.Evaluate(c.t.Context(), req)
	if err != nil {
		c.t.Fatalf("Evaluate: %v", err)
	}
	return res.GetDecision()
}

// entries returns the tenant's log, verified as far as entries go.
func (r *replica) entries(id tenant.ID) []auditlog.Entry {
	r.t.Helper()
	var all []auditlog.Entry
	for after := int64(-1); ; {
		found, more, err := r.wall.List(tenant.NewContext(r.t.Context(), id), audit.Filter{}, after, 500)
		if err != nil {
			r.t.Fatalf("list entries: %v", err)
		}
		for _, f := range found {
			e, err := auditlog.Unmarshal(f.Leaf)
			if err != nil || len(f.Mismatched) > 0 {
				r.t.Fatalf("entry %d: %v, mismatched %v", f.LeafIndex, err, f.Mismatched)
			}
			all = append(all, e)
			after = f.LeafIndex
		}
		if !more {
			return all
		}
	}
}

// wantError checks code and reason of an rpc's error.
func wantError(t testing.TB, err error, code codes.Code, reason governancev1.ErrorReason) {
	t.Helper()
	if status.Code(err) != code || reasonOf(err) != reasonName(reason) {
		t.Errorf("got %v (%s), want %v (%s)", err, reasonOf(err), code, reasonName(reason))
	}
}

func reasonName(r governancev1.ErrorReason) string { return r.String()[len("ERROR_REASON_"):] }

func reasonOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

// fieldsOf returns the fields that an error names, with what is wrong.
func fieldsOf(err error) map[string]string {
	fields := make(map[string]string)
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				fields[v.GetField()] = v.GetDescription()
			}
		}
	}
	return fields
}

// newAdmin returns a function that does to the governance database what no role of the service may.
func newAdmin(t testing.TB, r *replica) func(sql string) {
	t.Helper()
	conn := r.platform.governance.Admin()
	return func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}
