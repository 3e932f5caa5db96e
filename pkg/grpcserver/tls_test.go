package grpcserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// authority signs certificates for loopback.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

type files struct{ authority, cert, key string }

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a *authority) files(t *testing.T, name string) files {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := files{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	for path, content := range map[string][]byte{
		f.authority: a.pem, f.cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		f.key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	server, user, stranger := ours.files(t, "server"), ours.files(t, "client"), theirs.files(t, "stranger")
	id, err := tenant.Parse(tenantID)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		mutual bool
		client grpcclient.TLS
		plain  bool
		want   codes.Code
	}{
		"trusted server":                    {false, grpcclient.TLS{CAFile: ours.write(t)}, false, codes.OK},
		"server of another authority":       {false, grpcclient.TLS{CAFile: theirs.write(t)}, false, codes.Unavailable},
		"server of no known authority":      {false, grpcclient.TLS{}, false, codes.Unavailable},
		"server under another name":         {false, grpcclient.TLS{CAFile: ours.write(t), ServerName: "governance"}, false, codes.Unavailable},
		"plaintext client":                  {false, grpcclient.TLS{}, true, codes.Unavailable},
		"mutual":                            {true, grpcclient.TLS{CAFile: ours.write(t), CertFile: user.cert, KeyFile: user.key}, false, codes.OK},
		"mutual, no client certificate":     {true, grpcclient.TLS{CAFile: ours.write(t)}, false, codes.Unavailable},
		"mutual, certificate of a stranger": {true, grpcclient.TLS{CAFile: ours.write(t), CertFile: stranger.cert, KeyFile: stranger.key}, false, codes.Unavailable},
		"mutual, plaintext client":          {true, grpcclient.TLS{}, true, codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := grpcserver.Config{TLS: grpcserver.TLS{CertFile: server.cert, KeyFile: server.key}}
			if tc.mutual {
				cfg.TLS.ClientCAFile = server.authority
			}
			s := start(t, grpcservertest.Options{Server: cfg}, policies{})
			conn, err := grpcclient.Dial(grpcclient.Config{
				Target: s.Addr(), TLS: tc.client, Plaintext: tc.plain,
				TokenSource: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: s.Issuer.Token(t, "alice", id, auth.RoleViewer)}),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if got := status.Code(get(t.Context(), governancev1.NewPolicyServiceClient(conn))); got != tc.want {
				t.Errorf("code = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestTLSVersion(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	server := ours.files(t, "server")
	s := start(t, grpcservertest.Options{Server: grpcserver.Config{TLS: grpcserver.TLS{CertFile: server.cert, KeyFile: server.key}}}, policies{})
	roots := x509.NewCertPool()
	roots.AddCert(ours.cert)
	for version, ok := range map[uint16]bool{tls.VersionTLS12: false, tls.VersionTLS13: true} {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, MaxVersion: version, NextProtos: []string{"h2"}}}
		conn, err := dialer.DialContext(t.Context(), "tcp", s.Addr())
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func (a *authority) write(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, a.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
