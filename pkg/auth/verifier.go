package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

const (
	// maxTokenBytes bounds the work that an unauthenticated caller can cause.
	maxTokenBytes = 16 << 10
	// clockLeeway is how far the issuer's clock may be ahead, for nbf and iat alone: exp has none.
	clockLeeway = 30 * time.Second
)

// algorithms is the allow-list: asymmetric signatures only, so that a public key is never taken for a shared secret.
var algorithms = []string{oidc.RS256, oidc.ES256, oidc.EdDSA} //nolint:gochecknoglobals // a constant table

// Verifier verifies bearer tokens. It is safe for concurrent use.
type Verifier struct {
	cfg    Config
	keys   *keySet
	cached *lru.Cache[[sha256.Size]byte, Principal]
	now    func() time.Time
}

// NewVerifier returns a verifier for one issuer. It does not reach the issuer: a service starts while the issuer is down, and Ready says so.
func NewVerifier(_ context.Context, cfg Config) (*Verifier, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure token verification: %w", err)
	}
	cfg = cfg.withDefaults()
	cached, err := lru.New[[sha256.Size]byte, Principal](cfg.CacheSize)
	if err != nil {
		return nil, fmt.Errorf("make token cache: %w", err)
	}
	v := &Verifier{cfg: cfg, cached: cached, now: time.Now}
	v.keys = newKeySet(cfg.Issuer, clientOr(cfg.Client), cfg.KeyMaxAge, cached.Purge)
	return v, nil
}

// Verify returns the principal that a raw token, without "Bearer ", names. The error is INVALID_TOKEN for every token that does not verify and
// UNAVAILABLE when the issuer's keys cannot be read; its cause is for the log. The principal's roles are shared: do not modify them.
func (v *Verifier) Verify(ctx context.Context, token string) (Principal, error) {
	if len(token) > maxTokenBytes {
		return Principal{}, invalid(fmt.Errorf("the token has %d bytes, over %d", len(token), maxTokenBytes))
	}
	digest := digestOf(token)
	if p, ok := v.cached.Get(digest); ok {
		if v.now().Before(p.Expiry) {
			return p, nil
		}
		v.cached.Remove(digest)
		return Principal{}, invalid(&oidc.TokenExpiredError{Expiry: p.Expiry})
	}
	generation := v.keys.generation()
	p, err := v.verify(ctx, token)
	if err != nil {
		return Principal{}, err
	}
	v.remember(digest, generation, p)
	return p, nil
}

// digestOf copies the token to the stack, where the usual ones fit, since every call has one.
func digestOf(token string) [sha256.Size]byte {
	var buffer [2 << 10]byte
	return sha256.Sum256(append(buffer[:0], token...))
}

// remember caches a principal unless keys were withdrawn while its token was verified, perhaps by one of them.
func (v *Verifier) remember(digest [sha256.Size]byte, generation uint64, p Principal) {
	v.cached.Add(digest, p)
	if v.keys.generation() != generation {
		v.cached.Remove(digest)
	}
}

func (v *Verifier) verify(ctx context.Context, token string) (Principal, error) {
	if err := checkForm(token); err != nil {
		return Principal{}, invalid(err)
	}
	// go-oidc drops the chain of a key set's error, so it is kept here: an unreachable issuer is not the caller's fault.
	keys := &observedKeys{set: v.keys}
	verifier := oidc.NewVerifier(v.cfg.Issuer, keys, &oidc.Config{
		ClientID: v.cfg.Audience, SupportedSigningAlgs: algorithms, Now: v.now,
	})
	t, err := verifier.Verify(ctx, token)
	switch {
	case keys.down != nil:
		return Principal{}, keys.down
	case err != nil:
		return Principal{}, invalid(err)
	case t.Issuer != v.cfg.Issuer: // go-oidc makes an exception for one provider
		return Principal{}, invalid(fmt.Errorf("the token's issuer is %q", t.Issuer))
	case !v.now().Before(t.Expiry):
		return Principal{}, invalid(&oidc.TokenExpiredError{Expiry: t.Expiry})
	}
	p, err := v.principalOf(t)
	if err != nil {
		return Principal{}, invalid(err)
	}
	return p, nil
}

// Ready reports whether tokens can be verified: nil once the issuer's keys have been read.
func (v *Verifier) Ready(ctx context.Context) error { return v.keys.load(ctx) }

// invalid says the same for every token that does not verify, so that nobody learns which check failed.
func invalid(cause error) error {
	return errs.New(errs.Unauthenticated, errs.ReasonInvalidToken, "the bearer token is missing or does not verify").Because(cause)
}
