package interceptor_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
)

type watchStream = grpc.ServerStreamingServer[governancev1.WatchEntriesResponse]

// watched is a service whose watch the test writes.
type watched struct {
	governancev1.UnimplementedAuditServiceServer
	watch func(watchStream) error
}

func (s watched) WatchEntries(_ *governancev1.WatchEntriesRequest, stream watchStream) error {
	return s.watch(stream)
}

// expiring runs a server whose streams end so long before the token expires that it returns: after about a second, or at once where it takes longer to begin.
func expiring(t *testing.T, watch func(watchStream) error) (b *bundle, token string) {
	t.Helper()
	const lifetime = time.Hour
	b = &bundle{upload: readAll}
	b.Server = grpcservertest.Start(t, domain, grpcservertest.Options{Leeway: time.Second - lifetime}, func(s *grpc.Server) {
		governancev1.RegisterAuditServiceServer(s, watched{watch: watch})
		driftv1.RegisterBaselineServiceServer(s, baselines{b: b})
	})
	return b, b.Issuer.Sign(t, map[string]any{
		"sub": "ann", "tenant_id": tenantA, "roles": []auth.Role{auth.RoleAuditor, auth.RoleMLEngineer}, "exp": time.Now().Add(lifetime).Unix(),
	})
}

func beginWatch(t *testing.T, b *bundle, token string) grpc.ServerStreamingClient[governancev1.WatchEntriesResponse] {
	t.Helper()
	stream, err := governancev1.NewAuditServiceClient(b.Dial(t, token, "")).WatchEntries(t.Context(), &governancev1.WatchEntriesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func wide() *governancev1.WatchEntriesResponse {
	return &governancev1.WatchEntriesResponse{Event: &governancev1.WatchEntriesResponse_Entry{Entry: &governancev1.LogEntry{Entry: &governancev1.AuditEntry{
		Details: &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewStringValue(string(make([]byte, 1<<16)))}},
	}}}}
}

// A stream ends with its token, whatever its handler makes of that, and its caller is told what to do.
func TestStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	for name, watch := range map[string]func(watchStream) error{
		"waiting": func(stream watchStream) error {
			<-stream.Context().Done()
			return context.Cause(stream.Context())
		},
		"failing": func(stream watchStream) error {
			<-stream.Context().Done()
			return errors.New("read: the query was cancelled")
		},
		"sending": func(stream watchStream) error {
			for {
				if err := stream.Send(&governancev1.WatchEntriesResponse{}); err != nil {
					return err
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, token := expiring(t, watch)
			stream := beginWatch(t, b, token)
			var err error
			for err == nil {
				_, err = stream.Recv()
			}
			want(t, err, codes.Unauthenticated, "TOKEN_EXPIRED")
			if line := b.line(t, "WatchEntries"); line["level"] != "INFO" || line["reason"] != "TOKEN_EXPIRED" || line["principal"] != "ann" {
				t.Errorf("log line = %v", line)
			}
		})
	}
}

// A caller who does not read keeps neither the stream nor what its handler holds.
func TestUnreadStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	returned := make(chan error, 1)
	b, token := expiring(t, func(stream watchStream) error {
		for {
			if err := stream.Send(wide()); err != nil {
				returned <- err
				return err
			}
		}
	})
	stream := beginWatch(t, b, token)
	if err := <-returned; errs.ReasonOf(err) != errs.ReasonTokenExpired {
		t.Errorf("the handler was told %v", err)
	}
	var err error
	for err == nil {
		_, err = stream.Recv()
	}
	want(t, err, codes.Unauthenticated, "TOKEN_EXPIRED")
}

// What a handler says of a stream whose token is good is the answer, and a stream that ends well ends well.
func TestStreamBeforeItsTokenExpires(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		code   codes.Code
		reason string
	}{
		"fails":     {errs.Down("the wall", nil), codes.Unavailable, "UNAVAILABLE"},
		"a defect":  {errors.New("x"), codes.Internal, "INTERNAL"},
		"is at end": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bundle{}
			b.Server = grpcservertest.Start(t, domain, grpcservertest.Options{}, func(s *grpc.Server) {
				governancev1.RegisterAuditServiceServer(s, watched{watch: func(stream watchStream) error {
					if err := stream.Send(&governancev1.WatchEntriesResponse{}); err != nil {
						return err
					}
					return c.err
				}})
			})
			stream := beginWatch(t, b, b.Issuer.Token(t, "ann", parse(t, tenantA), auth.RoleAuditor))
			if _, err := stream.Recv(); err != nil {
				t.Fatal(err)
			}
			_, err := stream.Recv()
			if c.err == nil {
				if !isEOF(err) {
					t.Error(err)
				}
				return
			}
			want(t, err, c.code, c.reason)
		})
	}
}

// An upload is one request, however long it takes: it is judged by its token when it begins.
func TestUploadOutlastsItsToken(t *testing.T) {
	t.Parallel()
	b, token := expiring(t, func(stream watchStream) error {
		<-stream.Context().Done()
		return context.Cause(stream.Context())
	})
	upload, err := driftv1.NewBaselineServiceClient(b.Dial(t, token, "")).UploadBaseline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	header := &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: &driftv1.UploadBaselineHeader{MonitorId: policyID}}}
	if err := upload.Send(header); err != nil {
		t.Fatal(err)
	}
	_, err = beginWatch(t, b, token).Recv() // comes when the token has expired
	want(t, err, codes.Unauthenticated, "TOKEN_EXPIRED")
	if _, err := upload.CloseAndRecv(); err != nil {
		t.Error(err)
	}
}
