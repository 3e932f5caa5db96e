package profile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// early is how long before its expiry a cached token is no longer used.
const early = 30 * time.Second

// tokenTimeout bounds a call of the token endpoint.
const tokenTimeout = 15 * time.Second

// Tokens gets the access tokens of a profile. It is an oauth2.TokenSource.
type Tokens struct {
	ctx     context.Context // oauth2.TokenSource has no room for one; it lives as long as the command
	config  *Config
	name    string
	profile Profile
	static  string
}

// NewTokens makes the source of a profile's tokens: static when it is not empty, else the cached token while it is valid, else a new one
// from the token endpoint.
func NewTokens(ctx context.Context, config *Config, name string, profile Profile, static string) *Tokens {
	return &Tokens{ctx: ctx, config: config, name: name, profile: profile, static: static}
}

// cachedToken is a token on disk, with what it was got from: after a change of the profile it is another client's.
type cachedToken struct {
	TokenURL    string    `json:"token_url"`
	ClientID    string    `json:"client_id"`
	AccessToken string    `json:"access_token"`
	Expiry      time.Time `json:"expiry"`
}

// Token returns a token that is valid for at least half a minute, unless its issuer makes shorter ones.
func (t *Tokens) Token() (*oauth2.Token, error) {
	if t.static != "" {
		return &oauth2.Token{AccessToken: t.static, TokenType: "Bearer"}, nil
	}
	if cached, ok := t.cached(); ok {
		return cached, nil
	}
	return t.Renew()
}

// Renew gets a new token and caches it.
func (t *Tokens) Renew() (*oauth2.Token, error) {
	p := t.profile
	if p.TokenURL == "" || p.ClientID == "" || p.ClientSecretFile == "" {
		return nil, errors.New("there is no token, and nothing to get one with: run aumosctl login, or set AUMOSCTL_TOKEN")
	}
	if err := p.checkTokenURL(); err != nil {
		return nil, err
	}
	secret, err := os.ReadFile(t.config.Beside(p.ClientSecretFile))
	if err != nil {
		return nil, fmt.Errorf("read the client secret: %w", err)
	}
	source := clientcredentials.Config{
		ClientID: p.ClientID, ClientSecret: strings.TrimSpace(string(secret)), TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInHeader,
	}
	ctx := context.WithValue(t.ctx, oauth2.HTTPClient, &http.Client{Timeout: tokenTimeout})
	token, err := source.Token(ctx)
	if err != nil {
		return nil, explainToken(p.TokenURL, err)
	}
	data, err := json.Marshal(cachedToken{TokenURL: p.TokenURL, ClientID: p.ClientID, AccessToken: token.AccessToken, Expiry: token.Expiry})
	if err != nil {
		return nil, fmt.Errorf("marshal token: %w", err)
	}
	if err := writePrivate(t.cachePath(), data); err != nil {
		return nil, fmt.Errorf("cache the token: %w", err)
	}
	return token, nil
}

// cached returns the token on disk. One that cannot be read is as good as none.
func (t *Tokens) cached() (*oauth2.Token, bool) {
	data, err := os.ReadFile(t.cachePath())
	if err != nil {
		return nil, false
	}
	var c cachedToken
	if err := json.Unmarshal(data, &c); err != nil || c.TokenURL != t.profile.TokenURL || c.ClientID != t.profile.ClientID {
		return nil, false
	}
	if c.AccessToken == "" || time.Now().Add(early).After(c.Expiry) {
		return nil, false
	}
	return &oauth2.Token{AccessToken: c.AccessToken, TokenType: "Bearer", Expiry: c.Expiry}, true
}

func (t *Tokens) cachePath() string {
	return filepath.Join(filepath.Dir(t.config.path), "aumosctl-tokens", t.name+".json")
}

// StoreSecret keeps a secret that came from elsewhere than a file and returns the path for the profile, relative to the config file.
func (c *Config) StoreSecret(name string, secret []byte) (string, error) {
	path := filepath.Join("aumosctl-secrets", name)
	if err := writePrivate(c.Beside(path), secret); err != nil {
		return "", fmt.Errorf("store the client secret: %w", err)
	}
	return path, nil
}

// explainToken keeps the body of the answer, which may hold anything, out of the message.
func explainToken(tokenURL string, err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		why := refused.Response.Status
		if refused.ErrorCode != "" {
			why += ", " + refused.ErrorCode
		}
		return fmt.Errorf("%s gave no token: %s: check the client's id and secret", tokenURL, why)
	}
	return fmt.Errorf("get a token: %w", err)
}
