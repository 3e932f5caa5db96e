package auth

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/aumos-enterprise/platform/pkg/config"
)

// ClientCredentials is a service's own identity at the issuer, for calls to other services.
type ClientCredentials struct {
	Issuer       string        `env:"ISSUER" help:"URL of the OpenID Connect issuer that gives this service its tokens."`
	ClientID     string        `env:"CLIENT_ID" help:"Client id of this service at the issuer."`
	ClientSecret config.Secret `env:"CLIENT_SECRET" help:"Client secret of this service at the issuer."`
	Scopes       []string      `env:"SCOPES" help:"Scopes to ask for, separated by commas; empty: the issuer's default."`
}

// TokenSource returns a source of tokens by the client-credentials grant, each used until shortly before it expires. The issuer is first asked when the
// first token is, and again after a failure: a service starts while the issuer is down. client is nil for one with short timeouts.
func (c ClientCredentials) TokenSource(client *http.Client) oauth2.TokenSource {
	return &lazySource{credentials: c, client: clientOr(client)}
}

// lazySource discovers the token endpoint on first use.
type lazySource struct {
	credentials ClientCredentials
	client      *http.Client

	mu     sync.Mutex // guards source
	source oauth2.TokenSource
}

// Token implements oauth2.TokenSource.
func (s *lazySource) Token() (*oauth2.Token, error) {
	source, err := s.discovered()
	if err != nil {
		return nil, err
	}
	return source.Token()
}

func (s *lazySource) discovered() (oauth2.TokenSource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source != nil {
		return s.source, nil
	}
	// oauth2.TokenSource has no context of a call; the client's timeout bounds the requests.
	ctx := oidc.ClientContext(context.Background(), s.client)
	provider, err := oidc.NewProvider(ctx, s.credentials.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover issuer %s: %w", s.credentials.Issuer, err)
	}
	endpoint := provider.Endpoint().TokenURL
	if endpoint == "" || (strings.HasPrefix(s.credentials.Issuer, "https://") && !strings.HasPrefix(endpoint, "https://")) {
		return nil, fmt.Errorf("discover issuer %s: its token endpoint %q cannot be used", s.credentials.Issuer, endpoint)
	}
	grant := clientcredentials.Config{
		ClientID: s.credentials.ClientID, ClientSecret: s.credentials.ClientSecret.Reveal(), TokenURL: endpoint, Scopes: s.credentials.Scopes,
	}
	s.source = grant.TokenSource(ctx)
	return s.source, nil
}
