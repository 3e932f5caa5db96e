package auth_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// clock is a time that tests move.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) forward(d time.Duration) { c.offset.Add(int64(d)) }
func (c *clock) set(v *auth.Verifier)    { v.SetClock(c.now) }
func down(err error) bool {
	return errors.Is(err, errs.New(errs.Unavailable, errs.ReasonUnavailable, ""))
}

func verify(t *testing.T, v *auth.Verifier, token string) error {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	return err
}

func TestVerifiedTokensAreRememberedUntilTheyExpire(t *testing.T) {
	t.Parallel()
	issuer := newFakeIssuerWithKey(t)
	v, c := issuer.verifier(t), &clock{}
	c.set(v)
	token := issuer.token(t)
	for range 3 {
		if err := verify(t, v, token); err != nil {
			t.Fatal(err)
		}
	}
	if n := issuer.reads.Load(); n != 1 {
		t.Errorf("the keys were read %d times", n)
	}
	if n := v.CacheLen(); n != 1 {
		t.Errorf("%d tokens are remembered", n)
	}
	c.forward(issuer.lifetime + time.Second)
	refused(t, v, token)
	if n := v.CacheLen(); n != 0 {
		t.Error("an expired token is still remembered")
	}
	refused(t, v, token)
}

func TestTokenCacheIsBounded(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	v, err := auth.NewVerifier(t.Context(), auth.Config{Issuer: issuer.URL(), Audience: issuer.Audience(), CacheSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := verify(t, v, issuer.Sign(t, map[string]any{"sub": "alice"})); err != nil {
			t.Fatal(err)
		}
	}
	if n := v.CacheLen(); n != 2 {
		t.Errorf("%d tokens are remembered, want 2", n)
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	v, c := issuer.Verifier(t), &clock{}
	c.set(v)
	old := issuer.Token(t, "alice", parse(t, tenantID))
	if err := verify(t, v, old); err != nil {
		t.Fatal(err)
	}
	if err := issuer.Rotate(true); err != nil {
		t.Fatal(err)
	}
	c.forward(11 * time.Second)
	if err := verify(t, v, issuer.Token(t, "alice", parse(t, tenantID))); err != nil {
		t.Errorf("a token of the new key: %v", err)
	}
	if err := verify(t, v, old); err != nil {
		t.Errorf("a token of the old key, still published: %v", err)
	}
	if err := issuer.Rotate(false); err != nil {
		t.Fatal(err)
	}
	c.forward(11 * time.Second)
	if err := verify(t, v, issuer.Token(t, "alice", parse(t, tenantID))); err != nil {
		t.Errorf("a token of the newest key: %v", err)
	}
	// Remembered, but its key was seen to be withdrawn.
	refused(t, v, old)
}

func TestWithdrawnKeysAreNoticedByAge(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	v, c := issuer.Verifier(t), &clock{}
	c.set(v)
	claims := map[string]any{"sub": "alice", "exp": time.Now().Add(24 * time.Hour).Unix()}
	stolen, another := issuer.Sign(t, claims), issuer.Sign(t, claims)
	if err := verify(t, v, stolen); err != nil {
		t.Fatal(err)
	}
	if err := issuer.Rotate(false); err != nil {
		t.Fatal(err)
	}
	c.forward(16 * time.Minute)
	refused(t, v, another)
	refused(t, v, stolen)
}

func TestUnknownKeyIDsDoNotStormTheIssuer(t *testing.T) {
	t.Parallel()
	issuer := newFakeIssuerWithKey(t)
	v, c := issuer.verifier(t), &clock{}
	c.set(v)
	if err := verify(t, v, issuer.token(t)); err != nil {
		t.Fatal(err)
	}
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.forward(time.Minute)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 5 {
				refused(t, v, issuer.sign(t, jose.ES256, jose.JSONWebKey{Key: foreign, KeyID: rand.Text()}))
			}
		})
	}
	wait.Wait()
	if n := issuer.reads.Load(); n != 2 {
		t.Errorf("a hundred unknown key ids made %d reads of the keys, want the first and one more", n)
	}
	// A bad signature under a known key id asks nobody.
	c.forward(time.Minute)
	refused(t, v, issuer.sign(t, jose.ES256, jose.JSONWebKey{Key: foreign, KeyID: "k"}))
	if n := issuer.reads.Load(); n != 2 {
		t.Errorf("a bad signature made the keys be read again: %d", n)
	}
}

func TestIssuerDown(t *testing.T) {
	t.Parallel()
	issuer := newFakeIssuerWithKey(t)
	v, c := issuer.verifier(t), &clock{}
	c.set(v)
	token := issuer.token(t)

	issuer.down.Store(true)
	if err := v.Ready(t.Context()); !down(err) {
		t.Errorf("Ready() with the issuer down = %v", err)
	}
	if err := verify(t, v, token); !down(err) {
		t.Errorf("Verify() with the issuer down = %v: it is not the caller's fault", err)
	}
	refused(t, v, "x.y.z") // still the caller's fault
	issuer.down.Store(false)
	c.forward(2 * time.Second)
	if err := v.Ready(t.Context()); err != nil {
		t.Errorf("Ready() after the issuer came up = %v", err)
	}
	if err := verify(t, v, token); err != nil {
		t.Errorf("Verify() after the issuer came up = %v", err)
	}

	issuer.down.Store(true)
	c.forward(20 * time.Minute)
	if err := v.Ready(t.Context()); err != nil {
		t.Errorf("Ready() with known keys = %v", err)
	}
	if err := verify(t, v, issuer.tokenAt(t, c.now())); err != nil {
		t.Errorf("Verify() by a known key with the issuer down = %v", err)
	}
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.forward(2 * time.Second)
	if err := verify(t, v, issuer.sign(t, jose.ES256, jose.JSONWebKey{Key: foreign, KeyID: "perhaps new"})); !down(err) {
		t.Errorf("Verify() by an unknown key with the issuer down = %v: it may be a new one", err)
	}
}

func TestIssuerAnswersNonsense(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	token := issuer.Token(t, "alice", parse(t, tenantID))
	jwk, err := publishedKeys(t, issuer.URL()).Keys[0].MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"error": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "secret-host: boom", http.StatusInternalServerError)
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"another issuer": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":"https://x","jwks_uri":"https://x/k"}`))
		},
		"an endless body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":"http://` + r.Host + `","jwks_uri":"http://` + r.Host + `/keys","keys":[` + string(jwk) + `]}`))
			_, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20))
		},
		"no jwks_uri": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":"http://` + r.Host + `"}`))
		},
		"no keys": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":"http://` + r.Host + `","jwks_uri":"http://` + r.Host + `/keys","keys":[]}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(answer)
			defer server.Close()
			v, err := auth.NewVerifier(t.Context(), auth.Config{Issuer: server.URL, Audience: "aumos"})
			if err != nil {
				t.Fatal(err)
			}
			err = verify(t, v, token)
			var public *errs.Error
			if !down(err) || !errors.As(err, &public) || strings.Contains(public.Message, "secret-host") {
				t.Errorf("Verify() = %v", err)
			}
			if err := v.Ready(t.Context()); err == nil {
				t.Error("ready without keys")
			}
		})
	}
}

func TestVerifyEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	defer server.Close()
	defer close(release)
	v, err := auth.NewVerifier(t.Context(), auth.Config{Issuer: server.URL, Audience: "aumos", Client: &http.Client{}})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() { _ = v.Ready(context.WithoutCancel(t.Context())) })
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Ready(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Ready() of a caller that has gone = %v", err)
	}
	server.CloseClientConnections()
}
