package calibration

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// change is how the current sample differs from a standard normal baseline.
type change struct {
	name string
	draw func(rng *rand.Rand) float64
}

// changes are those that peers.py draws too, by the same names.
func changes() []change {
	shift := func(by float64) change {
		return change{fmt.Sprintf("shift %g σ", by), func(rng *rand.Rand) float64 { return rng.NormFloat64() + by }}
	}
	scale := func(by float64) change {
		return change{fmt.Sprintf("scale × %g", by), func(rng *rand.Rand) float64 { return rng.NormFloat64() * by }}
	}
	return []change{
		shift(0), shift(0.1), shift(0.2), shift(0.3), shift(0.5), shift(1), scale(1.2), scale(1.5), scale(2),
		{"shape: exponential", func(rng *rand.Rand) float64 { return rng.ExpFloat64() - 1 }},
		{"shape: t₃", func(rng *rand.Rand) float64 { return studentT3(rng) / math.Sqrt(3) }},
		{"one outlier, shift 1 σ", nil}, // the current sample has one value of a million besides
	}
}

// powerSizes are baseline and current rows.
var powerSizes = [][2]int{{200, 200}, {2000, 2000}}

// power is in how many of draws a test found each change.
type power struct {
	name  string
	draws int
	found []int // by change
	drift []int // that are as large as matters, too
}

// measurePower runs every numeric test with its default convention.
func measurePower(ctx context.Context, size [2]int, draws int) ([]power, error) {
	var powers []power
	var tests []detect.TestSetting
	for _, spec := range detect.Catalog() {
		if !spec.Test.Applies(detect.Numeric) || spec.Kind == detect.KindQuality {
			continue
		}
		convention, _ := spec.Convention("", detect.Numeric)
		tests = append(tests, detect.TestSetting{Test: spec.Test})
		powers = append(powers, power{name: convention.Name, draws: draws, found: make([]int, len(changes())), drift: make([]int, len(changes()))})
	}
	normal := func(rng *rand.Rand) float64 { return rng.NormFloat64() }
	for c, change := range changes() {
		runs, errs := make([]detect.Run, draws), make([]error, draws)
		each(draws, func(i int) {
			rng := rand.New(rand.NewPCG(uint64(c), uint64(i)))
			in := detect.FeatureInput{Name: "x", Type: detect.Numeric, Tests: tests, Baseline: sorted(rng, size[0], normal)}
			if change.draw != nil {
				in.Current = sorted(rng, size[1], change.draw)
			} else {
				in.Current = sorted(rng, size[1], func(rng *rand.Rand) float64 { return rng.NormFloat64() + 1 })
				in.Current.Sorted[size[1]-1] = 1e6
			}
			runs[i], errs[i] = detect.Evaluate(ctx, detect.Input{Features: []detect.FeatureInput{in}}, detect.Settings{Permutations: 199, Seed: uint64(i)})
		})
		for i, run := range runs {
			if errs[i] != nil {
				return nil, errs[i]
			}
			for j := range powers {
				r := run.Features[0].Results[j]
				if r.PValue != nil && *r.PValue <= alpha {
					powers[j].found[c]++
					if *r.Effect >= r.MinEffect {
						powers[j].drift[c]++
					}
				}
			}
		}
	}
	return powers, nil
}

func sorted(rng *rand.Rand, n int, draw func(*rand.Rand) float64) detect.Sample {
	s := numeric("", nil, draw).draw(rng, n)
	s.Rows, s.Missing = int64(n), 0
	return s
}

// peerPower asks the peers the same, by testdata/peers.py.
func peerPower(ctx context.Context, python string, size [2]int, draws int) ([]power, error) {
	cmd := exec.CommandContext(ctx, python, "testdata/peers.py", strconv.Itoa(size[0]), strconv.Itoa(size[1]), strconv.Itoa(draws))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run the peers (make peers installs them): %w", err)
	}
	var found []struct {
		Name  string
		Found map[string]int
	}
	if err := json.Unmarshal(out, &found); err != nil {
		return nil, err
	}
	var powers []power
	for _, f := range found {
		p := power{name: f.Name, draws: draws}
		for _, c := range changes() {
			n, ok := f.Found[c.name]
			if !ok {
				return nil, fmt.Errorf("peers.py has no %q", c.name)
			}
			p.found = append(p.found, n)
		}
		powers = append(powers, p)
	}
	return powers, nil
}
