package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/profile"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// maxBundle bounds what is read: more than any bundle has.
const maxBundle = 256 << 20

// fetchBundle writes the bundle into the file, if it is the one that was described.
func (a *app) fetchBundle(ctx context.Context, b *governancev1.Bundle, out, base string) error {
	at, err := bundleURL(base)
	if err != nil {
		return err
	}
	s, err := a.session(ctx)
	if err != nil {
		return err
	}
	if at.Scheme != "https" && !s.profile.Plaintext && !profile.IsLoopback(at.Host) {
		return fmt.Errorf("--url %s would send the token unencrypted: use https, or allow it with --plaintext", at)
	}
	token, err := s.tokens.Token()
	if err != nil {
		return err
	}
	client, err := s.config.HTTPClient(s.profile)
	if err != nil {
		return err
	}
	if a.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.timeout)
		defer cancel()
	}
	at.Path = path.Join("/", at.Path, b.GetHttpPath())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token.AccessToken)
	request.Header.Set("X-Request-Id", a.requestID)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBundle))
	if err != nil {
		return fmt.Errorf("read bundle: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", at, response.Status, output.Clean(string(body[:min(len(body), 500)])))
	}
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], b.GetSha256()) {
		return fmt.Errorf("what %s serves is not the bundle that governance describes: if a policy was activated just now, try again", at)
	}
	return os.WriteFile(out, body, 0o600)
}

// bundleURL reads the address of the port for bundles.
func bundleURL(base string) (*url.URL, error) {
	at, err := url.Parse(base)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" || at.RawQuery != "" || at.User != nil {
		return nil, fmt.Errorf("--url %q is no http or https URL", base)
	}
	return at, nil
}

var sidecarName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$`)

const bundleConfigHelp = `Prints a configuration for OPA (opa run --server --config-file): it loads the tenant's bundle, refuses what is not signed with one of governance's keys for
this tenant, and reports its status. It holds no secret: the token is read from a file, which whoever renews it may replace.

Ask the sidecar with ?strict-builtin-errors=true: the policies rely on it.`

const bundleConfigExample = `  aumosctl policy bundle config --url https://governance.example.com:9390 --sidecar eu-1 --token-file /run/secrets/aumos-token > opa.json`

func (a *app) bundleConfigCommand() *cobra.Command {
	var base, name, tokenFile string
	cmd := &cobra.Command{
		Use: "config --url URL --sidecar NAME --token-file FILE", Short: "Print the configuration of an OPA that loads the bundle", Long: bundleConfigHelp,
		Example: bundleConfigExample, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bundleConfig(cmd.Context(), base, name, tokenFile)
		},
	}
	f := cmd.Flags()
	f.StringVar(&base, "url", "", "governance's HTTP port for bundles, for example https://governance.example.com:9390")
	f.StringVar(&name, "sidecar", "", "the sidecar's name, which it keeps when it starts again")
	f.StringVar(&tokenFile, "token-file", "", "the file with the sidecar's token, where it runs")
	for _, required := range []string{"url", "sidecar", "token-file"} {
		_ = cmd.MarkFlagRequired(required) // fails for unknown flags only
	}
	return cmd
}

func (a *app) bundleConfig(ctx context.Context, base, name, tokenFile string) error {
	at, err := bundleURL(base)
	if err != nil {
		return err
	}
	if !sidecarName.MatchString(name) {
		return errors.New("--sidecar must begin with a letter or digit and have 1 to 128 of letters, digits and ._:/-")
	}
	keys, err := a.bundleKeys(ctx)
	if err != nil {
		return err
	}
	client, done, err := a.bundles(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := call(ctx, a, client.GetBundle, &governancev1.GetBundleRequest{})
	if err != nil {
		return err
	}
	dir, file := path.Split(res.GetBundle().GetHttpPath()) // /bundles/<tenant>/bundle.tar.gz
	at.Path = path.Join("/", at.Path, dir)
	known := make(map[string]any, len(keys))
	for _, k := range keys {
		known[k.GetKeyId()] = map[string]string{"algorithm": k.GetAlgorithm(), "key": k.GetPublicKeyPem()}
	}
	return output.JSON(a.stdout, map[string]any{
		"labels": map[string]string{"sidecar": name},
		"services": map[string]any{"aumos": map[string]any{
			"url": at.String(), "credentials": map[string]any{"bearer": map[string]string{"token_path": tokenFile}},
		}},
		"keys": known,
		"bundles": map[string]any{"aumos": map[string]any{
			"service": "aumos", "resource": file, "signing": map[string]string{"scope": path.Base(strings.TrimSuffix(dir, "/"))},
			"polling": map[string]int{"min_delay_seconds": 5, "max_delay_seconds": 15},
		}},
		"status": map[string]string{"service": "aumos"},
	}, a.format == formatJSONL)
}
