package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const simulateHelp = `Puts inputs to a candidate and to the version that decisions use, and says what differs. Nothing is decided; that it was done stands on the
Audit Wall.

` + candidateHelp + `

Each file of --input is a JSON object, or with the ending .jsonl one on each line. Without --input, the inputs are those of the directory's test cases.

Exit codes: 0 nothing changes, 1 answers change or the candidate does not compile, 3 failure.`

const simulateExample = `  aumosctl policy simulate promotion --dir policies/promotion
  aumosctl policy simulate promotion --version 4 --input today.jsonl --explain rules
  aumosctl policy simulate promotion --dir . --junit simulation.xml`

// maxSimulated is the contract's number of inputs of one simulation.
const maxSimulated = 100

type simulateOptions struct {
	candidateOptions

	inputs         []string
	compareWith    int32
	explain, junit string
}

func (a *app) policySimulateCommand() *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use: "simulate POLICY [--version N | --dir DIR] [--input FILE|-]...", Short: "Say what a candidate would answer otherwise",
		Long: simulateHelp, Example: simulateExample, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.policySimulate(cmd.Context(), args[0], o) },
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&o.inputs, "input", nil, "a file with inputs, or - for standard input; may be repeated")
	f.Int32Var(&o.compareWith, "compare-with", 0, "the number of the version to compare with (default: the active one)")
	f.StringVar(&o.explain, "explain", "", "explain the candidate's answers: rules or trace (in JSON output)")
	f.StringVar(&o.junit, "junit", "", "also write the results to this file, as JUnit XML")
	return cmd
}

func (a *app) policySimulate(ctx context.Context, policy string, o simulateOptions) error {
	explain, err := explainLevel(o.explain)
	if err != nil {
		return err
	}
	inputs, err := a.readSimulated(o.inputs)
	if err != nil {
		return err
	}
	policies, client, done, err := a.simulating(ctx)
	if err != nil {
		return err
	}
	defer done()
	c, err := a.findCandidate(ctx, policies, policy, o.candidateOptions)
	if err != nil {
		return err
	}
	if len(o.inputs) == 0 && c.directory != nil {
		for _, spec := range c.directory.Cases {
			inputs = append(inputs, &governancev1.SimulationInput{Name: spec.GetName(), Input: spec.GetInput(), Now: spec.GetNow()})
		}
	}
	switch {
	case len(inputs) == 0:
		return errors.New("there is nothing to simulate: name inputs by --input, or a --dir with test cases")
	case len(inputs) > maxSimulated:
		return fmt.Errorf("%d inputs, at most %d go into one simulation", len(inputs), maxSimulated)
	}
	req := &governancev1.SimulatePolicyRequest{PolicyId: c.policy.GetId(), Inputs: inputs, Explain: explain}
	if c.version != nil {
		req.Candidate = &governancev1.SimulatePolicyRequest_PolicyVersionId{PolicyVersionId: c.version.GetId()}
	} else {
		req.Candidate = &governancev1.SimulatePolicyRequest_Modules{Modules: c.modules}
	}
	if o.compareWith != 0 {
		other, err := a.findVersion(ctx, policies, c.policy, o.compareWith)
		if err != nil {
			return err
		}
		req.CompareWithPolicyVersionId = other.GetId()
	}
	res, err := call(ctx, a, client.SimulatePolicy, req)
	if err != nil {
		c.noteFiles(a, err)
		return err
	}
	if o.junit != "" {
		if err := writeSimulationJUnit(o.junit, c, res); err != nil {
			return err
		}
	}
	if a.format != formatTable {
		err = a.printMessage("simulation", res)
	} else {
		err = a.printSimulation(ctx, policies, c, res)
	}
	if err == nil && (len(res.GetErrors()) > 0 || differing(res.GetSummary()) > 0) {
		err = answer(exitNo)
	}
	return err
}

// readSimulated reads inputs; each has its file as its name, and its line where the file has several.
func (a *app) readSimulated(files []string) (inputs []*governancev1.SimulationInput, err error) {
	for _, file := range files {
		if filepath.Ext(file) != ".jsonl" {
			in, err := a.readInput(file)
			if err != nil {
				return nil, err
			}
			inputs = append(inputs, &governancev1.SimulationInput{Name: inputName(file, 0), Input: in})
			continue
		}
		data, err := readAtMost(file, maxInputText)
		if err != nil {
			return nil, err
		}
		for i, line := range bytes.Split(data, []byte("\n")) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			in, err := jsonObject(fmt.Sprintf("%s:%d", file, i+1), line)
			if err != nil {
				return nil, err
			}
			inputs = append(inputs, &governancev1.SimulationInput{Name: inputName(file, i+1), Input: in})
		}
	}
	return inputs, nil
}

// inputName names an input by the end of its file's path, as long as the contract allows.
func inputName(file string, line int) string {
	name := strings.ToValidUTF8(filepath.ToSlash(file), "_")
	if line > 0 {
		name = fmt.Sprintf("%s:%d", name, line)
	}
	const limit = 128
	runes := []rune(name)
	return string(runes[max(0, len(runes)-limit):])
}
