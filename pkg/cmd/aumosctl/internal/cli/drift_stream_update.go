package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

const streamUpdateHelp = `Gives a stream its next values: numbers, one in a line, or a column of a CSV file with a header. "-" reads standard input.

The values are sent in batches as they are read, each with its place in the stream, so that none is taken twice. After a failure, the command can
be run again with --from and the sequence of the file's first value: what the stream has taken already is skipped.

Exit codes: 0 no drift was found, 1 a drift was found (or is held), 3 failure.`

// streamBatch is how many values the contract allows in one request.
const streamBatch = 65_536

// streamUpdate are the flags of drift stream update.
type streamUpdate struct {
	file, column string
	from         int64
	given        bool // from
	batch        int
}

func (a *app) streamUpdateCommand() *cobra.Command {
	var o streamUpdate
	cmd := &cobra.Command{
		Use: "update STREAM FILE", Short: "Give a stream its next values", Long: streamUpdateHelp, Args: cobra.ExactArgs(2),
		Example: "  aumosctl drift stream update churn-errors errors.txt\n  aumosctl drift stream update churn-errors day.csv --column wrong --from 120000",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file, o.given = args[1], cmd.Flags().Changed("from")
			return a.streamUpdate(cmd.Context(), args[0], &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.column, "column", "", "the column of a CSV file with a header; without it, each line is a number")
	f.Int64Var(&o.from, "from", 0, "the sequence of the file's first value (default: the stream's next)")
	f.IntVar(&o.batch, "batch", streamBatch, "how many values are sent at once")
	return cmd
}

func (a *app) streamUpdate(ctx context.Context, key string, o *streamUpdate) error {
	if o.batch < 1 || o.batch > streamBatch {
		return fmt.Errorf("--batch must be from 1 to %d", streamBatch)
	}
	if o.given && o.from < 0 {
		return errors.New("--from must not be negative")
	}
	input, name := a.stdin, "standard input"
	if o.file != "-" {
		file, err := os.Open(o.file)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		input, name = file, filepath.Base(o.file)
	}
	values, err := newStreamValues(input, o.column)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	clients, err := a.driftClients(ctx)
	if err != nil {
		return err
	}
	defer clients.close()
	s, err := a.findStream(ctx, clients.streams, key)
	if err != nil {
		return err
	}
	if o.given {
		if o.from > s.GetNextSequence() {
			return fmt.Errorf("--from %d leaves a gap: the stream's next value is %d", o.from, s.GetNextSequence())
		}
		skipped, err := values.skip(s.GetNextSequence() - o.from)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if skipped > 0 {
			a.note("skipped %s, which the stream has already", plural(skipped, "value"))
		}
	}
	report, sendErr := a.sendValues(ctx, clients.streams, s, values, o.batch)
	if sendErr == nil || len(report.GetDrifts()) > 0 { // a drift is told, whatever happened after it
		if err := a.printStreamReport(report); err != nil {
			return err
		}
	}
	if sendErr != nil {
		a.note("%d is the stream's next value: those before it are taken", report.GetStream().GetNextSequence())
		return fmt.Errorf("%s: %w", name, sendErr)
	}
	return streamExit(len(report.GetDrifts()) > 0 || report.GetStream().GetZone() == driftv1.StreamZone_STREAM_ZONE_DRIFT)
}

// sendValues sends all values and puts the answers together; with an error, those before it.
func (a *app) sendValues(
	ctx context.Context, c driftv1.ConceptDriftServiceClient, s *driftv1.Stream, values *streamValues, size int,
) (*driftv1.UpdateStreamResponse, error) {
	report := &driftv1.UpdateStreamResponse{Stream: s}
	for {
		batch, err := values.next(size)
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return report, err
		}
		if len(batch) > 0 {
			res, err := call(ctx, a, c.UpdateStream, &driftv1.UpdateStreamRequest{
				StreamId: s.GetId(), FirstSequence: report.GetStream().GetNextSequence(), Values: batch,
			})
			if err != nil {
				return report, err
			}
			report.Stream = res.GetStream()
			report.Drifts = append(report.Drifts, res.GetDrifts()...)
			report.Warnings = append(report.Warnings, res.GetWarnings()...)
		}
		if ended {
			if report.GetStream().GetNextSequence() == s.GetNextSequence() {
				a.note("note: there is no value that the stream has not taken already")
			}
			return report, nil
		}
	}
}
