package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/profile"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
)

const loginHelp = `Gets a token by client credentials (RFC 6749, section 4.4) and keeps where the platform is and how to get further tokens as a profile.

The profile names the file with the secret; a secret from standard input is kept in a file of its own beside the configuration. These
files, and the token, can be read by you alone. Tokens are renewed when they expire. Services on this machine are called in plaintext
unless --tls-ca is given, others with TLS unless --plaintext is given.`

const loginExample = `  aumosctl login --governance gov.example.com:443 --drift drift.example.com:443 --token-url https://id.example.com/token \
      --client-id analyst --client-secret-file secret.txt
  pass show aumos/analyst | aumosctl login --profile prod --client-secret-stdin --client-id analyst \
      --token-url https://id.example.com/token --governance gov.example.com:443 --drift drift.example.com:443`

// maxSecret bounds what is read as a secret from standard input.
const maxSecret = 64 << 10

type loginOptions struct {
	tokenURL, clientID, secretFile string
	secretStdin                    bool
	certFile, keyFile, serverName  string
}

func (a *app) loginCommand() *cobra.Command {
	var o loginOptions
	cmd := &cobra.Command{
		Use: "login", Short: "Log in and keep the connection as a profile", Long: loginHelp, Example: loginExample, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.login(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.tokenURL, "token-url", "", "the identity provider's token endpoint")
	f.StringVar(&o.clientID, "client-id", "", "the client's id")
	f.StringVar(&o.secretFile, "client-secret-file", "", "the file with the client's secret")
	f.BoolVar(&o.secretStdin, "client-secret-stdin", false, "read the client's secret from standard input")
	f.StringVar(&o.certFile, "tls-cert", "", "a PEM file with the client's certificate, where services ask for one")
	f.StringVar(&o.keyFile, "tls-key", "", "a PEM file with its key")
	f.StringVar(&o.serverName, "tls-server-name", "", "the name in the services' certificates, if it is not the address")
	for _, name := range []string{"token-url", "client-id"} {
		_ = cmd.MarkFlagRequired(name) // fails for unknown flags only
	}
	cmd.MarkFlagsMutuallyExclusive("client-secret-file", "client-secret-stdin")
	cmd.MarkFlagsOneRequired("client-secret-file", "client-secret-stdin")
	return cmd
}

func (a *app) login(ctx context.Context, o loginOptions) error {
	config, err := a.loadConfig()
	if err != nil {
		return err
	}
	name := a.profile
	if name == "" {
		name = "default"
	}
	if err := profile.CheckName(name); err != nil {
		return err
	}
	p, err := a.newProfile(config, name, o)
	if err != nil {
		return err
	}
	tokens := profile.NewTokens(ctx, config, name, p, "")
	for _, address := range []string{p.Governance, p.Drift} {
		if address == "" {
			continue
		}
		conn, err := grpcclient.Dial(config.Client(p, address, tokens)) // connects on first use: this reads the certificates
		if err != nil {
			return err
		}
		_ = conn.Close()
	}
	token, err := tokens.Renew()
	if err != nil {
		return err
	}
	config.Current, config.Profiles[name] = name, p
	if err := config.Save(); err != nil {
		return fmt.Errorf("save the profile: %w", err)
	}
	if a.format != formatTable {
		return a.printJSON(map[string]string{"profile": name, "config": config.Path(), "token_expiry": token.Expiry.UTC().Format(time.RFC3339)})
	}
	_, err = fmt.Fprintf(a.stdout, "Logged in as %s. Profile %s is in %s; its token is valid until %s.\n",
		o.clientID, name, config.Path(), token.Expiry.UTC().Format(time.RFC3339))
	return err
}

// newProfile makes the profile from the flags, with paths that do not depend on the working directory.
func (a *app) newProfile(config *profile.Config, name string, o loginOptions) (profile.Profile, error) {
	p, err := a.override(profile.Profile{TokenURL: o.tokenURL, ClientID: o.clientID})
	if err != nil {
		return p, err
	}
	if p.Governance == "" && p.Drift == "" {
		return p, errors.New("say where the services are with --governance HOST:PORT and --drift HOST:PORT")
	}
	if o.certFile != "" || o.keyFile != "" || o.serverName != "" {
		if p.TLS == nil {
			p.TLS = &profile.TLS{}
		}
		p.TLS.ServerName = o.serverName
		if p.TLS.CertFile, err = absolute(o.certFile); err != nil {
			return p, err
		}
		if p.TLS.KeyFile, err = absolute(o.keyFile); err != nil {
			return p, err
		}
	}
	if o.secretStdin {
		secret, err := io.ReadAll(io.LimitReader(a.stdin, maxSecret))
		if err != nil {
			return p, fmt.Errorf("read the client secret: %w", err)
		}
		p.ClientSecretFile, err = config.StoreSecret(name, secret)
		return p, err
	}
	p.ClientSecretFile, err = absolute(o.secretFile)
	return p, err
}

// absolute makes a path independent of the working directory; an empty one stays empty.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}
