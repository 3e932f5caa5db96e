package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/errs"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
)

// leak stands in every hostile error below; no client may see it.
const leak = "db-7.internal"

// respond makes both handlers return err.
func (b *bundle) respond(err error) {
	b.get = func(context.Context, *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
		return nil, err
	}
	b.upload = func(grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
		return err
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial tcp " + leak + ": SELECT * FROM gov_policies")
	ours := errs.ResourceNotFound("policy", "7").Because(secret)
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	foreign := validator.Validate(&governancev1.GetPolicyRequest{PolicyId: leak})
	for name, tc := range map[string]struct {
		err     error
		code    codes.Code
		reason  string
		message string
		logged  bool // the cause
	}{
		"domain error":                   {ours, codes.NotFound, "NOT_FOUND", "policy not found", false},
		"wrapped domain error":           {fmt.Errorf("read from %s: %w", leak, ours), codes.NotFound, "NOT_FOUND", "policy not found", false},
		"joined domain error":            {errors.Join(secret, ours), codes.NotFound, "NOT_FOUND", "policy not found", false},
		"dependency down":                {fmt.Errorf("x: %w", errs.Down("audit wall", secret)), codes.Unavailable, "UNAVAILABLE", "audit wall is unavailable: retry", true},
		"domain error of kind internal":  {errs.New(errs.Internal, errs.ReasonConflict, "broken on %s", leak).With("host", leak), codes.Internal, "INTERNAL", "internal error", true},
		"plain error":                    {secret, codes.Internal, "INTERNAL", "internal error", true},
		"bare status of another server":  {status.Error(codes.NotFound, leak), codes.Internal, "INTERNAL", "internal error", true},
		"wrapped status":                 {fmt.Errorf("SELECT on %s: %w", leak, status.Error(codes.NotFound, "x")), codes.Internal, "INTERNAL", "internal error", true},
		"bare status of a dead server":   {status.Error(codes.Unavailable, "dial "+leak), codes.Unavailable, "UNAVAILABLE", "a dependency is unavailable: retry", true},
		"wrapped status of a dead one":   {fmt.Errorf("call: %w", status.Error(codes.Unavailable, leak)), codes.Internal, "INTERNAL", "internal error", true},
		"bare unauthenticated elsewhere": {status.Error(codes.Unauthenticated, leak), codes.Internal, "INTERNAL", "internal error", true},
		"bare deadline elsewhere":        {status.Error(codes.DeadlineExceeded, leak), codes.DeadlineExceeded, "CALL_ENDED", "the deadline passed before the call was done", false},
		"status OK as an error":          {okStatusError{}, codes.Internal, "INTERNAL", "internal error", true},
		"inner deadline":                 {fmt.Errorf("query %s: %w", leak, context.DeadlineExceeded), codes.DeadlineExceeded, "CALL_ENDED", "the deadline passed before the call was done", false},
		"inner cancellation":             {fmt.Errorf("query %s: %w", leak, context.Canceled), codes.Unavailable, "UNAVAILABLE", "the server ended the call: retry", true},
		"domain error over a deadline":   {errs.Down("wall", context.DeadlineExceeded), codes.Unavailable, "UNAVAILABLE", "wall is unavailable: retry", false},
		"rules broken by our own data":   {foreign, codes.Internal, "INTERNAL", "internal error", false},
		"end of a file":                  {io.EOF, codes.Internal, "INTERNAL", "internal error", false},
		"invalid text":                   {errs.New(errs.Aborted, errs.ReasonConflict, "bad \xff text").With("k\xff", "v\xff").Field("f\xff", "d\xff"), codes.Aborted, "CONFLICT", "bad \uFFFD text", false},
		"unknown kind":                   {errs.New(errs.Kind(200), errs.ReasonConflict, leak), codes.Internal, "INTERNAL", "internal error", true},
	} {
		for kind, rpc := range rpcs() {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t, interceptor.RateLimit{})
				b.respond(tc.err)
				err := rpc.call(t.Context(), b.Dial(t, b.user(t), ""), true)
				a := want(t, err, tc.code, tc.reason)
				if a.text != tc.message {
					t.Errorf("message = %q", a.text)
				}
				if seen := prototext.Format(status.Convert(err).Proto()); strings.Contains(seen, leak) || strings.Contains(seen, "SELECT") {
					t.Errorf("the client sees internals: %s", seen)
				}
				if (tc.code == codes.Unavailable) != (a.retry != nil) {
					t.Errorf("advice to retry = %v", a.retry)
				}
				if n := b.handled(t, rpc.name, tc.code); n < 1 {
					t.Error("not counted")
				}
				if logged := strings.Contains(b.Log.String(), leak); logged != tc.logged {
					t.Errorf("the cause is in the log: %t, want %t: %s", logged, tc.logged, b.Log)
				}
			})
		}
	}
}

// okStatusError is an error that claims that all is well.
type okStatusError struct{}

func (okStatusError) Error() string              { return leak }
func (okStatusError) GRPCStatus() *status.Status { return status.New(codes.OK, "") }

func TestKindsHaveTheirCodes(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	conn := b.Dial(t, b.user(t), "")
	for kind, code := range map[errs.Kind]codes.Code{
		errs.Internal: codes.Internal, errs.InvalidArgument: codes.InvalidArgument, errs.NotFound: codes.NotFound, errs.AlreadyExists: codes.AlreadyExists,
		errs.FailedPrecondition: codes.FailedPrecondition, errs.Aborted: codes.Aborted, errs.PermissionDenied: codes.PermissionDenied,
		errs.Unauthenticated: codes.Unauthenticated, errs.ResourceExhausted: codes.ResourceExhausted, errs.Unavailable: codes.Unavailable,
		errs.DataLoss: codes.DataLoss, errs.DeadlineExceeded: codes.DeadlineExceeded, errs.Canceled: codes.Canceled,
	} {
		b.respond(errs.New(kind, errs.ReasonConflict, "m"))
		if got := read(rpcs()["unary"].call(t.Context(), conn, true)).code; got != code {
			t.Errorf("kind %d has code %v, want %v", kind, got, code)
		}
	}
}

func TestErrorDetails(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	b.respond(errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "the queue is full").With("limit", "10").Field("a.b", "is bad").After(3 * time.Second))
	a := want(t, rpcs()["unary"].call(with(t.Context(), "x-request-id", "req-9"), b.Dial(t, b.user(t), ""), true), codes.ResourceExhausted, "OVERLOADED")
	if a.info.GetMetadata()["limit"] != "10" || a.info.GetMetadata()["request_id"] != "req-9" {
		t.Errorf("metadata = %v", a.info.GetMetadata())
	}
	if v := a.bad.GetFieldViolations(); len(v) != 1 || v[0].GetField() != "a.b" || v[0].GetDescription() != "is bad" {
		t.Errorf("violations = %v", v)
	}
	if got := a.retry.GetRetryDelay().AsDuration(); got != 3*time.Second {
		t.Errorf("retry after %v", got)
	}
}

// Trailers of some clients hold 8 KiB: an error that says much must still arrive.
func TestLargeErrorsAreCut(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	long := strings.Repeat("é", 5000)
	large := errs.New(errs.InvalidArgument, errs.ReasonRegoInvalid, "%s", long)
	for i := range 200 {
		large = large.Field("modules["+strconv.Itoa(i)+"]", "%s", long).With(strconv.Itoa(i), long)
	}
	b.respond(large)
	err := rpcs()["unary"].call(t.Context(), b.Dial(t, b.user(t), ""), true)
	a := want(t, err, codes.InvalidArgument, "REGO_INVALID")
	if n := len(a.bad.GetFieldViolations()); n != 16 || a.info.GetMetadata()["violations"] != "200" {
		t.Errorf("%d violations, metadata %v", n, a.info.GetMetadata()["violations"])
	}
	if size := proto.Size(status.Convert(err).Proto()); size > 12<<10 {
		t.Errorf("the status has %d bytes", size)
	}
	if !strings.HasSuffix(a.text, "é…") {
		t.Errorf("the message is not cut at a character: %q", a.text[len(a.text)-8:])
	}
}

func TestValidationNamesEveryField(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	_, err := governancev1.NewPolicyServiceClient(b.Dial(t, b.Issuer.Token(t, "alice", parse(t, tenantA), "policy-author"), "")).CreatePolicy(t.Context(),
		&governancev1.CreatePolicyRequest{Name: "-", DecisionPoints: []string{"a.b", "BAD"}, RequestId: "x"})
	a := want(t, err, codes.InvalidArgument, "INVALID_FIELD")
	fields := make([]string, 0, len(a.bad.GetFieldViolations()))
	for _, v := range a.bad.GetFieldViolations() {
		fields = append(fields, v.GetField())
		if v.GetDescription() == "" {
			t.Errorf("%s has no description", v.GetField())
		}
	}
	slices.Sort(fields)
	if !slices.Equal(fields, []string{"decision_points[1]", "name", "request_id"}) {
		t.Errorf("fields = %v", fields)
	}
	if n := len(a.rules.GetViolations()); n != 3 {
		t.Errorf("%d of protovalidate's own violations", n)
	}
}

func TestUnimplemented(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	_, err := governancev1.NewPolicyServiceClient(b.Dial(t, b.user(t), "")).ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{})
	if a := want(t, err, codes.Unimplemented, "INTERNAL"); a.text != "the method is not implemented" {
		t.Errorf("message = %q", a.text)
	}
}

// gRPC answers itself when it cannot take a message of a stream. It is logged as the caller's fault, also when the handler wraps the error.
func TestStreamTransportErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []grpc.CallOption
		sent    codes.Code // by gRPC
		logged  codes.Code
	}{
		"over the limit": {nil, codes.ResourceExhausted, codes.ResourceExhausted},
		"undecodable":    {[]grpc.CallOption{grpc.ForceCodec(garbage{})}, codes.Internal, codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, interceptor.RateLimit{})
			b.upload = func(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
				_, err := stream.Recv()
				return fmt.Errorf("receive from %s: %w", leak, err)
			}
			stream, err := driftv1.NewBaselineServiceClient(b.Dial(t, b.user(t), "")).UploadBaseline(t.Context(), tc.options...)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.Send(&driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{
				Header: &driftv1.UploadBaselineHeader{MonitorId: policyID, Description: strings.Repeat("x", 17<<20)},
			}}); err != nil && !isEOF(err) {
				t.Fatal(err)
			}
			_, err = stream.CloseAndRecv()
			if status.Code(err) != tc.sent || strings.Contains(err.Error(), leak) {
				t.Errorf("the client gets %v", err)
			}
			if err := b.Stop(); err != nil { // the answer may come before the handler's end
				t.Fatal(err)
			}
			if line := b.line(t, "UploadBaseline"); line["code"] != tc.logged.String() || line["reason"] != "INVALID_FIELD" {
				t.Errorf("log line = %v", line)
			}
		})
	}
}

// garbage is a codec whose messages nobody can decode.
type garbage struct{}

func (garbage) Marshal(any) ([]byte, error)     { return []byte{0xff, 0xff, 0xff}, nil }
func (garbage) Unmarshal(b []byte, m any) error { return proto.Unmarshal(b, m.(proto.Message)) }
func (garbage) Name() string                    { return "proto" }

// The caller that gives up gets its answer from its own side: what the server made of it is in the log.
func TestCallsThatTheCallerEnds(t *testing.T) {
	t.Parallel()
	for kind, rpc := range rpcs() {
		t.Run(kind+"/cancelled", func(t *testing.T) {
			t.Parallel()
			callThatEnds(t, rpc, codes.Canceled, func(ctx context.Context, reached <-chan struct{}) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				go func() {
					<-reached
					cancel()
				}()
				return ctx, cancel
			})
		})
		t.Run(kind+"/deadline", func(t *testing.T) {
			t.Parallel()
			within := func(patience time.Duration) bool {
				return callThatEnds(t, rpc, codes.DeadlineExceeded, func(ctx context.Context, _ <-chan struct{}) (context.Context, context.CancelFunc) {
					return context.WithTimeout(ctx, patience)
				})
			}
			for patience := 100 * time.Millisecond; !within(patience); patience *= 2 {
				t.Logf("the handler was not reached within %s", patience) // on a machine that is busy enough
			}
		})
	}
}

// callThatEnds makes a call whose handler waits for the end that its caller gives it, and reports whether the handler was reached before that end.
func callThatEnds(
	t *testing.T, rpc rpc, code codes.Code, end func(ctx context.Context, reached <-chan struct{}) (context.Context, context.CancelFunc),
) bool {
	t.Helper()
	b := setup(t, interceptor.RateLimit{})
	reached := make(chan struct{})
	wait := func(ctx context.Context) error {
		close(reached)
		<-ctx.Done()
		return fmt.Errorf("conn closed on %s", leak) // as drivers do, without the context's error
	}
	b.get = func(ctx context.Context, _ *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
		return nil, wait(ctx)
	}
	b.upload = func(s grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
		return wait(s.Context())
	}
	conn := b.Dial(t, b.user(t), "")
	checkHealth(t, conn) // the end is the call's, not the connection's
	ctx, cancel := end(t.Context(), reached)
	defer cancel()
	if got := status.Code(rpc.call(ctx, conn, true)); got != code {
		t.Fatalf("code = %v", got)
	}
	if err := b.Stop(); err != nil { // waits for the handler
		t.Fatal(err)
	}
	select {
	case <-reached:
	default:
		return false
	}
	// At a deadline the client resets the stream, which may arrive before the server's own timer ends.
	line := b.line(t, rpc.name)
	if got := line["code"]; got != code.String() && got != codes.Canceled.String() || line["reason"] != "CALL_ENDED" || line["level"] == "ERROR" {
		t.Errorf("log line = %v", line)
	}
	return true
}
