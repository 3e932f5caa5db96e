package auth_test

import (
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
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
)

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
