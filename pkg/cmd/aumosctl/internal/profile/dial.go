package profile

import (
	"errors"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/aumos-enterprise/platform/pkg/grpcclient"
)

// maxMessage bounds an answer: a page of entries is larger than what the services accept.
const maxMessage = 64 << 20

// Client says how to call the service at an address. Plaintext is used where the profile allows it, and on the loopback interface unless the
// profile says how TLS is to be done.
func (c *Config) Client(p Profile, address string, tokens oauth2.TokenSource) grpcclient.Config {
	client := grpcclient.Config{Target: address, TokenSource: tokens, TenantID: p.Tenant, MaxMessageBytes: maxMessage}
	if p.TLS != nil {
		client.TLS = grpcclient.TLS{
			CAFile: c.Beside(p.TLS.CAFile), CertFile: c.Beside(p.TLS.CertFile), KeyFile: c.Beside(p.TLS.KeyFile), ServerName: p.TLS.ServerName,
		}
		return client
	}
	client.Plaintext = p.Plaintext || IsLoopback(address)
	client.PlaintextToken = p.Plaintext
	return client
}

// HTTPClient says how to call an HTTP port of the services. It follows no redirects: the token is for the port that was named.
func (c *Config) HTTPClient(p Profile) (*http.Client, error) {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the process has another HTTP transport than Go's")
	}
	transport = transport.Clone()
	var err error
	if transport.TLSClientConfig, err = c.Client(p, "", nil).TLS.Config(); err != nil {
		return nil, err
	}
	return &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
