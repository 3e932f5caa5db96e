package detect

import (
	"fmt"
	"math/rand/v2"

	"github.com/aumos-enterprise/platform/drift/internal/detect/contingency"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/text"
)

// comparison is one feature under evaluation. Tests may keep in it what others of the same feature need too.
type comparison struct {
	FeatureInput
	settings Settings
	ended    ended
	merged   merged             // for the tests of ranks
	counted  *contingency.Table // the categories of both sides, once a test has asked for them
	corpus   *text.Corpus       // for the tests of words

	vectorCache vectorCache
	embedded    *comparison // of the vectors that stand for the texts, once a test has asked for them
}

// ended tells whether nobody waits for results any more, so that what takes long may stop and leave a result that is of no use; nil stands for
// never.
type ended func() bool

func (e ended) now() bool { return e != nil && e() }

// table lines up the categories of both sides.
func (c *comparison) table() (contingency.Table, error) {
	if c.counted == nil {
		table, err := contingency.NewTable(c.Baseline.Counts, c.Current.Counts)
		if err != nil {
			return contingency.Table{}, err
		}
		c.counted = &table
	}
	return *c.counted, nil
}

// measure makes one test. Its result has a p-value and waits for its verdict, or it has a status without one.
func (c *comparison) measure(t TestSetting) Result {
	if c.typeFor(t.Test) != c.Type {
		return c.measureEmbedded(t)
	}
	r := Result{Test: t.Test, MinEffect: t.MinEffect, Direction: DirectionNone}
	if err := t.Validate(c.Type); err != nil {
		r.MinEffect = DefaultMinEffect(t.Test)
		return r.without(Failed(err))
	}
	spec, _ := Lookup(t.Test) // Validate knows it
	convention, _ := spec.Convention(t.Convention, c.Type)
	r.Convention, r.EffectName = convention.Name, convention.EffectName
	r.BaselineN, r.CurrentN = c.Baseline.usable(), c.Current.usable()
	if spec.CountsRows {
		r.BaselineN, r.CurrentN = c.Baseline.Rows, c.Current.Rows
	}
	switch {
	case r.BaselineN < c.settings.MinRows:
		return r.without(Undecided(fmt.Sprintf("baseline has %d usable rows, %d are needed", r.BaselineN, c.settings.MinRows)))
	case r.CurrentN < c.settings.MinRows:
		return r.without(Undecided(fmt.Sprintf("current has %d usable rows, %d are needed", r.CurrentN, c.settings.MinRows)))
	}
	t.Convention = convention.Name
	return r.found(spec.measure(c, t))
}

// found takes over what a test found.
func (r Result) found(f Finding) Result {
	if f.status != "" {
		return r.without(f)
	}
	r.Statistic, r.PValue, r.Effect, r.Threshold = finite(f.Statistic), finite(f.P), finite(f.Effect), f.Threshold
	r.PMethod, r.DF, r.Direction, r.Location = f.Method, f.DF, f.Direction, f.Location
	if f.baselineN > 0 && f.currentN > 0 {
		r.BaselineN, r.CurrentN = f.baselineN, f.currentN
	}
	r.EffectInterval, r.Contributions = f.Interval, f.Contributions
	if r.Statistic == nil || r.PValue == nil || r.Effect == nil {
		return r.without(Failed(fmt.Errorf("test %s has no finite result", r.Test)))
	}
	return r
}

// without takes over why there are no numbers.
func (r Result) without(f Finding) Result {
	r.Status, r.Reason = f.status, f.reason
	return r
}

// rng is the source of one test's draws.
func (s Settings) rng(name string, t TestSetting) *rand.Rand {
	return permutation.Rand(s.Seed, name, string(t.Test), t.Convention)
}

// draws says how one test's p-value is made of draws.
func (s Settings) draws(name string, t TestSetting) permutation.Draws {
	return permutation.Draws{Count: s.Permutations, Rand: s.rng(name, t), Alpha: s.FDR}
}

func (c *comparison) draws(t TestSetting) permutation.Draws {
	d := c.settings.draws(c.Name, t)
	d.Ended = c.ended.now
	return d
}
