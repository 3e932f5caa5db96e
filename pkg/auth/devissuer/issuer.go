// Package devissuer is an OpenID Connect issuer for development and tests: discovery, keys and the client-credentials grant, in one process. It knows
// no people and no sessions, and production refuses it.
package devissuer

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/config"
)

// defaultLifetime is short, as production tokens are.
const defaultLifetime = 15 * time.Minute

// Config says who the issuer is and whom it knows.
type Config struct {
	// URL is the tokens' iss claim and where Handler is served.
	URL      string
	Audience string // empty: "aumos"
	// KeyFile keeps the signing key over restarts, readable by its owner alone; empty: a key for this process.
	KeyFile  string
	Lifetime time.Duration // of tokens; zero: 15 minutes
	Clients  []Client
}

// Client may exchange its id and secret for tokens.
type Client struct {
	ID       string
	Secret   config.Secret
	Subject  string // empty: the client's id
	TenantID string // empty: no tenant_id claim, as service principals that act for any tenant have it
	Roles    []auth.Role
}

// Issuer signs tokens. It is safe for concurrent use.
type Issuer struct {
	cfg Config

	mu   sync.RWMutex  // guards keys
	keys []*signingKey // the first signs; all are published
}

// New returns an issuer, reading or making its key.
func New(cfg Config) (*Issuer, error) {
	if u, err := url.Parse(cfg.URL); err != nil || u.Host == "" {
		return nil, fmt.Errorf("make development issuer: %q is no URL", cfg.URL)
	}
	if cfg.Audience == "" {
		cfg.Audience = "aumos"
	}
	if cfg.Lifetime <= 0 {
		cfg.Lifetime = defaultLifetime
	}
	for i, c := range cfg.Clients {
		if c.ID == "" || c.Secret == "" {
			return nil, errors.New("make development issuer: a client has no id or no secret")
		}
		if slices.ContainsFunc(cfg.Clients[:i], func(o Client) bool { return o.ID == c.ID }) {
			return nil, fmt.Errorf("make development issuer: client %s stands twice", c.ID)
		}
	}
	key, err := openKey(cfg.KeyFile)
	if err != nil {
		return nil, err
	}
	return &Issuer{cfg: cfg, keys: []*signingKey{key}}, nil
}

// URL returns the issuer's URL.
func (i *Issuer) URL() string { return i.cfg.URL }

// Audience returns the aud claim of the tokens.
func (i *Issuer) Audience() string { return i.cfg.Audience }

// IssueToken returns a token for a subject. An empty tenantID leaves the claim out.
func (i *Issuer) IssueToken(subject, tenantID string, roles ...auth.Role) (string, error) {
	claims := map[string]any{"sub": subject, "roles": roles}
	if tenantID != "" {
		claims["tenant_id"] = tenantID
	}
	return i.Sign(claims)
}

// Sign returns a token with the claims, which replace the standard ones (iss, aud, iat, nbf, exp, jti); a claim that is nil is left out.
func (i *Issuer) Sign(claims map[string]any) (string, error) {
	now := time.Now()
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("make token id: %w", err)
	}
	all := map[string]any{
		"iss": i.cfg.URL, "aud": i.cfg.Audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(i.cfg.Lifetime).Unix(), "jti": id.String(),
	}
	for name, value := range claims {
		if value == nil {
			delete(all, name)
			continue
		}
		all[name] = value
	}
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.keys[0].sign(all)
}

// Rotate signs with a new key from now on. The old ones stay published when keepOld is true; otherwise their tokens stop to verify. The new key is
// not kept in the key file.
func (i *Issuer) Rotate(keepOld bool) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !keepOld {
		i.keys = nil
	}
	i.keys = append([]*signingKey{key}, i.keys...)
	return nil
}
