package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

type correctOptions struct {
	reason, corrected string
}

func (a *app) auditCorrectCommand() *cobra.Command {
	var o correctOptions
	cmd := &cobra.Command{
		Use: "correct INDEX|ENTRY_ID --reason TEXT", Short: "Record what was wrong with an entry", Args: cobra.ExactArgs(1),
		Long: `Records what was wrong with an entry, as an entry of its own. The first one stays as it is, and is shown with its corrections from then on.

The reason is there for good: keep personal data out of it. --corrected names a file with a JSON object that says, by field, what the entry should have
said.`,
		Example: `  aumosctl audit correct 12 --reason "the wrong ticket was named"
  echo '{"details": {"ticket": "CHG-17"}}' | aumosctl audit correct 12 --reason "the wrong ticket was named" --corrected -`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.auditCorrect(cmd.Context(), args[0], o) },
	}
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for whoever reads the log later")
	cmd.Flags().StringVar(&o.corrected, "corrected", "", "the file with what the entry should have said, or - for standard input")
	_ = cmd.MarkFlagRequired("reason") // fails for unknown flags only
	return cmd
}

func (a *app) auditCorrect(ctx context.Context, key string, o correctOptions) error {
	named, err := entryKey(key)
	if err != nil {
		return err
	}
	req := &governancev1.CorrectEntryRequest{EntryId: named.GetEntryId(), Reason: o.reason}
	if o.corrected != "" {
		if req.Corrected, err = a.readInput(o.corrected); err != nil {
			return err
		}
	}
	client, done, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer done()
	if req.GetEntryId() == "" {
		res, err := call(ctx, a, client.GetEntry, named)
		if err != nil {
			return err
		}
		req.EntryId = res.GetEntry().GetEntry().GetEntryId()
	}
	res, err := call(ctx, a, client.CorrectEntry, req)
	if err != nil {
		return err
	}
	if a.format != formatTable {
		return a.printMessage("position", res.GetPosition())
	}
	return output.Pairs(a.stdout, "", "corrected", req.GetEntryId(), "by entry", res.GetPosition().GetEntryId(),
		"index", strconv.FormatInt(res.GetPosition().GetLeafIndex(), 10))
}
