package cli

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) auditProveCommand() *cobra.Command {
	var out, leaf, export string
	cmd := &cobra.Command{
		Use: "prove INDEX|ENTRY_ID", Short: "Get an entry's receipt", Args: cobra.ExactArgs(1),
		Long: `Gets the receipt of an entry: its index, the proof that it is in the log, and the signed checkpoint, in one text (c2sp.org/tlog-proof).

The receipt vouches for the hash of the entry's bytes. With --leaf the bytes are kept too, and audit verify --leaf says what the entry says.

With --from-export the receipt is made from an export or a bundle that holds the entry, without any server, and of the checkpoint there.`,
		Example: `  aumosctl audit prove 12 --out entry-12.tlog-proof --leaf entry-12.leaf
  aumosctl audit prove 12 --from-export wall.jsonl --out entry-12.tlog-proof
  aumosctl audit verify entry-12.tlog-proof --leaf entry-12.leaf --key wall.vkey`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if export != "" {
				return a.auditProveOffline(cmd.Context(), args[0], export, out, leaf)
			}
			return a.auditProve(cmd.Context(), args[0], out, leaf)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write the receipt to this file")
	cmd.Flags().StringVar(&leaf, "leaf", "", "write the entry's exact bytes to this file")
	cmd.Flags().StringVar(&export, "from-export", "", "make the receipt from this export or bundle, offline")
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
	return a.giveReceipt(res, out)
}

// auditProveOffline makes the receipt from a file.
func (a *app) auditProveOffline(ctx context.Context, key, export, out, leaf string) error {
	index, err := strconv.ParseInt(key, 10, 64)
	if err != nil || index < 0 {
		return fmt.Errorf("%q is not the index of an entry, by which an export is searched", key)
	}
	file, err := openEvidence(export)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	bar := output.NewBytesBar(a.stderr, "reading the export")
	defer bar.Done()
	reader, err := file.export(ctx, bar)
	if err != nil {
		return err
	}
	receipt, bytes, err := auditlog.ProveFromExport(reader, index)
	if err != nil {
		return fmt.Errorf("%s: %w", export, err)
	}
	if leaf != "" {
		if err := writeEvidence(leaf, string(bytes)); err != nil {
			return err
		}
	}
	entry, err := auditlog.Unmarshal(bytes)
	if err != nil {
		return err
	}
	hash := auditlog.LeafHash(bytes)
	return a.giveReceipt(&governancev1.GetReceiptResponse{
		Position: &governancev1.LogPosition{EntryId: entry.EntryID.String(), LeafIndex: index, LeafHash: hash[:], Position: index + 1},
		Receipt:  receipt,
	}, out)
}

func (a *app) giveReceipt(res *governancev1.GetReceiptResponse, out string) error {
	switch {
	case out != "":
		return writeEvidence(out, res.GetReceipt())
	case a.format != formatTable:
		return a.printMessage("receipt", res)
	default:
		_, err := fmt.Fprint(a.stdout, res.GetReceipt())
		return err
	}
}

// writeEvidence writes a small file of evidence, which others are to read.
func writeEvidence(path, text string) error {
	return os.WriteFile(path, []byte(text), 0o644) // evidence is for others to read
}
