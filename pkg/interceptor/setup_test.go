package interceptor_test

import (
	"context"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/auth"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	domain   = "test.aumos"
	tenantA  = "0198c0de-0000-7000-8000-00000000000a"
	tenantB  = "0198c0de-0000-7000-8000-00000000000b"
	policyID = "0198c0de-0000-7000-8000-0000000000ff"
)

func parse(t testing.TB, s string) tenant.ID {
	t.Helper()
	id, err := tenant.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// bundle is a server whose handlers the test chooses.
type bundle struct {
	*grpcservertest.Server
	get    func(context.Context, *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error)
	upload func(grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error
}

type policies struct {
	governancev1.UnimplementedPolicyServiceServer
	b *bundle
}

func (p policies) GetPolicy(ctx context.Context, req *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
	return p.b.get(ctx, req)
}

type baselines struct {
	driftv1.UnimplementedBaselineServiceServer
	b *bundle
}

func (s baselines) UploadBaseline(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
	return s.b.upload(stream)
}

type audits struct {
	governancev1.UnimplementedAuditServiceServer
}

func (audits) RecordEntry(context.Context, *governancev1.RecordEntryRequest) (*governancev1.RecordEntryResponse, error) {
	return &governancev1.RecordEntryResponse{}, nil
}

// setup runs a server whose unary handler answers and whose stream handler reads to the end.
func setup(t testing.TB, limit interceptor.RateLimit) *bundle {
	t.Helper()
	b := &bundle{
		get: func(context.Context, *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
			return &governancev1.GetPolicyResponse{}, nil
		},
		upload: readAll,
	}
	b.Server = grpcservertest.Start(t, domain, grpcservertest.Options{RateLimit: limit}, func(s *grpc.Server) {
		governancev1.RegisterPolicyServiceServer(s, policies{b: b})
		governancev1.RegisterAuditServiceServer(s, audits{})
		driftv1.RegisterBaselineServiceServer(s, baselines{b: b})
	})
	return b
}

func readAll(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
	for {
		_, err := stream.Recv()
		if isEOF(err) {
			return stream.SendAndClose(&driftv1.UploadBaselineResponse{})
		}
		if err != nil {
			return err
		}
	}
}

// user returns a token that may call both methods.
func (b *bundle) user(t testing.TB) string {
	t.Helper()
	return b.Issuer.Token(t, "alice", parse(t, tenantA), auth.RoleMLEngineer)
}

// rpc is a method that a test calls in the same way whatever its kind; valid says whether the request follows the contract's rules.
type rpc struct {
	name string
	call func(ctx context.Context, conn *grpc.ClientConn, valid bool, options ...grpc.CallOption) error
}

func rpcs() map[string]rpc {
	return map[string]rpc{
		"unary": {"GetPolicy", func(ctx context.Context, conn *grpc.ClientConn, valid bool, options ...grpc.CallOption) error {
			req := &governancev1.GetPolicyRequest{PolicyId: "not a uuid"}
			if valid {
				req.PolicyId = policyID
			}
			_, err := governancev1.NewPolicyServiceClient(conn).GetPolicy(ctx, req, options...)
			return err
		}},
		"stream": {"UploadBaseline", func(ctx context.Context, conn *grpc.ClientConn, valid bool, options ...grpc.CallOption) error {
			header := &driftv1.UploadBaselineHeader{MonitorId: "not a uuid"}
			if valid {
				header.MonitorId = policyID
			}
			stream, err := driftv1.NewBaselineServiceClient(conn).UploadBaseline(ctx, options...)
			if err != nil {
				return err
			}
			err = stream.Send(&driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: header}})
			if err != nil && !isEOF(err) { // EOF: the server has answered already
				return err
			}
			_, err = stream.CloseAndRecv()
			return err
		}},
	}
}

// answer is an error as a client sees it.
type answer struct {
	code  codes.Code
	text  string
	info  *errdetails.ErrorInfo
	bad   *errdetails.BadRequest
	retry *errdetails.RetryInfo
	rules *validate.Violations
}

func read(err error) answer {
	s := status.Convert(err)
	a := answer{code: s.Code(), text: s.Message()}
	for _, d := range s.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			a.info = d
		case *errdetails.BadRequest:
			a.bad = d
		case *errdetails.RetryInfo:
			a.retry = d
		case *validate.Violations:
			a.rules = d
		}
	}
	return a
}

// want fails the test unless err has the code and reason, and the id of its request.
func want(t *testing.T, err error, code codes.Code, reason string) answer {
	t.Helper()
	a := read(err)
	if a.code != code || a.info.GetReason() != reason {
		t.Fatalf("error = %v %q %q, want %v %s", a.code, a.info.GetReason(), a.text, code, reason)
	}
	if a.info.GetDomain() != domain || a.info.GetMetadata()["request_id"] == "" {
		t.Errorf("ErrorInfo = %v", a.info)
	}
	return a
}

// line returns the log line of the one call of the method.
func (b *bundle) line(t *testing.T, method string) map[string]any {
	t.Helper()
	var found []map[string]any
	for _, l := range b.Log.Lines(t, "rpc") {
		if name, ok := l["method"].(string); ok && strings.HasSuffix(name, "/"+method) {
			found = append(found, l)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d log lines for %s, want 1:\n%s", len(found), method, b.Log)
	}
	return found[0]
}

// counted returns a counter's value for the labels.
func (b *bundle) counted(t *testing.T, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := b.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if matches(m, labels) {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func matches(m *dto.Metric, labels map[string]string) bool {
	found := 0
	for _, l := range m.GetLabel() {
		if v, ok := labels[l.GetName()]; ok && v == l.GetValue() {
			found++
		}
	}
	return found == len(labels)
}

func (b *bundle) handled(t *testing.T, method string, code codes.Code) float64 {
	t.Helper()
	return b.counted(t, "grpc_server_handled_total", map[string]string{"grpc_method": method, "grpc_code": code.String()})
}

// with adds metadata to the calls of a context.
func with(ctx context.Context, pairs ...string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}
