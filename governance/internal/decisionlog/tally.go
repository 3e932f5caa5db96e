package decisionlog

import (
	"cmp"
	"crypto/sha256"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// scope says which decisions are counted together: all, those of a decision point, what one policy said, or what it said at one decision point. The zero
// values stand for any.
type scope struct {
	point  string
	policy uuid.UUID
}

// counts are those of a scope in an hour.
type counts struct {
	first, last             int64 // indexes of entries
	allowed, denied, errors int64
	durations               histogram
}

func (c *counts) add(index int64, outcome rego.Outcome, took time.Duration) {
	if c.durations == nil {
		c.first, c.durations = index, make(histogram)
	}
	c.last = index
	switch outcome {
	case rego.Allow:
		c.allowed++
	case rego.Deny:
		c.denied++
	default:
		c.errors++
	}
	c.durations[bucketOf(took)]++
}

// merge adds what was counted elsewhere.
func (c *counts) merge(other *counts) {
	if c.durations == nil {
		c.first, c.durations = other.first, make(histogram, len(other.durations))
	}
	c.first, c.last = min(c.first, other.first), max(c.last, other.last)
	c.allowed, c.denied, c.errors = c.allowed+other.allowed, c.denied+other.denied, c.errors+other.errors
	c.durations.add(other.durations)
}

// rollupKey is a row of gov_decision_rollups.
type rollupKey struct {
	scope

	hour int64 // in Unix time
}

// denialKey is a row of gov_decision_denials.
type denialKey struct {
	rollupKey

	kind, id string
}

// violationKey is a row of gov_decision_violations.
type violationKey struct {
	rollupKey

	code [sha256.Size]byte
}

// found is a violation in an hour.
type found struct {
	code, control string
	last          int64 // index of the newest entry
	decisions     int64
}

// tally is what some entries of a log come to.
type tally struct {
	rollups     map[rollupKey]*counts
	single      map[rollupKey]*counts // of decisions of one policy, which all scopes that they are in count alike; spread adds them to rollups
	denials     map[denialKey]int64
	violations  map[violationKey]*found
	delay, lead time.Duration // the longest from decision to recording, and the other way round
}

func newTally() *tally {
	return &tally{
		rollups: make(map[rollupKey]*counts), single: make(map[rollupKey]*counts), denials: make(map[denialKey]int64), violations: make(map[violationKey]*found),
	}
}

// count adds a decision that stands at an index. Decisions are counted in the order of their indexes.
func (t *tally) count(d *decision.Decision, index int64, recorded time.Time) {
	t.delay, t.lead = max(t.delay, recorded.Sub(d.Time)), max(t.lead, d.Time.Sub(recorded))
	hour := d.Time.Truncate(time.Hour).Unix()
	deny := func(s scope, outcome rego.Outcome) {
		if outcome == rego.Deny && d.Resource.Type != "" {
			t.denials[denialKey{rollupKey{s, hour}, d.Resource.Type, d.Resource.ID}]++
		}
	}
	point := scope{point: d.DecisionPoint}
	if d.DecisionPoint != "" {
		deny(point, d.Outcome)
	}
	if len(d.Results) == 1 && d.Results[0].Outcome == d.Outcome {
		at(t.single, scope{d.DecisionPoint, d.Results[0].PolicyID}, hour).add(index, d.Outcome, d.Duration)
	} else {
		at(t.rollups, scope{}, hour).add(index, d.Outcome, d.Duration)
		if d.DecisionPoint != "" {
			at(t.rollups, point, hour).add(index, d.Outcome, d.Duration)
		}
		for i := range d.Results {
			r := &d.Results[i]
			at(t.rollups, scope{policy: r.PolicyID}, hour).add(index, r.Outcome, d.Duration)
			if d.DecisionPoint != "" {
				at(t.rollups, scope{d.DecisionPoint, r.PolicyID}, hour).add(index, r.Outcome, d.Duration)
			}
		}
	}
	for i := range d.Results {
		r := &d.Results[i]
		s := scope{d.DecisionPoint, r.PolicyID}
		deny(s, r.Outcome)
		t.violated(rollupKey{s, hour}, r.Violations, index)
	}
}

// at returns the counts of a scope in an hour.
func at(m map[rollupKey]*counts, s scope, hour int64) *counts {
	c := m[rollupKey{s, hour}]
	if c == nil {
		c = &counts{}
		m[rollupKey{s, hour}] = c
	}
	return c
}

// spread adds the decisions of one policy to all scopes that they are in, once all are counted.
func (t *tally) spread() {
	for k, c := range t.single {
		at(t.rollups, scope{}, k.hour).merge(c)
		at(t.rollups, scope{policy: k.policy}, k.hour).merge(c)
		if k.point != "" {
			at(t.rollups, scope{point: k.point}, k.hour).merge(c)
			at(t.rollups, k.scope, k.hour).merge(c)
		}
	}
	clear(t.single)
}

// maxText bounds what is kept of a code and a control, in bytes.
const maxText = 1024

// violated counts each code once, however often the decision has it. Of its controls the last counts.
func (t *tally) violated(where rollupKey, violations []rego.Violation, index int64) {
	for _, v := range violations {
		code := cmp.Or(v.Code, v.Message)
		key := violationKey{where, sha256.Sum256([]byte(code))}
		f := t.violations[key]
		if f == nil {
			f = &found{code: cut(code), last: -1}
			t.violations[key] = f
		}
		if f.last != index {
			f.decisions++
		}
		f.last, f.control = index, cut(v.Control)
	}
}

// cut shortens a text to at most maxText bytes, between characters.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && text[end]&0xC0 == 0x80 { // within a character
		end--
	}
	return text[:end]
}
