package interceptor_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
)

// quiet runs a server that ends silent streams.
func quiet(t *testing.T, silence time.Duration) *bundle {
	t.Helper()
	b := &bundle{upload: readAll}
	b.Server = grpcservertest.Start(t, domain, grpcservertest.Options{Silence: silence}, func(s *grpc.Server) {
		driftv1.RegisterBaselineServiceServer(s, baselines{b: b})
	})
	return b
}

func begin(t *testing.T, b *bundle) grpc.ClientStreamingClient[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse] {
	t.Helper()
	stream, err := driftv1.NewBaselineServiceClient(b.Dial(t, b.user(t), "")).UploadBaseline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	header := &driftv1.UploadBaselineRequest{Part: &driftv1.UploadBaselineRequest_Header{Header: &driftv1.UploadBaselineHeader{MonitorId: policyID}}}
	if err := stream.Send(header); err != nil && !errors.Is(err, io.EOF) { // the end may come first: what the caller receives says why
		t.Fatal(err)
	}
	return stream
}

// A caller that says nothing loses the call and what it holds, is told why, and can go on with another; a handler that reads on is told the same again.
func TestSilentStreamEnds(t *testing.T) {
	t.Parallel()
	b := quiet(t, 100*time.Millisecond)
	returned := make(chan struct{})
	b.upload = func(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
		err := readAll(stream)
		if again := stream.RecvMsg(&driftv1.UploadBaselineRequest{}); again == nil || again.Error() != err.Error() {
			t.Errorf("reading on: %v, want %v", again, err)
		}
		close(returned)
		return err
	}
	stream := begin(t, b)
	err := stream.RecvMsg(&driftv1.UploadBaselineResponse{})
	if a := want(t, err, codes.DeadlineExceeded, "CALL_ENDED"); !strings.Contains(a.text, "nothing came for 100ms") {
		t.Errorf("error %q", a.text)
	}
	select {
	case <-returned:
	case <-t.Context().Done():
		t.Error("the handler goes on")
	}
}

// What comes in time is no silence, however long the whole takes; the handler's own time does not count.
func TestStreamThatIsHeardGoesOn(t *testing.T) {
	t.Parallel()
	b := quiet(t, time.Second)
	b.upload = func(stream grpc.ClientStreamingServer[driftv1.UploadBaselineRequest, driftv1.UploadBaselineResponse]) error {
		busy, cancel := context.WithTimeout(stream.Context(), 1500*time.Millisecond)
		defer cancel()
		<-busy.Done()
		return readAll(stream)
	}
	if _, err := begin(t, b).CloseAndRecv(); err != nil {
		t.Errorf("error %v", err)
	}
}
