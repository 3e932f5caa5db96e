package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

func (a *app) driftCommand() *cobra.Command {
	return group("drift", "Detect drift of a model's data", a.driftDetectCommand(), a.driftCompareCommand(), a.driftGetCommand(), a.driftListCommand(),
		a.driftTestsCommand(), a.driftRecommendCommand(), a.driftTrendCommand(), a.driftPerformanceCommand(), a.driftStreamCommand())
}

// driftClients are the services of drift on one connection.
type driftClients struct {
	conn         *grpc.ClientConn
	performances driftv1.PerformanceServiceClient
	models       driftv1.ModelServiceClient
	monitors     driftv1.MonitorServiceClient
	baselines    driftv1.BaselineServiceClient
	detections   driftv1.DetectionServiceClient
	streams      driftv1.ConceptDriftServiceClient
}

func (a *app) driftClients(ctx context.Context) (*driftClients, error) {
	conn, err := a.dialDrift(ctx)
	if err != nil {
		return nil, err
	}
	return &driftClients{
		conn:         conn,
		performances: driftv1.NewPerformanceServiceClient(conn),
		models:       driftv1.NewModelServiceClient(conn),
		monitors:     driftv1.NewMonitorServiceClient(conn),
		baselines:    driftv1.NewBaselineServiceClient(conn),
		detections:   driftv1.NewDetectionServiceClient(conn),
		streams:      driftv1.NewConceptDriftServiceClient(conn),
	}, nil
}

// close ends the connection; there is nothing left to lose by then.
func (c *driftClients) close() { _ = c.conn.Close() }

func (a *app) driftGetCommand() *cobra.Command {
	var files resultFiles
	var summary bool
	cmd := &cobra.Command{
		Use: "get ID", Short: "Show a detection", Args: cobra.ExactArgs(1),
		Long: "Shows a detection with its evidence. Exit codes as those of drift detect.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			id, err := identifier(args[0], "a detection", "drift list")
			if err != nil {
				return err
			}
			clients, err := a.driftClients(ctx)
			if err != nil {
				return err
			}
			defer clients.close()
			res, err := call(ctx, a, clients.detections.GetDetection, &driftv1.GetDetectionRequest{DetectionId: id})
			if err != nil {
				return err
			}
			return a.reportDetection(res.GetDetection(), files, summary)
		},
	}
	files.flags(cmd)
	cmd.Flags().BoolVar(&summary, "summary", false, "leave the features' results out of the JSON")
	return cmd
}

func (a *app) driftListCommand() *cobra.Command {
	var limit int
	var monitor, status string
	cmd := &cobra.Command{
		Use: "list", Short: "List detections, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.driftList(cmd.Context(), limit, monitor, status) },
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	cmd.Flags().StringVar(&monitor, "monitor", "", "only detections of the monitor with this name")
	cmd.Flags().StringVar(&status, "status", "", "only detections with this status: ok, warning, drift, insufficient_data, error, not_applicable")
	return cmd
}

func (a *app) driftList(ctx context.Context, limit int, monitor, status string) error {
	req := &driftv1.ListDetectionsRequest{}
	if status != "" {
		value, ok := driftv1.DriftStatus_value["DRIFT_STATUS_"+strings.ToUpper(status)]
		if !ok || value == 0 {
			return fmt.Errorf("--status %q is none of ok, warning, drift, insufficient_data, error, not_applicable", status)
		}
		req.Status = driftv1.DriftStatus(value)
	}
	clients, err := a.driftClients(ctx)
	if err != nil {
		return err
	}
	defer clients.close()
	if monitor != "" {
		m, err := a.monitorByName(ctx, clients, monitor)
		if err != nil {
			return err
		}
		if m == nil {
			return fmt.Errorf("there is no monitor %q", monitor)
		}
		req.MonitorId = m.GetId()
	}
	items := pages(limit, func(size int32, token string) ([]*driftv1.Detection, string, error) {
		req.PageSize, req.PageToken = size, token
		res, err := call(ctx, a, clients.detections.ListDetections, req)
		return res.GetDetections(), res.GetNextPageToken(), err
	})
	grid := output.NewGrid("id", "time", "status", ">severity", ">drifted", ">rows", "evidence", "description")
	return printList(a, items, grid, func(d *driftv1.Detection) []string {
		return []string{
			d.GetId(), when(d.GetCreateTime()), statusName(d.GetStatus()), fmt.Sprintf("%.2f", d.GetSeverity()),
			fmt.Sprintf("%d/%d", d.GetDriftedFeatureCount(), d.GetFeatureCount()), strconv.FormatInt(d.GetRowCount(), 10),
			evidenceText(d.GetEvidence()), d.GetDescription(),
		}
	})
}

func statusName(s driftv1.DriftStatus) string { return enum(s.String(), "DRIFT_STATUS_") }

func evidenceText(e *driftv1.Evidence) string {
	if e.GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED {
		return "pending"
	}
	return fmt.Sprintf("index %d", e.GetLeafIndex())
}
