package calibration

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// family is a data set of null features that are compared in one run.
type family struct {
	features int
	what     string
	tests    map[detect.FeatureType][]detect.TestSetting

	runs, significant, alarms int // any q ≤ alpha; any DRIFT
}

func families() []family {
	several := map[detect.FeatureType][]detect.TestSetting{
		detect.Numeric:     {{Test: detect.TestKS}, {Test: detect.TestCVM}, {Test: detect.TestMannWhitney}, {Test: detect.TestPSI}, {Test: detect.TestJensenShannon}},
		detect.Categorical: {{Test: detect.TestChiSquare}, {Test: detect.TestG}, {Test: detect.TestHellinger}},
	}
	return []family{
		{features: 50, what: "default tests"},
		{features: 50, what: "five tests of each number, three of each category", tests: several},
		{features: 1000, what: "default tests"},
		{features: 1000, what: "five tests of each number, three of each category", tests: several},
	}
}

// measure compares data sets whose features are all null, of the numeric and categorical distributions in turn.
func (f *family) measure(ctx context.Context, runs, permutations int) error {
	var pool []source
	for _, s := range sources() {
		if s.kind == detect.Numeric || s.kind == detect.Categorical {
			pool = append(pool, s)
		}
	}
	for i := range runs {
		rng := rand.New(rand.NewPCG(uint64(f.features), uint64(i)))
		in := detect.Input{}
		for j := range f.features {
			s := pool[j%len(pool)]
			in.Features = append(in.Features, detect.FeatureInput{
				Name: fmt.Sprintf("f%d", j), Type: s.kind, Tests: f.tests[s.kind], Baseline: s.draw(rng, 300), Current: s.draw(rng, 200),
			})
		}
		run, err := detect.Evaluate(ctx, in, detect.Settings{Permutations: permutations, Seed: uint64(i)})
		if err != nil {
			return err
		}
		f.runs++
		if run.Status == detect.StatusDrift {
			f.alarms++
		}
		if anySignificant(run) {
			f.significant++
		}
	}
	return nil
}

func anySignificant(run detect.Run) bool {
	for _, feature := range run.Features {
		for _, r := range feature.Results {
			if r.QValue != nil && *r.QValue <= alpha {
				return true
			}
		}
	}
	return false
}
