package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/cli"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	goodToken = "token-of-the-analyst"
	tenantID  = "0198c0de-0000-7000-8000-00000000000a"
)

// platform stands in for both services. It answers as the contract says, checks every request against the contract's rules, and remembers
// what it was asked.
type platform struct {
	address     string
	policy      *policyDouble
	tests       *testsDouble
	audit       *auditDouble
	drift       *driftDouble
	history     *historyDouble
	bundle      *bundleDouble
	streams     *streamDouble
	performance *performanceDouble

	simulation *simulationDouble

	mu         sync.Mutex // guards what follows
	requestIDs []string
	tenants    []string
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{
		policy: &policyDouble{}, tests: &testsDouble{}, audit: newAuditDouble(t), drift: newDriftDouble(), history: &historyDouble{},
		simulation: &simulationDouble{shadows: &shadowDouble{}}, bundle: &bundleDouble{}, streams: &streamDouble{}, performance: &performanceDouble{},
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = listener.Addr().String()
	server := grpc.NewServer(grpc.UnaryInterceptor(p.unary), grpc.StreamInterceptor(p.stream))
	governancev1.RegisterPolicyServiceServer(server, p.policy)
	governancev1.RegisterPolicyTemplateServiceServer(server, &templateDouble{policies: p.policy})
	governancev1.RegisterPolicyTestServiceServer(server, p.tests)
	governancev1.RegisterDecisionServiceServer(server, p.policy)
	governancev1.RegisterPolicySimulationServiceServer(server, p.simulation)
	governancev1.RegisterBundleServiceServer(server, p.bundle)
	governancev1.RegisterAuditServiceServer(server, p.audit)
	governancev1.RegisterTimeMachineServiceServer(server, p.history)
	driftv1.RegisterModelServiceServer(server, p.drift)
	driftv1.RegisterMonitorServiceServer(server, p.drift)
	driftv1.RegisterBaselineServiceServer(server, p.drift)
	driftv1.RegisterDetectionServiceServer(server, p.drift)
	driftv1.RegisterConceptDriftServiceServer(server, p.streams)
	driftv1.RegisterPerformanceServiceServer(server, p.performance)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) { // stopped before it began
			t.Errorf("serve: %v", err)
		}
	})
	return p
}

func (p *platform) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := p.admit(ctx); err != nil {
		return nil, err
	}
	if err := check(req); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (p *platform) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if err := p.admit(ss.Context()); err != nil {
		return err
	}
	return handler(srv, checkedStream{ss})
}

type checkedStream struct{ grpc.ServerStream }

func (s checkedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return check(m)
}

func check(m any) error {
	var broken *protovalidate.ValidationError
	if err := protovalidate.Validate(m.(proto.Message)); !errors.As(err, &broken) {
		return err
	}
	bad := &errdetails.BadRequest{}
	for _, v := range broken.Violations {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: protovalidate.FieldPathString(v.Proto.GetField()), Description: v.Proto.GetMessage(),
		})
	}
	return refuse(codes.InvalidArgument, "INVALID_FIELD", "the request is invalid: see the field violations", bad)
}

func (p *platform) admit(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	p.mu.Lock()
	p.requestIDs = append(p.requestIDs, md.Get("x-request-id")...)
	p.tenants = append(p.tenants, md.Get("x-tenant-id")...)
	p.mu.Unlock()
	if got := md.Get("authorization"); len(got) != 1 || got[0] != "Bearer "+goodToken {
		return refuse(codes.Unauthenticated, "INVALID_TOKEN", "the token does not verify")
	}
	return nil
}

// refuse makes an error as the services do.
func refuse(code codes.Code, reason, message string, details ...proto.Message) error {
	s := status.New(code, message)
	all := append([]proto.Message{&errdetails.ErrorInfo{Reason: reason, Domain: "test.aumos", Metadata: map[string]string{"resource": "thing"}}}, details...)
	for _, detail := range all {
		v1, ok := detail.(interface {
			proto.Message
			Reset()
			String() string
			ProtoMessage()
		})
		if !ok {
			panic("not a message")
		}
		with, err := s.WithDetails(v1)
		if err != nil {
			panic(err)
		}
		s = with
	}
	return s.Err()
}

// result is what a run of the program left.
type result struct {
	code           int
	stdout, stderr string
}

// run runs the program against the platform, with a token in the environment and no configuration.
func (p *platform) run(t *testing.T, args ...string) result {
	t.Helper()
	return p.runWithInput(t, "", args...)
}

func (p *platform) runWithInput(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	env := map[string]string{"AUMOSCTL_TOKEN": goodToken}
	return runWith(t, env, stdin, append([]string{"--config", filepath.Join(t.TempDir(), "none.json"), "--governance", p.address, "--drift", p.address}, args...)...)
}

// runInContext is run with a context that may end.
func (p *platform) runInContext(t *testing.T, ctx context.Context, args ...string) result { //nolint:revive // t comes first in helpers
	t.Helper()
	var stdout, stderr bytes.Buffer
	getenv := func(name string) string { return map[string]string{"AUMOSCTL_TOKEN": goodToken}[name] }
	code := cli.RunWith(ctx, append([]string{"--config", filepath.Join(t.TempDir(), "none.json"), "--governance", p.address, "--drift", p.address}, args...),
		getenv, strings.NewReader(""), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

func runWith(t *testing.T, env map[string]string, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.RunWith(t.Context(), args, func(name string) string { return env[name] }, strings.NewReader(stdin), &stdout, &stderr)
	if strings.Contains(stdout.String()+stderr.String(), goodToken) && (len(args) == 0 || args[len(args)-1] != "token") {
		t.Errorf("%q printed the token", args)
	}
	return result{code, stdout.String(), stderr.String()}
}

// expect fails the test unless the run ended with the code.
func (r result) expect(t *testing.T, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// says fails the test unless the texts stand in what was printed.
func (r result) says(t *testing.T, texts ...string) result {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("%q is not printed\nstdout:\n%s\nstderr:\n%s", text, r.stdout, r.stderr)
		}
	}
	return r
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// writeFile puts content into a file of this test.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// decode reads JSON that was printed.
func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return value
}

// tokenEndpoint stands in for an identity provider that knows one client.
type tokenEndpoint struct {
	url       string
	expiresIn int

	mu     sync.Mutex // guards issued
	issued int
}

func newTokenEndpoint(t *testing.T, expiresIn int) *tokenEndpoint {
	t.Helper()
	e := &tokenEndpoint{expiresIn: expiresIn}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		secret, err := url.QueryUnescape(secret) // RFC 6749, section 2.3.1
		w.Header().Set("Content-Type", "application/json")
		if err != nil || id != "analyst" || secret != "open sesame" || r.FormValue("grant_type") != "client_credentials" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"invalid_client","error_description":"internal detail"}`))
			return
		}
		e.mu.Lock()
		e.issued++
		e.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": goodToken, "token_type": "Bearer", "expires_in": e.expiresIn})
	}))
	t.Cleanup(server.Close)
	e.url = server.URL + "/token"
	return e
}

func (e *tokenEndpoint) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.issued
}
