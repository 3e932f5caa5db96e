package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const bundleHelp = `Describes the signed OPA bundle of the tenant's active policies, as sidecars would get it now. With --out the bundle itself is fetched from
governance's HTTP port for bundles, which --url names, and compared with that description.`

const bundleExample = `  aumosctl policy bundle
  aumosctl policy bundle --out bundle.tar.gz --url https://governance.example.com:9390
  aumosctl policy bundle config --url https://governance.example.com:9390 --sidecar eu-1 --token-file /run/secrets/token > opa.json
  aumosctl policy bundle sidecars --check`

func (a *app) policyBundleCommand() *cobra.Command {
	var out, url string
	cmd := &cobra.Command{
		Use: "bundle", Short: "Describe or fetch the signed OPA bundle, and see who has loaded it", Long: bundleHelp, Example: bundleExample,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.policyBundle(cmd.Context(), out, url) },
	}
	cmd.Flags().StringVar(&out, "out", "", "fetch the bundle into this file")
	cmd.Flags().StringVar(&url, "url", "", "governance's HTTP port for bundles, for example https://governance.example.com:9390")
	cmd.AddCommand(a.bundleKeysCommand(), a.bundleSidecarsCommand(), a.bundleReleaseCommand(), a.bundleConfigCommand())
	return cmd
}

func (a *app) policyBundle(ctx context.Context, out, url string) error {
	if (out == "") != (url == "") {
		return errors.New("--out and --url go together")
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
	b := res.GetBundle()
	if out != "" {
		if err := a.fetchBundle(ctx, b, out, url); err != nil {
			return err
		}
	}
	if a.format != formatTable {
		return a.printMessage("bundle", b)
	}
	if err := output.Pairs(a.stdout, "", "revision", b.GetRevision(), "content", "sha256:"+hex.EncodeToString(b.GetSha256()),
		"bytes", strconv.FormatInt(b.GetSizeBytes(), 10), "key", b.GetKeyId(), "path", b.GetHttpPath(), "file", out); err != nil {
		return err
	}
	if len(b.GetPolicies()) == 0 {
		_, err := fmt.Fprintln(a.stdout, "\nno policy is active")
		return err
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	grid := output.NewGrid("policy", "version", "content", "decision points")
	for _, p := range b.GetPolicies() {
		grid.Row(p.GetPolicyName(), p.GetPolicyVersionId(), "sha256:"+hex.EncodeToString(p.GetContentSha256())[:12], strings.Join(p.GetDecisionPoints(), " "))
	}
	return grid.Print(a.stdout, "")
}

func (a *app) bundleKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use: "keys", Short: "Print the public keys that verify bundles, the signing one first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := a.bundleKeys(cmd.Context())
			if err != nil {
				return err
			}
			if a.format != formatTable {
				return a.printMessage("bundle_keys", &governancev1.ListBundleKeysResponse{Keys: keys})
			}
			for _, k := range keys {
				if _, err := fmt.Fprintf(a.stdout, "%s %s\n%s", output.Clean(k.GetKeyId()), output.Clean(k.GetAlgorithm()), k.GetPublicKeyPem()); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// bundleKeys returns the keys that verify bundles. That there is none is a failure: nothing could be verified.
func (a *app) bundleKeys(ctx context.Context) ([]*governancev1.BundleKey, error) {
	client, done, err := a.bundles(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	res, err := call(ctx, a, client.ListBundleKeys, &governancev1.ListBundleKeysRequest{})
	if err != nil {
		return nil, err
	}
	if len(res.GetKeys()) == 0 {
		return nil, errors.New("governance has no keys for bundles: its operator sets BUNDLES__SIGNING_KEY")
	}
	return res.GetKeys(), nil
}

func (a *app) bundleSidecarsCommand() *cobra.Command {
	var limit int
	var strict bool
	cmd := &cobra.Command{
		Use: "sidecars", Short: "List the sidecars, last heard of first", Args: cobra.NoArgs,
		Long: `Lists the sidecars that have said something of themselves in the last days, with the revision that each has loaded. With --check the exit code is 1
when one that is alive is not well, or has not loaded the bundle of now.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			client, done, err := a.bundles(ctx)
			if err != nil {
				return err
			}
			defer done()
			behind := false
			sidecars := pages(limit, func(size int32, token string) ([]*governancev1.Sidecar, string, error) {
				res, err := call(ctx, a, client.ListSidecars, &governancev1.ListSidecarsRequest{PageSize: size, PageToken: token})
				for _, c := range res.GetSidecars() {
					behind = behind || sidecarState(c) != sidecarGood && c.GetAlive()
				}
				return res.GetSidecars(), res.GetNextPageToken(), err
			})
			grid := output.NewGrid("sidecar", "state", "version", "revision", "last heard of", "owner", "message")
			err = printList(a, sidecars, grid, func(c *governancev1.Sidecar) []string {
				revision := c.GetLoadedRevision()
				return []string{
					c.GetSidecarId(), sidecarState(c), c.GetVersion(), revision[:min(len(revision), 12)], when(c.GetLastSeenTime()), c.GetOwner(), c.GetMessage(),
				}
			})
			if err == nil && strict && behind {
				return answer(exitNo)
			}
			return err
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "at most this many; 0: all")
	cmd.Flags().BoolVar(&strict, "check", false, "exit with 1 unless all that are alive are well and up to date")
	return cmd
}

func (a *app) bundleReleaseCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "release SIDECAR --reason TEXT", Short: "Let another principal speak for a sidecar", Args: cobra.ExactArgs(1),
		Long: `Forgets a sidecar and who reported it: whoever reports its name next owns it. Stop the sidecar that had the name first, or it takes it back. The reason
stands on the Audit Wall.`,
		Example: `  aumosctl policy bundle release eu-1 --reason "the payments service has a client of its own now"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, done, err := a.bundles(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			res, err := call(cmd.Context(), a, client.ReleaseSidecar, &governancev1.ReleaseSidecarRequest{SidecarId: args[0], Reason: reason})
			if err != nil {
				return err
			}
			if a.format != formatTable {
				return a.printMessage("released", res)
			}
			return output.Pairs(a.stdout, "", "sidecar", args[0], "owner", "none", "before", res.GetOwner())
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why somebody else may speak for it")
	_ = cmd.MarkFlagRequired("reason") // fails for unknown flags only
	return cmd
}

const sidecarGood = "up to date"

// sidecarState sums up what is known of a sidecar.
func sidecarState(c *governancev1.Sidecar) string {
	switch {
	case !c.GetAlive():
		return "silent since " + time.Since(c.GetLastSeenTime().AsTime()).Round(time.Minute).String()
	case !c.GetHealthy():
		return "NOT WELL"
	case !c.GetUpToDate():
		return "behind"
	default:
		return sidecarGood
	}
}
