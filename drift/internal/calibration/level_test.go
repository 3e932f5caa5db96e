package calibration

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

const alpha = 0.05

// subject is a convention of a test under null data of one distribution and size.
type subject struct {
	spec       detect.Spec
	convention string
	source     string
	kind       detect.FeatureType // empty: whole rows
	baseline   int
	current    int

	// input draws a pair of equal samples with the test as the only one.
	input func(rng *rand.Rand) detect.Input
}

// name names the subject, whatever the catalog's order.
func (s subject) name() string {
	return fmt.Sprintf("%s, %s: %s, %d/%d", s.convention, s.kindName(), s.source, s.baseline, s.current)
}

func (s subject) kindName() string {
	if s.kind == "" {
		return "rows"
	}
	return strings.ToLower(string(s.kind))
}

// subjects pairs every convention of the catalog with every distribution that it applies to.
func subjects(features, rows [][2]int) []subject {
	var all []subject
	for _, spec := range detect.Catalog() {
		for _, source := range sources() {
			if !spec.Test.Applies(source.kind) {
				continue
			}
			for _, convention := range spec.Conventions {
				if _, ok := spec.Convention(convention.Name, source.kind); !ok {
					continue
				}
				sizes := features
				if source.kind == detect.Vector {
					sizes = rows
				}
				for _, size := range sizes {
					all = append(all, featureSubject(spec, convention.Name, source, size))
				}
			}
		}
		if !spec.Test.AppliesToRows() {
			continue
		}
		for _, table := range tables() {
			for _, convention := range spec.Conventions {
				if _, ok := spec.Convention(convention.Name, detect.Numeric); !ok {
					continue // for vectors only
				}
				for _, size := range rows {
					all = append(all, rowSubject(spec, convention.Name, table, size))
				}
			}
		}
	}
	return all
}

func featureSubject(spec detect.Spec, convention string, s source, size [2]int) subject {
	return subject{
		spec: spec, convention: convention, source: s.name, kind: s.kind, baseline: size[0], current: size[1],
		input: func(rng *rand.Rand) detect.Input {
			return detect.Input{Features: []detect.FeatureInput{{
				Name: "x", Type: s.kind, Baseline: s.draw(rng, size[0]), Current: s.draw(rng, size[1]), Constraint: s.constraint,
				Tests: []detect.TestSetting{{Test: spec.Test, Convention: convention}},
			}}}
		},
	}
}

func rowSubject(spec detect.Spec, convention string, s tableSource, size [2]int) subject {
	return subject{
		spec: spec, convention: convention, source: s.name, baseline: size[0], current: size[1],
		input: func(rng *rand.Rand) detect.Input {
			return detect.Input{Rows: &detect.RowInput{
				Baseline: s.table(rng, size[0]), Current: s.table(rng, size[1]),
				Tests: []detect.TestSetting{{Test: spec.Test, Convention: convention}},
			}}
		},
	}
}

// level is what null draws of one subject said.
type level struct {
	subject subject

	draws     int // with a p-value
	rejected  int // p ≤ alpha
	beyond    int // with a threshold, and a statistic beyond it
	threshold int // with a threshold
	drift     int // DRIFT: significant and as large as matters
	without   int // no p-value, and why
	reason    string
	err       error
	repeated  bool // measured again because the first samples were called different too often
}

// measure makes draws of null samples.
func (s subject) measure(ctx context.Context, draws, permutations int, seed uint64) level {
	l := level{subject: s}
	l.extend(ctx, draws, draws, permutations, seed, 0)
	return l
}

// extend goes on to so many draws in all, and stops early when the time is used up, though not before least of them. It returns what it took.
func (l *level) extend(ctx context.Context, draws, least, permutations int, seed uint64, limit time.Duration) time.Duration {
	start := time.Now()
	for i := l.made(); i < draws && l.err == nil && ctx.Err() == nil; i++ {
		if i >= least && time.Since(start) > limit {
			break
		}
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		// The seed of a run is the user's, and usually the same: it changes here so that the draws are independent.
		run, err := detect.Evaluate(ctx, l.subject.input(rng), detect.Settings{Permutations: permutations, Seed: seed + uint64(i)*7919})
		if err != nil {
			l.err = err
			break
		}
		l.add(run)
	}
	return time.Since(start)
}

// made is the number of draws, each of which has one result.
func (l *level) made() int { return l.draws + l.without }

func (l *level) add(run detect.Run) {
	results := run.Rows
	if len(run.Features) > 0 {
		results = run.Features[0].Results
	}
	for _, r := range results {
		if r.Test != l.subject.spec.Test {
			continue // the missing rate comes with every feature
		}
		switch {
		case r.Status == detect.StatusError:
			l.err = fmt.Errorf("%s: %s", l.subject.name(), r.Reason)
		case r.PValue == nil:
			l.without++
			l.reason = r.Reason
		default:
			l.draws++
			if *r.PValue <= alpha {
				l.rejected++
			}
			if r.Status == detect.StatusDrift {
				l.drift++
			}
			if r.Threshold != nil {
				l.threshold++
				if beyond(r) {
					l.beyond++
				}
			}
		}
	}
}

// beyond tells whether the statistic lies on the far side of its threshold, seen from where it is expected.
func beyond(r detect.Result) bool {
	centre := 0.0
	if r.Test == detect.TestMannWhitney { // U lies about half of all pairs
		centre = float64(r.BaselineN) * float64(r.CurrentN) / 2
	}
	return math.Abs(*r.Statistic-centre) > math.Abs(*r.Threshold-centre)*(1+1e-12)
}

func (l level) rate() float64 { return float64(l.rejected) / float64(max(l.draws, 1)) }

func (l level) beyondRate() float64 { return float64(l.beyond) / float64(max(l.threshold, 1)) }

// slack is three standard errors of a rate that is alpha.
func slack(draws int) float64 { return 3 * math.Sqrt(alpha*(1-alpha)/float64(max(draws, 1))) }

// tooMany tells whether equal samples were called different, by p-value or by threshold, more often than chance explains.
func (l level) tooMany() bool {
	return l.rate() > alpha+slack(l.draws) || l.beyondRate() > alpha+slack(l.threshold)
}

func (l level) conservative() bool { return l.draws > 0 && l.rate() < alpha-slack(l.draws) }

// compatibility are conventions that repeat what another implementation does, false alarms included, and say so in the catalog.
var compatibility = map[string]string{
	"chi-square/evidently":     "takes the baseline for the exact distribution, as Evidently",
	"g/contingency":            "pools nothing and is always asymptotic, as SciPy",
	"two-proportion/evidently": "uses the normal law for small tables, as Evidently",
	"pca/nannyml":              "judges the baseline by a model made of it, as NannyML",
}
