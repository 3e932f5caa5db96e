package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) auditCommand() *cobra.Command {
	return group("audit", "Read the Audit Wall and verify its evidence",
		a.auditListCommand(), a.auditWatchCommand(), a.auditShowCommand(), a.auditCorrectCommand(), a.auditProveCommand(), a.auditKeysCommand(), a.auditCheckpointCommand(),
		a.auditExportCommand(), a.auditVerifyCommand(), a.auditPostureCommand())
}

// entryKey reads how an entry is named: by its index or its id.
func entryKey(text string) (*governancev1.GetEntryRequest, error) {
	if index, err := strconv.ParseInt(text, 10, 64); err == nil && index >= 0 {
		return &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_LeafIndex{LeafIndex: index}}, nil
	}
	id, err := uuid.Parse(text) // which reads more forms than the contract takes
	if err != nil {
		return nil, fmt.Errorf("%q is neither the index of an entry nor its id (UUID)", text)
	}
	return &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_EntryId{EntryId: id.String()}}, nil
}

func (a *app) auditKeysCommand() *cobra.Command {
	var out string
	var platform bool
	cmd := &cobra.Command{
		Use: "keys", Short: "Print the public keys that sign your log", Args: cobra.NoArgs,
		Long: `Prints the public keys that sign the checkpoints of your tenant's log, one verifier key (c2sp.org/signed-note) a line.

Keep them where whoever runs the platform cannot change them, and compare them with what it publishes: verification is worth as much as the
keys that it trusts.

With --platform it prints those of the platform's log instead, to which the heads of all logs are committed and which witnesses cosign.`,
		Example: "  aumosctl audit keys --out wall.vkey\n  aumosctl audit keys --platform --out platform.vkey",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			client, done, err := a.audit(ctx)
			if err != nil {
				return err
			}
			defer done()
			res, err := call(ctx, a, client.ListLogKeys, &governancev1.ListLogKeysRequest{})
			if err != nil {
				return err
			}
			keys := res.GetKeys()
			if platform {
				keys = res.GetPlatformKeys()
			}
			var text strings.Builder
			for _, key := range keys {
				text.WriteString(key.GetVkey() + "\n")
			}
			if out != "" {
				return writeEvidence(out, text.String())
			}
			if a.format != formatTable {
				return a.printMessage("log_keys", res)
			}
			_, err = fmt.Fprint(a.stdout, text.String())
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the keys to this file")
	cmd.Flags().BoolVar(&platform, "platform", false, "the keys of the platform's log")
	return cmd
}

func (a *app) auditCheckpointCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "checkpoint", Short: "Print the newest signed head of your log", Args: cobra.NoArgs,
		Long: `Prints the newest checkpoint of your tenant's log: a signed note (c2sp.org/tlog-checkpoint) with the number of entries and the root over them.

A checkpoint kept elsewhere is what finds a history that was rewritten as a whole, with the log's own key: give it to audit verify as
--checkpoint later.`,
		Example: "  aumosctl audit checkpoint --out 2026-11-22.checkpoint",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			client, done, err := a.audit(ctx)
			if err != nil {
				return err
			}
			defer done()
			res, err := call(ctx, a, client.GetCheckpoint, &governancev1.GetCheckpointRequest{})
			if err != nil {
				return err
			}
			if out != "" {
				return writeEvidence(out, res.GetCheckpoint().GetNote())
			}
			if a.format != formatTable {
				return a.printMessage("checkpoint", res.GetCheckpoint())
			}
			_, err = fmt.Fprint(a.stdout, res.GetCheckpoint().GetNote())
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the checkpoint to this file")
	return cmd
}
