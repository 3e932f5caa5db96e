package cli

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) auditPostureCommand() *cobra.Command {
	return &cobra.Command{
		Use: "posture", Short: "Show what protects the wall's database from changes", Args: cobra.NoArgs,
		Long: `Shows every check of what is to prevent changes of the Audit Wall's database, as the service carries them out at its start and while it runs,
and what is wrong. The digest sums up all of it: the service records the one it started under, and every change, on the platform's log.

It is the service's word about its own database. That nothing was changed is shown by audit verify, whatever this says.

The exit code is 1 when a check fails for which the service would not start; warnings name a layer that is missing, and leave it 0.`,
		Example: `  aumosctl audit posture
  aumosctl audit posture -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.auditPosture(cmd.Context()) },
	}
}

func (a *app) auditPosture(ctx context.Context) error {
	client, done, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := call(ctx, a, client.GetWallPosture, &governancev1.GetWallPostureRequest{})
	if err != nil {
		return err
	}
	if a.format == formatTable {
		err = a.printPosture(res)
	} else {
		err = a.printMessage("posture", res)
	}
	if err != nil {
		return err
	}
	for _, c := range res.GetChecks() {
		if postureVerdict(c) == postureFailed {
			return answer(exitNo)
		}
	}
	return nil
}

// What a check comes to.
const (
	postureOK      = "ok"
	postureWarning = "warning"
	postureFailed  = "FAILED"
)

func postureVerdict(c *governancev1.PostureCheck) string {
	switch {
	case c.GetOk():
		return postureOK
	case c.GetRequired():
		return postureFailed
	default:
		return postureWarning
	}
}

// printPosture prints the checks for people, each with what is wrong and what to do about it.
func (a *app) printPosture(res *governancev1.GetWallPostureResponse) error {
	for _, c := range res.GetChecks() {
		if _, err := fmt.Fprintf(a.stdout, "%-8s %s\n", postureVerdict(c), output.Clean(c.GetName())); err != nil {
			return err
		}
		if c.GetOk() {
			continue
		}
		for _, problem := range c.GetProblems() {
			if _, err := fmt.Fprintf(a.stdout, "           %s\n", output.Clean(problem)); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(a.stdout, "           remedy: %s\n", output.Clean(c.GetRemedy())); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.stdout, "posture  sha256:%s at %s\n", hex.EncodeToString(res.GetSha256()), when(res.GetCheckTime()))
	return err
}
