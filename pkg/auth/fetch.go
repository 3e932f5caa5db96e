package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

const (
	// issuerTimeout bounds one request to the issuer, and so how long a caller with an unknown key id can be made to wait.
	issuerTimeout = 3 * time.Second
	// maxIssuerBytes bounds a response of the issuer.
	maxIssuerBytes = 1 << 20
	// minRSABits is the least that RFC 7518 section 3.3 allows.
	minRSABits = 2048
)

// clientOr returns the client, or one with short timeouts; both read bounded responses.
func clientOr(c *http.Client) *http.Client {
	bounded := http.Client{Timeout: issuerTimeout}
	if c != nil {
		bounded = *c
	}
	transport := bounded.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	bounded.Transport = boundedTransport{transport}
	return &bounded
}

type boundedTransport struct{ http.RoundTripper }

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxIssuerBytes)
	}
	return resp, err
}

// fetchKeys reads the issuer's keys from url, which it first discovers when it is "".
func fetchKeys(ctx context.Context, client *http.Client, issuer, url string) (string, map[string][]jose.JSONWebKey, error) {
	if url == "" {
		provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), issuer)
		if err != nil {
			return "", nil, fmt.Errorf("discover issuer %s: %w", issuer, err)
		}
		var metadata struct {
			JWKSURL string `json:"jwks_uri"`
		}
		if err := provider.Claims(&metadata); err != nil || metadata.JWKSURL == "" {
			return "", nil, errors.Join(fmt.Errorf("discover issuer %s: no jwks_uri", issuer), err)
		}
		if strings.HasPrefix(issuer, "https://") && !strings.HasPrefix(metadata.JWKSURL, "https://") {
			return "", nil, fmt.Errorf("discover issuer %s: its jwks_uri is not https", issuer)
		}
		url = metadata.JWKSURL
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", nil, fmt.Errorf("read issuer's keys: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", nil, fmt.Errorf("read issuer's keys: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", nil, fmt.Errorf("read issuer's keys: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("read issuer's keys: %s answers %s", url, resp.Status)
	}
	keys, err := parseKeys(body)
	return url, keys, err
}

// parseKeys keeps the keys that can verify what the allow-list admits and skips the others, as RFC 7517 section 5 says.
func parseKeys(body []byte) (map[string][]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("read issuer's keys: %w", err)
	}
	keys := make(map[string][]jose.JSONWebKey, len(set.Keys))
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(raw, &key); err != nil || !usable(&key) {
			continue
		}
		keys[key.KeyID] = append(keys[key.KeyID], key)
	}
	if len(keys) == 0 {
		return nil, errors.New("read issuer's keys: none is usable (RS256, ES256 or EdDSA, with a key id)")
	}
	return keys, nil
}

func usable(k *jose.JSONWebKey) bool {
	return k.KeyID != "" && k.IsPublic() && k.Valid() && (k.Use == "" || k.Use == "sig") &&
		(fits(k, oidc.RS256) || fits(k, oidc.ES256) || fits(k, oidc.EdDSA))
}

// fits reports whether the key is one for the algorithm: of its type and strength, and not declared for another.
func fits(k *jose.JSONWebKey, algorithm string) bool {
	if k.Algorithm != "" && k.Algorithm != algorithm {
		return false
	}
	switch pub := k.Key.(type) {
	case *rsa.PublicKey:
		return algorithm == oidc.RS256 && pub.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return algorithm == oidc.ES256 && pub.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return algorithm == oidc.EdDSA
	default:
		return false
	}
}

// sameKeys reports whether every key of old is still in current.
func sameKeys(old, current []jose.JSONWebKey) bool {
	for i := range old {
		found := false
		for j := range current {
			if pub, ok := old[i].Key.(interface{ Equal(crypto.PublicKey) bool }); ok && pub.Equal(current[j].Key) {
				found = true
			}
		}
		if !found {
			return false
		}
	}
	return true
}
