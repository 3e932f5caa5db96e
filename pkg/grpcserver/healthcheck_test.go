package grpcserver_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
)

// startProbed starts a server whose one probe answers with err, and waits until the answer counts.
func startProbed(t *testing.T, err error) *grpcservertest.Server {
	t.Helper()
	calls := make(chan struct{})
	s := start(t, grpcservertest.Options{Setup: func(s *grpcserver.Server) {
		s.AddProbe("database", func(ctx context.Context) error {
			select {
			case calls <- struct{}{}:
			case <-ctx.Done():
			}
			return err
		})
	}}, policies{})
	<-calls
	<-calls // the second round begins when the first one has been noted
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-calls:
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() { close(done) })
	return s
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	well, ill := startProbed(t, nil), startProbed(t, errors.New("it is gone"))
	_, port, err := net.SplitHostPort(well.AdminAddr())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, admin, want string }{
		{"ready", well.AdminAddr(), ""},
		{"any address of the machine", "0.0.0.0:" + port, ""},
		{"no host", ":" + port, ""},
		{"a probe fails", ill.AdminAddr(), "the service is not ready: database: it is gone"},
		{"no address", "localhost", "read admin address"},
		{"nobody answers", "127.0.0.1:1", "ask for readiness"},
	} {
		err := grpcserver.Healthcheck(t.Context(), grpcserver.Config{AdminListen: c.admin})
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
