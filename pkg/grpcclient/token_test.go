package grpcclient_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
)

type sourceFunc func() (*oauth2.Token, error)

func (f sourceFunc) Token() (*oauth2.Token, error) { return f() }

func TestTokenFailures(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, nil)
	issuer := authtest.Start(t)
	grant := func(issuer string) oauth2.TokenSource {
		return (&clientcredentials.Config{ClientID: "x", ClientSecret: "hunter2", TokenURL: issuer + "/token"}).TokenSource(context.Background())
	}
	for name, tc := range map[string]struct {
		source oauth2.TokenSource
		want   codes.Code
	}{
		"issuer down":         {grant("http://127.0.0.1:1"), codes.Unavailable},
		"credentials refused": {grant(issuer.URL()), codes.Unauthenticated},
		"issuer broken": {sourceFunc(func() (*oauth2.Token, error) {
			return nil, &oauth2.RetrieveError{Response: &http.Response{StatusCode: http.StatusBadGateway}}
		}), codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := grpcclient.Dial(grpcclient.Config{Target: b.Addr(), Plaintext: true, TokenSource: tc.source})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, err = governancev1.NewPolicyServiceClient(conn).GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: id})
			if status.Code(err) != tc.want || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error = %v", err)
			}
		})
	}
}
