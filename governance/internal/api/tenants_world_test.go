package api_test

import (
	"context"
	"errors"
	"io"
	"regexp"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// world is one of everything that a tenant can have, at least two where there is a list. Every tenant's world is made by the same calls, with
// the same names, numbers and request ids; only the canary differs, which stands in everything that the tenant wrote.
type world struct {
	client

	canary  string
	admin   *grpc.ClientConn
	service *grpc.ClientConn // of this tenant alone

	policy, otherPolicy, slowPolicy string
	active, candidate, draft, slow  string // versions
	inReview, approved              string
	testCase, testRun               string
	decision                        string
	replay, shadow                  string
}

// again is the request id of a step: the same in every tenant.
func again(step string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(step))
	id[6] = id[6]&0xf | 0x40 // version 4: the clients' own
	return id.String()
}

func (r *replica) connect(id tenant.ID) (admin, service *grpc.ClientConn) {
	r.t.Helper()
	return r.Dial(r.t, r.Issuer.Token(r.t, "subject-of-admin", id, auth.RoleAdmin), ""),
		r.Dial(r.t, r.Issuer.Token(r.t, "svc-drift", id, auth.RoleService), id.String())
}

// world makes a tenant's world.
func (r *replica) world(id tenant.ID, canary string) *world {
	r.t.Helper()
	w := &world{client: r.admin(id), canary: canary}
	w.admin, w.service = r.connect(id)
	w.policies()
	w.suite()
	w.decisions()
	w.trials()
	w.quarantines()
	w.records()
	return w
}

func must[R proto.Message](res R, err error) func(w *world) R {
	return func(w *world) R {
		w.t.Helper()
		if err != nil {
			w.t.Fatalf("%s: %v, %v", res.ProtoReflect().Descriptor().Name(), err, fieldsOf(err))
		}
		return res
	}
}

// rules are those of the active version when low, else those of a version that differs.
func (w *world) rules(low bool) []*governancev1.RegoModule {
	limit := "5"
	if low {
		limit = "10"
	}
	return module("default allow := false\nallow if input.n < " + limit + "\nviolations contains {\"code\": \"HIGH\", \"message\": \"" + w.canary + "\"} if input.n >= " + limit)
}

func (w *world) made(name string) *governancev1.CreatePolicyRequest {
	return &governancev1.CreatePolicyRequest{
		Name: name, Description: w.canary, DecisionPoints: []string{"the.point"}, Labels: map[string]string{"of": w.canary}, RequestId: again("policy " + name),
	}
}

func (w *world) versioned(policyID, step string, modules []*governancev1.RegoModule) *governancev1.CreatePolicyVersionRequest {
	return &governancev1.CreatePolicyVersionRequest{
		PolicyId: policyID, Modules: modules, Description: w.canary, Data: object(map[string]any{"canary": w.canary}), RequestId: again("version " + step),
	}
}

func (w *world) policies() {
	w.t.Helper()
	ctx := w.t.Context()
	make := func(name string) string { return must(w.CreatePolicy(ctx, w.made(name)))(w).GetPolicy().GetId() }
	add := func(policyID, step string, low bool) string {
		return must(w.CreatePolicyVersion(ctx, w.versioned(policyID, step, w.rules(low))))(w).GetPolicyVersion().GetId()
	}
	w.policy, w.otherPolicy, w.slowPolicy = make("limits"), make("others"), make("slow")
	w.active = add(w.policy, "active", true)
	w.activate(w.active)
	w.candidate, w.draft = add(w.policy, "candidate", false), add(w.policy, "draft", false)
	w.inReview, w.approved = add(w.policy, "in review", false), add(w.policy, "approved", false)
	must(w.SubmitPolicyVersion(ctx, &governancev1.SubmitPolicyVersionRequest{PolicyVersionId: w.inReview, Comment: w.canary, RequestId: again("submit")}))(w)
	w.approve(w.approved)
}

func (w *world) spec(name string) *governancev1.PolicyTestSpec {
	return &governancev1.PolicyTestSpec{
		Name: name, Input: object(map[string]any{"n": 1, "canary": w.canary}), ExpectedOutcome: allow, Tags: []string{"tagged"},
	}
}

func (w *world) suite() {
	w.t.Helper()
	ctx, tests := w.t.Context(), governancev1.NewPolicyTestServiceClient(w.admin)
	for _, name := range []string{"first of " + w.canary, "second of " + w.canary} {
		w.testCase = must(tests.CreateTestCase(ctx, &governancev1.CreateTestCaseRequest{
			PolicyId: w.policy, Spec: w.spec(name), RequestId: again("case " + name[:1]),
		}))(w).GetTestCase().GetId()
	}
	for _, step := range []string{"run 1", "run 2"} {
		w.testRun = must(tests.RunPolicyTests(ctx, &governancev1.RunPolicyTestsRequest{PolicyVersionId: w.draft, RequestId: again(step)}))(w).GetTestRun().GetId()
	}
}

func (w *world) decisions() {
	w.t.Helper()
	must(w.UpdateDecisionSettings(w.t.Context(), &governancev1.UpdateDecisionSettingsRequest{
		Settings: &governancev1.DecisionSettings{
			KeepInputs: true, InputRetention: durationpb.New(time.Hour), Masks: maskPaths("/secret_of_" + w.canary),
		},
		RequestId: again("settings"),
	}))(w)
	must(w.StartShadow(w.t.Context(), w.shadowing("shadow 1")))(w)
	w.shadow = must(w.StartShadow(w.t.Context(), w.shadowing("shadow 2")))(w).GetShadow().GetId()
	for _, step := range []string{"decision 1", "decision 2", "decision 3"} {
		d := w.decide(w.asks(step, 7))
		if d.GetOutcome() != allow {
			w.t.Fatalf("decided %v", d)
		}
		w.decision = d.GetId()
	}
	if d := w.decide(w.asks("decision 4", 70)); d.GetResults()[0].GetViolations()[0].GetMessage() != w.canary {
		w.t.Fatalf("decided %v", d)
	}
	w.waitCompared(w.shadow, 4)
}

// asks is a question to the policy.
func (w *world) asks(step string, n float64) *governancev1.EvaluateRequest {
	req := askPolicy(w.policy, map[string]any{"n": n, "canary": w.canary})
	req.RequestId, req.CorrelationId = again(step), "correlation of "+w.canary
	req.Resource = &governancev1.DecidedResource{Type: "model", Id: "model of " + w.canary}
	return req
}

func (w *world) shadowing(step string) *governancev1.StartShadowRequest {
	return &governancev1.StartShadowRequest{PolicyVersionId: w.candidate, SamplingRate: 1, Duration: durationpb.New(time.Hour), RequestId: again(step)}
}

func (w *world) replaying(step string) *governancev1.CreateReplayRequest {
	req := replayOf(w.policy, w.candidate)
	req.RequestId = again(step)
	return req
}

// trials replays what was decided, twice.
func (w *world) trials() {
	w.t.Helper()
	for _, step := range []string{"replay 1", "replay 2"} {
		w.replay = w.createReplay(w.replaying(step)).GetId()
		if got := w.await(w.replay).GetSummary().GetAllowToDeny(); got != 3 {
			w.t.Fatalf("the replay found %d differences", got)
		}
	}
}

// quarantines makes two versions that are held back.
func (w *world) quarantines() {
	w.t.Helper()
	for _, step := range []string{"slow 1", "slow 2"} {
		id := w.slowPolicy
		if step == "slow 2" {
			id = must(w.CreatePolicy(w.t.Context(), w.made("slower")))(w).GetPolicy().GetId()
		}
		w.slow = must(w.CreatePolicyVersion(w.t.Context(), w.versioned(id, step, module(slowRules))))(w).GetPolicyVersion().GetId()
		w.activate(w.slow)
		w.overrun(id)
	}
	waitFor(w.t, "both versions are held back", func() bool { return len(w.quarantinedVersions()) == 2 })
}

func (w *world) records() {
	w.t.Helper()
	ctx := w.t.Context()
	audits := governancev1.NewAuditServiceClient(w.admin)
	for _, step := range []string{"entry 0", "entry"} { // a checkpoint after each
		must(governancev1.NewAuditServiceClient(w.service).RecordEntry(ctx, w.recorded(step)))(w)
		must(audits.GetReceipt(ctx, &governancev1.GetReceiptRequest{EntryId: again(step)}))(w)
	}
	for _, id := range []string{"sidecar-1", "sidecar-2"} {
		must(governancev1.NewBundleServiceClient(w.admin).RecordHeartbeat(ctx, w.beat(id)))(w)
	}
}

func (w *world) beat(id string) *governancev1.RecordHeartbeatRequest {
	return &governancev1.RecordHeartbeatRequest{SidecarId: id, Healthy: true, LoadedRevision: "revision", Message: w.canary}
}

func (w *world) recorded(step string) *governancev1.RecordEntryRequest {
	return &governancev1.RecordEntryRequest{
		EntryId: again(step), EventType: "drift.detection", Action: "detection.run", Outcome: governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS,
		Actor:    &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_USER, Id: "ann"},
		Resource: &governancev1.AuditResource{Type: "detection", Id: "d-1", State: object(map[string]any{"canary": w.canary})},
		Details:  object(map[string]any{"canary": w.canary}),
	}
}

// call makes an rpc, whatever it is, as the tenant's admin or as a service, and returns all that it answered as one text of wire format. A stream
// is read until it ends, or shows a heartbeat.
func (w *world) call(ctx context.Context, method protoreflect.MethodDescriptor, req proto.Message) (answers []proto.Message, err error) {
	w.t.Helper()
	conn := w.admin
	if requirementOf(method).GetPermission() == "audit.record" {
		conn = w.service
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	path := "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: method.IsStreamingServer()}, path)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(req); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	for {
		answer := dynamicpb.NewMessage(method.Output())
		switch err := stream.RecvMsg(answer); {
		case errors.Is(err, io.EOF):
			return answers, nil
		case err != nil:
			return answers, err
		}
		answers = append(answers, answer)
		heartbeat := answer.Descriptor().Fields().ByName("heartbeat")
		if !method.IsStreamingServer() || heartbeat != nil && answer.Has(heartbeat) {
			return answers, nil
		}
	}
}

// wire is what stands in messages, byte for byte.
func wire(w *world, messages []proto.Message) string {
	w.t.Helper()
	var all []byte
	for _, m := range messages {
		var err error
		if all, err = (proto.MarshalOptions{Deterministic: true}).MarshalAppend(all, m); err != nil {
			w.t.Fatal(err)
		}
	}
	return string(all)
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
