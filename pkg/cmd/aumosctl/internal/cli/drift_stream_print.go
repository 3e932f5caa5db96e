package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// printStream prints a stream.
func (a *app) printStream(s *driftv1.Stream) error {
	if a.format != formatTable {
		return a.printMessage("stream", s)
	}
	var parameters []string
	for _, name := range slices.Sorted(maps.Keys(s.GetParameters())) {
		parameters = append(parameters, parameterText(name, s.GetParameters()[name]))
	}
	zone := zoneName(s.GetZone())
	if s.WarningBeganSequence != nil {
		zone += fmt.Sprintf(" since %d", s.GetWarningBeganSequence())
	}
	pairs := []string{
		"stream", s.GetName(), "id", s.GetId(), "detector", s.GetConvention(), "parameters", strings.Join(parameters, " "),
		"policy", strings.ToLower(enum(s.GetPolicy().String(), "STREAM_POLICY_")), "values", strconv.FormatInt(s.GetNextSequence(), 10), "zone", zone,
		"drifts", strconv.FormatInt(s.GetDriftCount(), 10),
	}
	if d := s.GetLastDrift(); d != nil {
		pairs = append(pairs, "last drift", driftText(d))
	}
	return output.Pairs(a.stdout, "", pairs...)
}

// parameterText is a parameter with every digit that it has.
func parameterText(name string, value float64) string {
	return name + "=" + strconv.FormatFloat(value, 'g', -1, 64)
}

// driftText is a drift in a few words.
func driftText(d *driftv1.StreamDrift) string {
	return fmt.Sprintf("found at %d, began at %d, mean %s → %s", d.GetSequence(), d.GetBeganSequence(), meanBefore(d), output.Number(d.GetMeanAfter()))
}

func meanBefore(d *driftv1.StreamDrift) string {
	if d.MeanBefore == nil {
		return "?"
	}
	return output.Number(d.GetMeanBefore())
}

func driftGrid() *output.Grid {
	return output.NewGrid(">found at", ">began at", "direction", ">mean before", ">mean after", "time", "evidence")
}

func driftRow(d *driftv1.StreamDrift) []string {
	return []string{
		strconv.FormatInt(d.GetSequence(), 10), strconv.FormatInt(d.GetBeganSequence(), 10), enum(d.GetDirection().String(), "DRIFT_DIRECTION_"),
		meanBefore(d), output.Number(d.GetMeanAfter()), when(d.GetCreateTime()), evidenceText(d.GetEvidence()),
	}
}

// printStreamReport prints what was found in the values that were sent.
func (a *app) printStreamReport(r *driftv1.UpdateStreamResponse) error {
	if a.format != formatTable {
		return a.printMessage("update", r)
	}
	s := r.GetStream()
	if _, err := fmt.Fprintf(a.stdout, "%s: %s found, %s so far\n", zoneName(s.GetZone()), plural(len(r.GetDrifts()), "drift"), plural(s.GetNextSequence(), "value")); err != nil {
		return err
	}
	if len(r.GetDrifts()) == 0 {
		return nil
	}
	grid := driftGrid()
	for _, d := range r.GetDrifts() {
		grid.Row(driftRow(d)...)
	}
	return grid.Print(a.stdout, "")
}
