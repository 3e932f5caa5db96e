package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/aumos-enterprise/platform/pkg/auth"
)

func publishedKeys(t *testing.T, url string) jose.JSONWebKeySet {
	t.Helper()
	resp, err := http.Get(url + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	return set
}

// fakeIssuer publishes any keys, counts how often they are read and can be down.
type fakeIssuer struct {
	url      string
	lifetime time.Duration
	key      any
	reads    atomic.Int64
	down     atomic.Bool
}

func newFakeIssuer(t *testing.T, keys ...jose.JSONWebKey) *fakeIssuer {
	t.Helper()
	f := &fakeIssuer{lifetime: time.Hour}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case f.down.Load():
			http.Error(w, "down", http.StatusBadGateway)
		case r.URL.Path == "/keys":
			f.reads.Add(1)
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: keys})
		default:
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": f.url, "jwks_uri": f.url + "/keys"})
		}
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func newFakeIssuerWithKey(t *testing.T) *fakeIssuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := newFakeIssuer(t, jose.JSONWebKey{Key: key.Public(), KeyID: "k"})
	f.key = jose.JSONWebKey{Key: key, KeyID: "k"}
	return f
}

func (f *fakeIssuer) verifier(t *testing.T) *auth.Verifier {
	t.Helper()
	v, err := auth.NewVerifier(t.Context(), auth.Config{Issuer: f.url, Audience: "aumos"})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (f *fakeIssuer) token(t *testing.T) string {
	t.Helper()
	return f.tokenAt(t, time.Now())
}

func (f *fakeIssuer) tokenAt(t *testing.T, now time.Time) string {
	t.Helper()
	return f.signWith(t, now, jose.SigningKey{Algorithm: jose.ES256, Key: f.key}, nil)
}

func (f *fakeIssuer) sign(t *testing.T, alg jose.SignatureAlgorithm, key any) string {
	t.Helper()
	return f.signWith(t, time.Now(), jose.SigningKey{Algorithm: alg, Key: key}, nil)
}

func (f *fakeIssuer) signWith(t *testing.T, now time.Time, key jose.SigningKey, options *jose.SignerOptions) string {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"iss": f.url, "aud": "aumos", "sub": "alice", "exp": now.Add(f.lifetime).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
