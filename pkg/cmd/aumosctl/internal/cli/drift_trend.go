package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// maxTrendPoints is how many points the service takes.
const maxTrendPoints = 2000

const trendHelp = `Says what a series of numbers did with time: whether it rises or falls (Mann-Kendall, corrected for autocorrelation), how fast (Theil-Sen),
where its level changed, whether it repeats, and where it goes. Nothing is kept.

The file is CSV with a header; - reads standard input. Times are RFC 3339 or dates, which mean midnight UTC; rows may stand in any order. A row without
a value is left out.`

func (a *app) driftTrendCommand() *cobra.Command {
	var o trendOptions
	cmd := &cobra.Command{
		Use: "trend FILE", Short: "Analyze a series of numbers", Long: trendHelp, Args: cobra.ExactArgs(1),
		Example: "  aumosctl drift trend severity.csv --forecast 14 --min 0 --max 1 --threshold 0.5",
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := o.request(cmd, args[0])
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			clients, err := a.driftClients(ctx)
			if err != nil {
				return err
			}
			defer clients.close()
			res, err := call(ctx, a, clients.detections.AnalyzeTrend, req)
			if err != nil {
				return err
			}
			if a.format != formatTable {
				return a.printMessage("trend", res.GetTrend())
			}
			return a.printTrend(res.GetTrend())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.time, "time", "time", "the column of times")
	f.StringVar(&o.value, "value", "value", "the column of values")
	f.Int32Var(&o.horizon, "forecast", 0, "how many points to forecast, at most 1000")
	f.Float64Var(&o.min, "min", 0, "the smallest value that there can be")
	f.Float64Var(&o.max, "max", 0, "the largest value that there can be")
	f.Float64Var(&o.threshold, "threshold", 0, "a value whose crossing is looked for in the forecast")
	return cmd
}

type trendOptions struct {
	time, value         string
	horizon             int32
	min, max, threshold float64
}

func (o *trendOptions) request(cmd *cobra.Command, path string) (*driftv1.AnalyzeTrendRequest, error) {
	req := &driftv1.AnalyzeTrendRequest{Horizon: o.horizon}
	for flag, field := range map[string]struct {
		value *float64
		to    **float64
	}{"min": {&o.min, &req.Min}, "max": {&o.max, &req.Max}, "threshold": {&o.threshold, &req.Threshold}} {
		if cmd.Flags().Changed(flag) {
			*field.to = field.value
		}
	}
	input := cmd.InOrStdin()
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // nothing was written
		input = file
	}
	var err error
	if req.Points, err = readTrend(input, o.time, o.value); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return req, nil
}

// readTrend reads the points of two columns.
func readTrend(input io.Reader, timeColumn, valueColumn string) (points []*driftv1.TrendPoint, err error) {
	reader := csv.NewReader(input)
	reader.ReuseRecord, reader.TrimLeadingSpace = true, true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("there is no header")
	}
	if err != nil {
		return nil, err
	}
	header[0] = strings.TrimPrefix(header[0], "\uFEFF")
	at, of := slices.Index(header, timeColumn), slices.Index(header, valueColumn)
	switch {
	case at < 0:
		return nil, fmt.Errorf("there is no column %q of times, there is %s: say --time COLUMN", timeColumn, strings.Join(header, ", "))
	case of < 0:
		return nil, fmt.Errorf("there is no column %q of values, there is %s: say --value COLUMN", valueColumn, strings.Join(header, ", "))
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return points, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := reader.FieldPos(of)
		text := strings.TrimSpace(record[of])
		if text == "" {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("line %d: %q is no finite number", line, text)
		}
		when, err := parseInstant(strings.TrimSpace(record[at]))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if len(points) == maxTrendPoints {
			return nil, fmt.Errorf("there are more than %d points", maxTrendPoints)
		}
		points = append(points, &driftv1.TrendPoint{Time: timestamppb.New(when), Value: value})
	}
}

// parseInstant reads RFC 3339 or a date.
func parseInstant(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a time like 2026-01-31T12:00:00Z nor a date", text)
}

func (a *app) printTrend(t *driftv1.Trend) error {
	pairs := []string{"points", strconv.Itoa(int(t.GetPointCount()))}
	if k := t.GetMannKendall(); k != nil {
		direction := map[driftv1.DriftDirection]string{
			driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE: "rises", driftv1.DriftDirection_DRIFT_DIRECTION_DECREASE: "falls",
		}[t.GetDirection()]
		if direction == "" {
			direction = "none that chance would not make"
		}
		slope := t.GetTheilSen()
		pairs = append(
			pairs, "trend", fmt.Sprintf("%s: tau %s, p = %s", direction, output.Number(k.GetTau()), output.Number(k.GetCorrectedPValue())),
			"slope", fmt.Sprintf("%s a day (%s to %s)", quantity(slope.GetSlopePerDay()), quantity(slope.GetSlopeInterval().GetLower()), quantity(slope.GetSlopeInterval().GetUpper())),
		)
	}
	for _, c := range t.GetChanges() {
		pairs = append(pairs, "change", fmt.Sprintf("%s: from %s to %s", when(c.GetTime()), quantity(c.GetBefore()), quantity(c.GetAfter())))
	}
	if s := t.GetSeason(); s.GetSignificant() {
		pairs = append(pairs, "season", fmt.Sprintf("%s days, amplitude %s, %s of the variance, p = %s",
			quantity(s.GetPeriodDays()), quantity(s.GetAmplitude()), output.Percent(s.GetStrength()), output.Number(s.GetPValue())))
	}
	if crossing := t.GetForecast().GetCrossingTime(); crossing != nil {
		pairs = append(pairs, "reaches threshold", when(crossing))
	}
	if len(t.GetMissing()) > 0 {
		pairs = append(pairs, "not said", strings.Join(t.GetMissing(), "; "))
	}
	if err := output.Pairs(a.stdout, "", pairs...); err != nil || len(t.GetForecast().GetPoints()) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	grid := output.NewGrid("time", ">forecast", ">from", ">to")
	for _, p := range t.GetForecast().GetPoints() {
		grid.Row(when(p.GetTime()), quantity(p.GetValue()), quantity(p.GetInterval().GetLower()), quantity(p.GetInterval().GetUpper()))
	}
	return grid.Print(a.stdout, "")
}
