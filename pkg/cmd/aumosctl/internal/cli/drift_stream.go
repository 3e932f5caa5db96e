package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

func (a *app) driftStreamCommand() *cobra.Command {
	return group("stream", "Watch streams of errors or scores for concept drift", a.streamCreateCommand(), a.streamUpdateCommand(), a.streamGetCommand(),
		a.streamListCommand(), a.streamDriftsCommand(), a.streamResetCommand(), a.streamDetectorsCommand())
}

// streamCommand makes a command about one stream, which is named or given by its id.
func (a *app) streamCommand(use, short string, run func(ctx context.Context, c driftv1.ConceptDriftServiceClient, s *driftv1.Stream) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " STREAM", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			clients, err := a.driftClients(ctx)
			if err != nil {
				return err
			}
			defer clients.close()
			s, err := a.findStream(ctx, clients.streams, args[0])
			if err != nil {
				return err
			}
			return run(ctx, clients.streams, s)
		},
	}
}

// findStream finds a stream by its id or its name.
func (a *app) findStream(ctx context.Context, c driftv1.ConceptDriftServiceClient, key string) (*driftv1.Stream, error) {
	if _, err := uuid.Parse(key); err == nil {
		res, err := call(ctx, a, c.GetStream, &driftv1.GetStreamRequest{StreamId: key})
		return res.GetStream(), err
	}
	res, err := call(ctx, a, c.ListStreams, &driftv1.ListStreamsRequest{PageSize: 1, Name: key})
	if err != nil {
		return nil, err
	}
	if len(res.GetStreams()) == 0 {
		return nil, fmt.Errorf("there is no stream %q", key)
	}
	return res.GetStreams()[0], nil
}

func (a *app) streamGetCommand() *cobra.Command {
	cmd := a.streamCommand("get", "Show a stream", func(_ context.Context, _ driftv1.ConceptDriftServiceClient, s *driftv1.Stream) error {
		if err := a.printStream(s); err != nil {
			return err
		}
		return streamExit(s.GetZone() == driftv1.StreamZone_STREAM_ZONE_DRIFT)
	})
	cmd.Long = "Shows a stream, by its name or id. Exit codes: 0, or 1 in the zone DRIFT."
	return cmd
}

func (a *app) streamListCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List streams, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			clients, err := a.driftClients(ctx)
			if err != nil {
				return err
			}
			defer clients.close()
			items := pages(limit, func(size int32, token string) ([]*driftv1.Stream, string, error) {
				res, err := call(ctx, a, clients.streams.ListStreams, &driftv1.ListStreamsRequest{PageSize: size, PageToken: token})
				return res.GetStreams(), res.GetNextPageToken(), err
			})
			grid := output.NewGrid("id", "name", "detector", ">values", "zone", ">drifts", "last change")
			return printList(a, items, grid, func(s *driftv1.Stream) []string {
				return []string{
					s.GetId(), s.GetName(), s.GetConvention(), strconv.FormatInt(s.GetNextSequence(), 10), zoneName(s.GetZone()),
					strconv.FormatInt(s.GetDriftCount(), 10), when(s.GetUpdateTime()),
				}
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	return cmd
}

func (a *app) streamDriftsCommand() *cobra.Command {
	var limit int
	cmd := a.streamCommand("drifts", "List the drifts of a stream, newest first", func(ctx context.Context, c driftv1.ConceptDriftServiceClient, s *driftv1.Stream) error {
		items := pages(limit, func(size int32, token string) ([]*driftv1.StreamDrift, string, error) {
			res, err := call(ctx, a, c.ListStreamDrifts, &driftv1.ListStreamDriftsRequest{StreamId: s.GetId(), PageSize: size, PageToken: token})
			return res.GetDrifts(), res.GetNextPageToken(), err
		})
		return printList(a, items, driftGrid(), driftRow)
	})
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	return cmd
}

func (a *app) streamResetCommand() *cobra.Command {
	return a.streamCommand("reset", "Make a stream's detector forget what it has seen", func(ctx context.Context, c driftv1.ConceptDriftServiceClient, s *driftv1.Stream) error {
		res, err := call(ctx, a, c.ResetStream, &driftv1.ResetStreamRequest{StreamId: s.GetId(), Etag: s.GetEtag(), RequestId: uuid.NewString()})
		if err != nil {
			return err
		}
		return a.printStream(res.GetStream())
	})
}

func (a *app) streamDetectorsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "detectors", Short: "Describe the detectors and their parameters", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			clients, err := a.driftClients(ctx)
			if err != nil {
				return err
			}
			defer clients.close()
			items := func(yield func(*driftv1.DetectorInfo, error) bool) {
				res, err := call(ctx, a, clients.streams.ListDetectors, &driftv1.ListDetectorsRequest{})
				if err != nil {
					yield(nil, err)
					return
				}
				for _, d := range res.GetDetectors() {
					if !yield(d, nil) {
						return
					}
				}
			}
			grid := output.NewGrid("detector", "values", "conventions", "parameters")
			return printList(a, items, grid, func(d *driftv1.DetectorInfo) []string {
				var parameters []string
				for _, p := range d.GetParameters() {
					parameters = append(parameters, parameterText(p.GetName(), p.GetDefaultValue()))
				}
				return []string{
					detectorName(d.GetDetector()), strings.ToLower(enum(d.GetInput().String(), "STREAM_INPUT_")), strings.Join(d.GetConventions(), " "),
					strings.Join(parameters, " "),
				}
			})
		},
	}
}

// streamExit is the exit code for whether there is a drift.
func streamExit(drift bool) error {
	if drift {
		return answer(exitNo)
	}
	return nil
}

func zoneName(z driftv1.StreamZone) string { return enum(z.String(), "STREAM_ZONE_") }

func detectorName(d driftv1.StreamDetector) string {
	return strings.ReplaceAll(strings.ToLower(enum(d.String(), "STREAM_DETECTOR_")), "_", "-")
}
