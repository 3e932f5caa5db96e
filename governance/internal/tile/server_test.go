package tile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// newServer returns a server that is not run yet, without a wall: enough for what ends before one is asked.
func newServer(t *testing.T, issuer *authtest.Issuer, cfg grpcserver.Config) *Server {
	t.Helper()
	registry, log := telemetry.NewRegistry("test"), slog.New(slog.DiscardHandler)
	chain, err := interceptor.NewChain(interceptor.Config{Log: log, Registry: registry, Verifier: issuer.Verifier(t), Domain: "test.aumos"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Listen: "127.0.0.1:0"}, Deps{Chain: chain, Log: log, Registry: registry, GRPC: cfg})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request is one for something that no log has, which is only found out once the request has its place.
func request(t *testing.T, issuer *authtest.Issuer, base string) *http.Request {
	t.Helper()
	id := tenant.ID(uuid.New())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/"+id.String()+"/nothing", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+issuer.Token(t, "ann", id, auth.RoleAuditor))
	return r
}

// The server has the gRPC port's certificate, speaks HTTP/2 and does not answer without TLS.
func TestTLS(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	model := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(model.Close)
	key, err := x509.MarshalPKCS8PrivateKey(model.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	files := grpcserver.TLS{CertFile: filepath.Join(t.TempDir(), "cert"), KeyFile: filepath.Join(t.TempDir(), "key")}
	for file, block := range map[string]*pem.Block{
		files.CertFile: {Type: "CERTIFICATE", Bytes: model.Certificate().Raw}, files.KeyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newServer(t, issuer, grpcserver.Config{TLS: files})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()

	roots := x509.NewCertPool()
	roots.AddCert(model.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	response, err := transport.RoundTrip(request(t, issuer, "https://"+s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNotFound || response.ProtoMajor != 2 || response.TLS.Version != tls.VersionTLS13 {
		t.Errorf("got %s over %s", response.Status, response.Proto)
	}
	plain := request(t, issuer, "http://"+s.Addr())
	plain.Header.Del("Authorization")
	if response, err := http.DefaultTransport.RoundTrip(plain); err == nil {
		_ = response.Body.Close()
		if response.StatusCode != http.StatusBadRequest { // what net/http says to those who speak HTTP to a TLS port
			t.Errorf("without TLS: %s", response.Status)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	if _, err := New(Config{Listen: "127.0.0.1:0"}, Deps{Registry: telemetry.NewRegistry("test"), GRPC: grpcserver.Config{TLS: grpcserver.TLS{CertFile: files.CertFile}}}); err == nil {
		t.Error("a server was made with a certificate and no key")
	}
}

// busy runs a server whose places are all taken, sends a request and returns once the server has accepted it.
func busy(t *testing.T, cfg grpcserver.Config) (s *Server, h *handler, stop func() error, answer <-chan int) {
	t.Helper()
	issuer := authtest.Start(t)
	s = newServer(t, issuer, cfg)
	h = &handler{slots: make(chan struct{}, 1), timeout: requestTimeout}
	h.slots <- struct{}{}
	reached := make(chan struct{})
	s.HTTP.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(reached)
		if err := h.serve(w, r); err != nil {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	answers := make(chan int, 1)
	r := request(t, issuer, "http://"+s.Addr())
	go func() {
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			answers <- 0
			return
		}
		_ = response.Body.Close()
		answers <- response.StatusCode
	}()
	<-reached
	return s, h, func() error { cancel(); return <-done }, answers
}

// At stop, the port closes and a request under way ends.
func TestStopWaits(t *testing.T) {
	t.Parallel()
	s, h, stop, answer := busy(t, grpcserver.Config{})
	done := make(chan error, 1)
	go func() { done <- stop() }()
	var dialer net.Dialer
	for { // until the stop has begun
		conn, err := dialer.DialContext(t.Context(), "tcp", s.Addr())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	select {
	case err := <-done:
		t.Errorf("the server has stopped before the request ended: %v", err)
	default:
	}
	<-h.slots
	if code := <-answer; code != http.StatusTeapot {
		t.Errorf("the request got %d", code)
	}
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
}

// A request that does not end in time is cut.
func TestStopCuts(t *testing.T) {
	t.Parallel()
	_, _, stop, answer := busy(t, grpcserver.Config{StopTimeout: time.Millisecond, DrainDelay: time.Millisecond})
	if err := stop(); err != nil {
		t.Errorf("run: %v", err)
	}
	if code := <-answer; code != 0 {
		t.Errorf("the request got %d", code)
	}
}

// A port that fails is an error.
func TestRunReportsFailure(t *testing.T) {
	t.Parallel()
	s := newServer(t, authtest.Start(t), grpcserver.Config{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// The chain's limits hold before a log is asked: no wall is reached without a token.
func TestNoToken(t *testing.T) {
	t.Parallel()
	s := newServer(t, authtest.Start(t), grpcserver.Config{})
	t.Cleanup(func() { _ = s.Close() })
	recorder := httptest.NewRecorder()
	s.HTTP.Handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+uuid.NewString()+"/checkpoint", http.NoBody))
	body, err := io.ReadAll(recorder.Result().Body)
	if err != nil || recorder.Code != http.StatusUnauthorized {
		t.Errorf("got %d, %s, %v", recorder.Code, body, err)
	}
}

// A request that finds no place is told to come again; one whose caller has gone is not counted as too many.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	h := &handler{slots: make(chan struct{}), timeout: time.Millisecond}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x/checkpoint", http.NoBody)
	if err := h.serve(httptest.NewRecorder(), r); !errors.Is(err, errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "")) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.serve(httptest.NewRecorder(), r.WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBundleRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	if body, err := bundle([][]byte{make([]byte, 1<<16)}); err == nil {
		t.Errorf("got %d bytes", len(body))
	}
	body, err := bundle([][]byte{{}, {7}, make([]byte, 1<<16-1)})
	if err != nil || len(body) != 3*2+1+1<<16-1 || string(body[:6]) != "\x00\x00\x00\x01\x07\xff" {
		t.Errorf("got %d bytes, %x, %v", len(body), body[:6], err)
	}
}
