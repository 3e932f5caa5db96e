package auth_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const tenantID = "0198c0de-0000-7000-8000-000000000001"

func parse(t testing.TB, s string) tenant.ID {
	t.Helper()
	id, err := tenant.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestVerify(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	verifier := issuer.Verifier(t)
	for name, tc := range map[string]struct {
		claims map[string]any
		want   auth.Principal
	}{
		"user": {
			map[string]any{"sub": "alice", "tenant_id": tenantID, "roles": []string{"viewer", "policy-author"}},
			auth.Principal{Subject: "alice", Kind: auth.KindUser, Tenant: parse(t, tenantID), Roles: []auth.Role{auth.RoleViewer, auth.RolePolicyAuthor}},
		},
		"service": {
			map[string]any{"sub": "drift", "roles": []string{"service"}},
			auth.Principal{Subject: "drift", Kind: auth.KindService, Roles: []auth.Role{auth.RoleService}},
		},
		"foreign and repeated roles grant nothing more": {
			map[string]any{"sub": "bob", "roles": []string{"offline_access", "viewer", "viewer", "root"}},
			auth.Principal{Subject: "bob", Kind: auth.KindUser, Roles: []auth.Role{auth.RoleViewer}},
		},
		"no roles":           {map[string]any{"sub": "bob"}, auth.Principal{Subject: "bob", Kind: auth.KindUser}},
		"null claims":        {map[string]any{"sub": "bob", "tenant_id": json.RawMessage("null"), "roles": json.RawMessage("null")}, auth.Principal{Subject: "bob", Kind: auth.KindUser}},
		"several audiences":  {map[string]any{"sub": "bob", "aud": []string{"other", "aumos"}}, auth.Principal{Subject: "bob", Kind: auth.KindUser}},
		"clock a bit behind": {map[string]any{"sub": "bob", "nbf": time.Now().Add(20 * time.Second).Unix(), "iat": time.Now().Add(20 * time.Second).Unix()}, auth.Principal{Subject: "bob", Kind: auth.KindUser}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := issuer.Sign(t, tc.claims)
			for _, pass := range []string{"fresh", "cached"} {
				got, err := verifier.Verify(t.Context(), token)
				if err != nil {
					t.Fatal(pass, err)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(pass, diff)
				}
			}
		})
	}
}

func TestVerifyRefusesClaims(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	verifier := issuer.Verifier(t)
	for name, claims := range map[string]map[string]any{
		"wrong audience":          {"aud": "other"},
		"no audience":             {"aud": nil},
		"wrong issuer":            {"iss": "https://evil.example"},
		"issuer with a slash":     {"iss": issuer.URL() + "/"},
		"no issuer":               {"iss": nil},
		"expired":                 {"exp": time.Now().Add(-time.Second).Unix()},
		"no expiry":               {"exp": nil},
		"nbf in the future":       {"nbf": time.Now().Add(time.Minute).Unix()},
		"iat in the future":       {"iat": time.Now().Add(time.Minute).Unix()},
		"nbf as text":             {"nbf": "soon"},
		"no subject":              {"sub": nil},
		"empty subject":           {"sub": ""},
		"subject is no string":    {"sub": 7},
		"long subject":            {"sub": strings.Repeat("a", 256)},
		"subject with a newline":  {"sub": "a\nb"},
		"over 16 KiB":             {"padding": strings.Repeat("a", 16<<10)},
		"tenant is no UUID":       {"tenant_id": "acme"},
		"tenant is empty":         {"tenant_id": ""},
		"tenant is the nil UUID":  {"tenant_id": "00000000-0000-0000-0000-000000000000"},
		"tenant in another form":  {"tenant_id": "urn:uuid:" + tenantID},
		"tenants are a list":      {"tenant_id": []string{tenantID}},
		"tenant is an object":     {"tenant_id": map[string]any{"id": tenantID}},
		"roles are a string":      {"roles": "admin"},
		"roles are numbers":       {"roles": []int{1}},
		"expiry twice by case":    {"exp": time.Now().Add(-time.Hour).Unix(), "EXP": time.Now().Add(time.Hour).Unix()},
		"tenant in capitals":      {"Tenant_ID": tenantID},
		"subject with a long s":   {"\u017fub": "admin"},
		"distributed claim's end": {"_claim_names": map[string]any{"roles": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := map[string]any{"sub": "alice", "tenant_id": tenantID, "roles": []string{"admin"}}
			maps.Copy(all, claims)
			refused(t, verifier, issuer.Sign(t, all))
		})
	}
	if n := verifier.CacheLen(); n != 0 {
		t.Errorf("%d refused tokens are remembered", n)
	}
}

// refused checks that the token is INVALID_TOKEN and that the client would learn nothing of why.
func refused(t *testing.T, v *auth.Verifier, token string) {
	t.Helper()
	p, err := v.Verify(t.Context(), token)
	if err == nil {
		t.Fatalf("accepted as %+v", p)
	}
	var public *errs.Error
	if !errors.As(err, &public) || public.Kind != errs.Unauthenticated || public.Reason != errs.ReasonInvalidToken {
		t.Fatalf("error = %v", err)
	}
	if public.Message != "the bearer token is missing or does not verify" || len(public.Metadata)+len(public.Violations) > 0 {
		t.Errorf("the client learns more than that the token is invalid: %+v", public)
	}
	if public.Cause == nil {
		t.Error("the log learns nothing")
	}
	if token != "" && strings.Contains(err.Error(), token) {
		t.Error("the log would hold the token")
	}
}

// forge assembles a token from parts.
func forge(header map[string]any, payload []byte, sign func(input []byte) []byte) string {
	h, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	input := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(input)))
}

func TestVerifyRefusesForgeries(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	verifier := issuer.Verifier(t)
	good := issuer.Sign(t, map[string]any{"sub": "alice", "tenant_id": tenantID, "roles": []string{"admin"}})
	if _, err := verifier.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	published := publishedKeys(t, issuer.URL())
	key := published.Keys[0]
	der, err := x509.MarshalPKIXPublicKey(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := key.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, foreignEd, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreignRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(secret []byte) func([]byte) []byte {
		return func(in []byte) []byte {
			h := hmac.New(sha256.New, secret)
			h.Write(in)
			return h.Sum(nil)
		}
	}
	none := func([]byte) []byte { return nil }
	with := func(alg string) map[string]any { return map[string]any{"alg": alg, "kid": key.KeyID, "typ": "JWT"} }
	signed := func(alg jose.SignatureAlgorithm, private any, kid string, opts *jose.SignerOptions) string {
		t.Helper()
		signing := private
		if kid != "" {
			signing = jose.JSONWebKey{Key: private, KeyID: kid}
		}
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: signing}, opts)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := s.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		out, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	embedded := &jose.SignerOptions{EmbedJWK: true}
	for name, token := range map[string]string{
		"empty":                          "",
		"garbage":                        "x",
		"two dots":                       "..",
		"alg none":                       forge(with("none"), payload, none),
		"alg None":                       forge(with("None"), payload, none),
		"alg none, old signature":        forge(with("none"), payload, func([]byte) []byte { return []byte("x") }),
		"HS256 by the public PEM":        forge(with("HS256"), payload, mac(keyPEM)),
		"HS256 by the public DER":        forge(with("HS256"), payload, mac(der)),
		"HS256 by the public JWK":        forge(with("HS256"), payload, mac(jwk)),
		"ES256 header over an HMAC":      forge(with("ES256"), payload, mac(keyPEM)),
		"no signature":                   parts[0] + "." + parts[1] + ".",
		"signature of zeros":             forge(with("ES256"), payload, func([]byte) []byte { return make([]byte, 64) }),
		"other payload":                  parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), "alice", "mallory", 1))) + "." + parts[2],
		"foreign key, issuer's kid":      signed(jose.ES256, foreign, key.KeyID, nil),
		"foreign key, own kid":           signed(jose.ES256, foreign, "mine", nil),
		"foreign RSA key, issuer's kid":  signed(jose.RS256, foreignRSA, key.KeyID, nil),
		"foreign Ed25519 key":            signed(jose.EdDSA, foreignEd, key.KeyID, nil),
		"foreign key in the header":      signed(jose.ES256, foreign, key.KeyID, embedded),
		"no kid":                         signed(jose.ES256, foreign, "", nil),
		"PS256, outside the allow-list":  signed(jose.PS256, foreignRSA, key.KeyID, nil),
		"made for logout":                signed(jose.ES256, foreign, key.KeyID, (&jose.SignerOptions{}).WithType("logout+jwt")),
		"an unknown critical header":     forge(map[string]any{"alg": "ES256", "kid": key.KeyID, "crit": []string{"x"}, "x": 1}, payload, none),
		"JSON serialization":             `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"the good one in spaces":         " " + good + " ",
		"the good one and a dot":         good + ".",
		"the good one with scheme":       "Bearer " + good,
		"over 16 KiB":                    good + strings.Repeat("A", 16<<10),
		"five parts, an encrypted token": "a.b.c.d.e",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, verifier, token)
		})
	}
}

// A token that the right key signed is refused when it names no key: which one it was would be guessed.
func TestVerifyRefusesTokensWithoutKeyID(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := newFakeIssuer(t, jose.JSONWebKey{Key: key.Public(), KeyID: "k"})
	refused(t, issuer.verifier(t), issuer.sign(t, jose.ES256, key))
	if _, err := issuer.verifier(t).Verify(t.Context(), issuer.sign(t, jose.ES256, jose.JSONWebKey{Key: key, KeyID: "k"})); err != nil {
		t.Errorf("the same with the key's id: %v", err)
	}
}

// What the issuer signed for another purpose is no access token.
func TestVerifyRefusesTokensOfOtherTypes(t *testing.T) {
	t.Parallel()
	issuer := newFakeIssuerWithKey(t)
	v := issuer.verifier(t)
	for typ, ok := range map[string]bool{
		"JWT": true, "jwt": true, "at+jwt": true, "application/at+jwt": true, "": true, "logout+jwt": false, "dpop+jwt": false, "JOSE": false,
	} {
		token := issuer.signWith(t, time.Now(), jose.SigningKey{Algorithm: jose.ES256, Key: issuer.key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
		if !ok {
			refused(t, v, token)
			continue
		}
		if err := verify(t, v, token); err != nil {
			t.Errorf("%q: %v", typ, err)
		}
	}
}

func TestVerifyTakesTheAllowedAlgorithms(t *testing.T) {
	t.Parallel()
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	shortKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := newFakeIssuer(t,
		jose.JSONWebKey{Key: ecKey.Public(), KeyID: "ec"},
		jose.JSONWebKey{Key: edPublic, KeyID: "ed", Use: "sig"},
		jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "rsa", Algorithm: "RS256"},
		jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "declared-for-another", Algorithm: "PS256"},
		jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "for-encryption", Use: "enc"},
		jose.JSONWebKey{Key: shortKey.Public(), KeyID: "short"},
		jose.JSONWebKey{Key: p384.Public(), KeyID: "p384"},
	)
	for _, tc := range []struct {
		kid string
		alg jose.SignatureAlgorithm
		key any
		ok  bool
	}{
		{"ec", jose.ES256, ecKey, true},
		{"ed", jose.EdDSA, edKey, true},
		{"rsa", jose.RS256, rsaKey, true},
		{"rsa", jose.RS512, rsaKey, false},
		{"rsa", jose.PS256, rsaKey, false},
		{"declared-for-another", jose.RS256, rsaKey, false},
		{"for-encryption", jose.RS256, rsaKey, false},
		{"short", jose.RS256, shortKey, false},
		{"p384", jose.ES384, p384, false},
	} {
		token := issuer.sign(t, tc.alg, jose.JSONWebKey{Key: tc.key, KeyID: tc.kid})
		if !tc.ok {
			refused(t, issuer.verifier(t), token)
			continue
		}
		if _, err := issuer.verifier(t).Verify(t.Context(), token); err != nil {
			t.Errorf("%s by %s: %v", tc.alg, tc.kid, err)
		}
	}
}

func TestRolesClaim(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	for name, tc := range map[string]struct {
		path   string
		claims map[string]any
		want   []auth.Role
		bad    bool
	}{
		"keycloak realm":     {"realm_access.roles", map[string]any{"realm_access": map[string]any{"roles": []string{"viewer"}}}, []auth.Role{auth.RoleViewer}, false},
		"keycloak client":    {"resource_access.aumos.roles", map[string]any{"resource_access": map[string]any{"aumos": map[string]any{"roles": []string{"admin"}}}}, []auth.Role{auth.RoleAdmin}, false},
		"name with dots":     {"https://aumos.example/roles", map[string]any{"https://aumos.example/roles": []string{"auditor"}}, []auth.Role{auth.RoleAuditor}, false},
		"path is absent":     {"realm_access.roles", map[string]any{}, nil, false},
		"end is absent":      {"realm_access.roles", map[string]any{"realm_access": map[string]any{}}, nil, false},
		"default is ignored": {"realm_access.roles", map[string]any{"roles": []string{"admin"}}, nil, false},
		"middle is a list":   {"realm_access.roles", map[string]any{"realm_access": []string{"roles"}}, nil, true},
		"end is an object":   {"realm_access", map[string]any{"realm_access": map[string]any{"roles": []string{"admin"}}}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := auth.NewVerifier(t.Context(), auth.Config{Issuer: issuer.URL(), Audience: issuer.Audience(), RolesClaim: tc.path})
			if err != nil {
				t.Fatal(err)
			}
			claims := map[string]any{"sub": "alice"}
			maps.Copy(claims, tc.claims)
			token := issuer.Sign(t, claims)
			if tc.bad {
				refused(t, v, token)
				return
			}
			got, err := v.Verify(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.Roles); diff != "" {
				t.Error(diff)
			}
		})
	}
}

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

func TestNewVerifierRefuses(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]auth.Config{
		"no issuer":      {Audience: "aumos"},
		"no audience":    {Issuer: "https://issuer"},
		"no URL":         {Issuer: "issuer", Audience: "aumos"},
		"another scheme": {Issuer: "ftp://issuer", Audience: "aumos"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := auth.NewVerifier(t.Context(), cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestConfigsAreDocumented(t *testing.T) {
	t.Parallel()
	for _, cfg := range []any{&auth.Config{}, &auth.ClientCredentials{}} {
		if got, err := config.Undocumented(cfg); err != nil || len(got) > 0 {
			t.Error(got, err)
		}
	}
}

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

func BenchmarkVerify(b *testing.B) {
	issuer := authtest.Start(b)
	claims := map[string]any{"sub": "alice", "tenant_id": tenantID, "roles": []string{"viewer", "policy-author"}}
	b.Run("cached", func(b *testing.B) {
		v, token := issuer.Verifier(b), issuer.Sign(b, claims)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("uncached", func(b *testing.B) {
		// A cache of one and two tokens in turn: none is ever found.
		v, err := auth.NewVerifier(b.Context(), auth.Config{Issuer: issuer.URL(), Audience: issuer.Audience(), CacheSize: 1})
		if err != nil {
			b.Fatal(err)
		}
		tokens := [2]string{issuer.Sign(b, claims), issuer.Sign(b, claims)}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := v.Verify(b.Context(), tokens[i%2]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
