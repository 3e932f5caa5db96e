package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) auditExportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "export --out FILE|-", Short: "Write your whole log to a file that verifies offline", Args: cobra.NoArgs,
		Long: `Writes the entries of your tenant's log and the checkpoint over them, one JSON object a line. Each entry stands there as the bytes that were
signed for and as readable JSON. The file appears when it is complete, readable by you alone.`,
		Example: `  aumosctl audit export --out wall.jsonl
  aumosctl audit verify wall.jsonl --key wall.vkey`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.auditExport(cmd.Context(), out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "the file, or - for standard output")
	_ = cmd.MarkFlagRequired("out") // fails for unknown flags only
	return cmd
}

func (a *app) auditExport(ctx context.Context, out string) error {
	client, done, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer done()
	if out == "-" {
		_, err := a.exportLog(ctx, client, a.stdout)
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(out), "."+filepath.Base(out)+"-*") // created with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // fails once the file has its name
	entries, err := a.exportLog(ctx, client, file)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), out); err != nil {
		return err
	}
	a.note("wrote %d entries to %s", entries, out)
	return nil
}

// exportPage is how many entries are asked for at a time: fewer than the most, since an entry may have 60 KB.
const exportPage = 200

// exportLog writes the log up to its newest checkpoint and returns the number of entries.
func (a *app) exportLog(ctx context.Context, client governancev1.AuditServiceClient, w io.Writer) (int64, error) {
	keys, err := call(ctx, a, client.ListLogKeys, &governancev1.ListLogKeysRequest{})
	if err != nil {
		return 0, err
	}
	head, err := call(ctx, a, client.GetCheckpoint, &governancev1.GetCheckpointRequest{})
	if err != nil {
		return 0, err
	}
	checkpoint, err := auditlog.Read(head.GetCheckpoint().GetNote())
	if err != nil {
		return 0, fmt.Errorf("the newest checkpoint cannot be read: %w", err)
	}
	header := auditlog.ExportHeader{Origin: checkpoint.Origin, TenantID: checkpoint.Origin[strings.LastIndex(checkpoint.Origin, "/")+1:]}
	for _, key := range keys.GetKeys() {
		header.Keys = append(header.Keys, key.GetVkey())
	}
	writer, err := auditlog.NewExportWriter(w, header)
	if err != nil {
		return 0, err
	}
	bar := output.NewBar(a.stderr, "reading the log")
	defer bar.Done()
	written := int64(0)
	for token := ""; written < checkpoint.Size; {
		res, err := call(ctx, a, client.ListEntries, &governancev1.ListEntriesRequest{
			PageSize: int32(min(exportPage, checkpoint.Size-written)), PageToken: token,
		})
		if err != nil {
			return written, err
		}
		for _, entry := range res.GetEntries() {
			if err := writer.Add(entry); err != nil {
				return written, err
			}
			written++
		}
		bar.Set(written, checkpoint.Size)
		if token = res.GetNextPageToken(); token == "" {
			break
		}
	}
	if written < checkpoint.Size {
		a.note("warning: the checkpoint covers %d entries, the log returned %d: audit verify says where they are missing", checkpoint.Size, written)
	}
	return written, writer.Close(head.GetCheckpoint().GetNote())
}
