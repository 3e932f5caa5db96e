package cli

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) auditCommand() *cobra.Command {
	return group("audit", "Read the Audit Wall and verify its evidence",
		a.auditListCommand(), a.auditWatchCommand(), a.auditShowCommand(), a.auditCorrectCommand(), a.auditProveCommand(), a.auditKeysCommand(), a.auditCheckpointCommand(),
		a.auditExportCommand(), a.auditVerifyCommand())
}

// audit connects to governance's AuditService; done closes the connection.
func (a *app) audit(ctx context.Context) (client governancev1.AuditServiceClient, done func(), err error) {
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return nil, nil, err
	}
	return governancev1.NewAuditServiceClient(conn), func() { _ = conn.Close() }, nil
}

// entryKey reads how an entry is named: by its index or its id.
func entryKey(text string) (*governancev1.GetEntryRequest, error) {
	if index, err := strconv.ParseInt(text, 10, 64); err == nil && index >= 0 {
		return &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_LeafIndex{LeafIndex: index}}, nil
	}
	if _, err := uuid.Parse(text); err != nil {
		return nil, fmt.Errorf("%q is neither the index of an entry nor its id (UUID)", text)
	}
	return &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_EntryId{EntryId: text}}, nil
}

func (a *app) auditKeysCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "keys", Short: "Print the public keys that sign your log", Args: cobra.NoArgs,
		Long: `Prints the public keys that sign the checkpoints of your tenant's log, one verifier key (c2sp.org/signed-note) a line.

Keep them where whoever runs the platform cannot change them, and compare them with what it publishes: verification is worth as much as the
keys that it trusts.`,
		Example: "  aumosctl audit keys --out wall.vkey",
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
			text := ""
			var textSb62 strings.Builder
			for _, key := range res.GetKeys() {
				textSb62.WriteString(key.GetVkey() + "\n")
			}
			text += textSb62.String()
			if out != "" {
				return writeEvidence(out, text)
			}
			if a.format != formatTable {
				return a.printMessage("log_keys", res)
			}
			_, err = fmt.Fprint(a.stdout, text)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the keys to this file")
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

func (a *app) auditProveCommand() *cobra.Command {
	var out, leaf string
	cmd := &cobra.Command{
		Use: "prove INDEX|ENTRY_ID", Short: "Get an entry's receipt", Args: cobra.ExactArgs(1),
		Long: `Gets the receipt of an entry: its index, the proof that it is in the log, and the signed checkpoint, in one text (c2sp.org/tlog-proof).

The receipt vouches for the hash of the entry's bytes. With --leaf the bytes are kept too, and audit verify --leaf says what the entry says.`,
		Example: `  aumosctl audit prove 12 --out entry-12.tlog-proof --leaf entry-12.leaf
  aumosctl audit verify entry-12.tlog-proof --leaf entry-12.leaf --key wall.vkey`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.auditProve(cmd.Context(), args[0], out, leaf) },
	}
	cmd.Flags().StringVar(&out, "out", "", "write the receipt to this file")
	cmd.Flags().StringVar(&leaf, "leaf", "", "write the entry's exact bytes to this file")
	return cmd
}

func (a *app) auditProve(ctx context.Context, key, out, leaf string) error {
	req, err := entryKey(key)
	if err != nil {
		return err
	}
	client, done, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer done()
	id := req.GetEntryId()
	if id == "" || leaf != "" {
		res, err := call(ctx, a, client.GetEntry, req)
		if err != nil {
			return err
		}
		id = res.GetEntry().GetEntry().GetEntryId()
		if leaf != "" {
			if err := writeEvidence(leaf, string(res.GetEntry().GetLeaf())); err != nil {
				return err
			}
		}
	}
	res, err := call(ctx, a, client.GetReceipt, &governancev1.GetReceiptRequest{EntryId: id})
	if err != nil {
		return err
	}
	switch {
	case out != "":
		return writeEvidence(out, res.GetReceipt())
	case a.format != formatTable:
		return a.printMessage("receipt", res)
	default:
		_, err = fmt.Fprint(a.stdout, res.GetReceipt())
		return err
	}
}

// writeEvidence writes a small file of evidence, which others are to read.
func writeEvidence(path, text string) error {
	return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // evidence is for others to read
}
