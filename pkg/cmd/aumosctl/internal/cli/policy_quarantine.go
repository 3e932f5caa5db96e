package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const quarantineHelp = `A version whose evaluations overrun their deadline again and again is quarantined: every decision that asks it gets ERROR at once, on every
replica, until somebody has looked into it and lifts the quarantine. Another version of the policy may be activated meanwhile.`

func (a *app) policyQuarantineCommand() *cobra.Command {
	cmd := group("quarantine", "List and lift quarantines of versions that overran their deadline too often", a.quarantineListCommand(), a.quarantineLiftCommand())
	cmd.Long = quarantineHelp
	return cmd
}

func (a *app) quarantineListCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the versions in quarantine, newest quarantine first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, done, err := a.policies(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			items := pages(limit, func(size int32, token string) ([]*governancev1.PolicyVersion, string, error) {
				req := &governancev1.ListQuarantinedVersionsRequest{PageSize: size, PageToken: token}
				res, err := call(cmd.Context(), a, client.ListQuarantinedVersions, req)
				return res.GetPolicyVersions(), res.GetNextPageToken(), err
			})
			name := a.policyNames(cmd.Context(), client)
			grid := output.NewGrid("policy", "number", "version", "state", "overruns", "quarantined")
			return printList(a, items, grid, func(v *governancev1.PolicyVersion) []string {
				return []string{
					name(v.GetPolicyId()), strconv.Itoa(int(v.GetNumber())), v.GetId(), enum(v.GetState().String(), "POLICY_VERSION_STATE_"),
					strconv.Itoa(int(v.GetQuarantine().GetOverruns())), when(v.GetQuarantine().GetQuarantineTime()),
				}
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	return cmd
}

func (a *app) quarantineLiftCommand() *cobra.Command {
	var policy, reason string
	var number int32
	cmd := &cobra.Command{
		Use: "lift (VERSION-ID | --policy NAME|ID --version N) --reason TEXT", Short: "Let a version answer again", Args: cobra.MaximumNArgs(1),
		Long: "Lets a quarantined version answer again. It starts without a record of overruns. The reason stands on the Audit Wall.",
		Example: `  aumosctl policy quarantine list
  aumosctl policy quarantine lift --policy retrain --version 3 --reason "callers send 100 features at most now"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (policy != "") || (policy != "") != (number > 0) {
				return errors.New("name one version: by its id, or by --policy and --version")
			}
			client, done, err := a.policies(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			versionID := strings.Join(args, "") // the one or none
			if policy != "" {
				if versionID, err = a.versionID(cmd.Context(), client, policy, number); err != nil {
					return err
				}
			}
			res, err := call(cmd.Context(), a, client.LiftPolicyQuarantine, &governancev1.LiftPolicyQuarantineRequest{PolicyVersionId: versionID, Reason: reason})
			if err != nil {
				return err
			}
			v := res.GetPolicyVersion()
			if a.format != formatTable {
				return a.printMessage("policy_version", v, "modules")
			}
			name := a.policyNames(cmd.Context(), client)(v.GetPolicyId())
			return output.Pairs(a.stdout, "", "policy", name, "version", fmt.Sprintf("%d (%s)", v.GetNumber(), v.GetId()), "quarantine", "none")
		},
	}
	f := cmd.Flags()
	f.StringVar(&policy, "policy", "", "the policy's name or id")
	f.Int32Var(&number, "version", 0, "the version's number")
	f.StringVar(&reason, "reason", "", "why it may answer again")
	_ = cmd.MarkFlagRequired("reason") // fails for unknown flags only
	return cmd
}

func (a *app) versionID(ctx context.Context, client governancev1.PolicyServiceClient, key string, number int32) (string, error) {
	policy, err := a.findPolicy(ctx, client, key)
	if err != nil {
		return "", err
	}
	version, err := a.findVersion(ctx, client, policy, number)
	return version.GetId(), err
}
