package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

const streamCreateHelp = `Creates a stream: values in their order, which a concept-drift detector watches.

aumosctl drift stream detectors lists the detectors, the values that each takes, and its parameters. "errors" are 1 where the model was wrong and 0 where it
was right, for every detector.

After a drift, --policy restart lets the detector begin anew; hold keeps the answer DRIFT until drift stream reset; continue is for ADWIN, whose window
has dropped what is outdated.`

// streamOptions are the flags of drift stream create.
type streamOptions struct {
	detector, convention, model, policy string
	parameters                          []string
	seed                                int64
}

func (a *app) streamCreateCommand() *cobra.Command {
	var o streamOptions
	cmd := &cobra.Command{
		Use: "create NAME --detector DETECTOR", Short: "Create a stream", Long: streamCreateHelp, Args: cobra.ExactArgs(1),
		Example: "  aumosctl drift stream create churn-errors --detector ddm --model churn --param warm_start=100",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.streamCreate(cmd.Context(), args[0], &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.detector, "detector", "", "adwin, ddm, eddm, rddm, hddm-a, hddm-w, fhddm, stepd, page-hinkley, cusum, kswin, ecdd")
	f.StringVar(&o.convention, "convention", "", "the detector's convention (default: its first)")
	f.StringVar(&o.model, "model", "", "the name of the model that the values are of")
	f.StringVar(&o.policy, "policy", "restart", "what happens after a drift: restart, hold, continue")
	f.StringArrayVar(&o.parameters, "param", nil, "a parameter of the detector as NAME=VALUE; may be repeated")
	f.Int64Var(&o.seed, "seed", 0, "the seed of the detector's draws; only kswin draws")
	_ = cmd.MarkFlagRequired("detector") // fails for unknown flags only
	return cmd
}

func (a *app) streamCreate(ctx context.Context, name string, o *streamOptions) error {
	req, err := o.request(name)
	if err != nil {
		return err
	}
	clients, err := a.driftClients(ctx)
	if err != nil {
		return err
	}
	defer clients.close()
	if o.model != "" {
		list, err := call(ctx, a, clients.models.ListModels, &driftv1.ListModelsRequest{PageSize: 1, Name: o.model})
		if err != nil {
			return err
		}
		if len(list.GetModels()) == 0 {
			return fmt.Errorf("there is no model %q", o.model)
		}
		req.ModelId = list.GetModels()[0].GetId()
	}
	res, err := call(ctx, a, clients.streams.CreateStream, req)
	if err != nil {
		return err
	}
	return a.printStream(res.GetStream())
}

// request makes the request of the flags.
func (o *streamOptions) request(name string) (*driftv1.CreateStreamRequest, error) {
	detector := driftv1.StreamDetector_value["STREAM_DETECTOR_"+strings.ToUpper(strings.ReplaceAll(o.detector, "-", "_"))]
	if detector == 0 {
		names := slices.Sorted(maps.Values(driftv1.StreamDetector_name))
		names = slices.DeleteFunc(names, func(n string) bool { return driftv1.StreamDetector_value[n] == 0 })
		for i, n := range names {
			names[i] = detectorName(driftv1.StreamDetector(driftv1.StreamDetector_value[n]))
		}
		return nil, fmt.Errorf("--detector %q is none of %s", o.detector, strings.Join(names, ", "))
	}
	policy := driftv1.StreamPolicy_value["STREAM_POLICY_"+strings.ToUpper(o.policy)]
	if policy == 0 {
		return nil, fmt.Errorf("--policy %q is none of restart, hold, continue", o.policy)
	}
	if o.seed < 0 {
		return nil, errors.New("--seed must not be negative")
	}
	req := &driftv1.CreateStreamRequest{
		Name: name, Detector: driftv1.StreamDetector(detector), Convention: o.convention, Policy: driftv1.StreamPolicy(policy), Seed: o.seed,
		RequestId: uuid.NewString(), Parameters: make(map[string]float64, len(o.parameters)),
	}
	for _, p := range o.parameters {
		key, text, ok := strings.Cut(p, "=")
		value, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("--param %q is not NAME=NUMBER", p)
		}
		req.Parameters[key] = value
	}
	return req, nil
}
