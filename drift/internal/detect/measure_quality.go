package detect

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/quality"
)

func measureTypeChange(c *comparison, t TestSetting) Finding {
	if t.Convention == typeChange {
		return Finding{P: 1, Method: PExact, Direction: DirectionNone} // where they differ, no test comes this far
	}
	baseline, current := lexical(c.Baseline), lexical(c.Current)
	kind := quality.Commonest(baseline, current)
	f := compareRates(rate{baseline[kind], baseline.Total()}, rate{current[kind], current.Total()}, c.settings)
	f.Direction = changed(f.Effect)
	return f
}

func lexical(s Sample) (kinds quality.Kinds) {
	for _, v := range s.Sorted {
		kinds[quality.KindOfNumber(v)]++
	}
	for name, count := range s.Counts {
		kinds[quality.KindOf(name)] += count
	}
	for _, text := range s.Texts {
		kinds[quality.KindOf(text)]++
	}
	return kinds
}

func measureOutOfRange(c *comparison, t TestSetting) Finding {
	if t.Convention == "out-of-range/constraint" {
		if c.Constraint == nil || c.Constraint.Min == nil && c.Constraint.Max == nil {
			return NotApplicable("the feature has no constraint with a min or a max")
		}
		return compareRates(c.Constraint.outside(c.Baseline), c.Constraint.outside(c.Current), c.settings)
	}
	r, err := quality.OutOfRange(c.Baseline.Sorted, c.Current.Sorted)
	if err != nil {
		return Failed(fmt.Errorf("compare with the range: %w", err))
	}
	f := Finding{
		Statistic: float64(r.Below + r.Above), P: r.P, Method: PExact, Effect: r.Share, Direction: DirectionNone,
		Threshold: finite(quality.CriticalRange(c.Baseline.usable(), c.Current.usable(), c.settings.FDR)),
	}
	switch {
	case r.Above > r.Below:
		f.Direction = DirectionIncrease
	case r.Below > r.Above:
		f.Direction = DirectionDecrease
	case r.Below > 0:
		f.Direction = DirectionChanged
	}
	return f
}

// outside counts the numbers outside of min and max.
func (k *Constraint) outside(s Sample) rate {
	n := len(s.Sorted)
	first, last := 0, n
	if k.Min != nil {
		first = sort.SearchFloat64s(s.Sorted, *k.Min)
	}
	if k.Max != nil {
		last = sort.Search(n, func(i int) bool { return s.Sorted[i] > *k.Max })
	}
	return rate{int64(n - max(0, last-first)), int64(n)}
}

func measureConstraint(c *comparison, _ TestSetting) Finding {
	if c.Constraint == nil {
		return NotApplicable("the feature has no constraint")
	}
	k := c.Constraint
	if c.Type == Numeric {
		if k.Min == nil && k.Max == nil {
			return NotApplicable("the feature's constraint says nothing about numbers: it has neither min nor max")
		}
		return compareRates(k.outside(c.Baseline), k.outside(c.Current), c.settings)
	}
	if len(k.Allowed) == 0 && k.Pattern == nil {
		return NotApplicable("the feature's constraint says nothing about texts: it has neither allowed values nor a pattern")
	}
	return compareRates(k.violations(c.Baseline, c.ended), k.violations(c.Current, c.ended), c.settings)
}

// violations counts the categories or texts that are not allowed, or do not match the pattern, which can take half a second for each.
func (k *Constraint) violations(s Sample, ended ended) rate {
	allowed := make(map[string]bool, len(k.Allowed))
	for _, name := range k.Allowed {
		allowed[name] = true
	}
	violates := func(value string) bool {
		return len(allowed) > 0 && !allowed[value] || k.Pattern != nil && !k.Pattern.MatchString(value)
	}
	r := rate{of: s.usable()}
	for name, count := range s.Counts {
		if ended.now() {
			break
		}
		if violates(name) {
			r.count += count
		}
	}
	for _, text := range s.Texts {
		if ended.now() {
			break
		}
		if violates(text) {
			r.count++
		}
	}
	return r
}

// groups counts the feature's values.
func (c *comparison) groups() (*quality.Groups, error) {
	switch c.Type {
	case Numeric:
		return quality.GroupNumbers(c.Baseline.Sorted, c.Current.Sorted)
	case Text:
		return quality.GroupValues(c.Baseline.Texts, c.Current.Texts)
	case Categorical, Boolean, Timestamp, Vector:
	}
	return quality.GroupCounts(c.Baseline.Counts, c.Current.Counts)
}

func measureDuplicateValues(c *comparison, t TestSetting) Finding {
	g, err := c.groups()
	if err != nil {
		return Failed(fmt.Errorf("count values: %w", err))
	}
	return repeats(g, c.draws(t))
}

func repeats(g *quality.Groups, d permutation.Draws) Finding {
	r, err := quality.CompareRepeats(g, d)
	if err != nil {
		return Failed(fmt.Errorf("compare repeats: %w", err))
	}
	return Finding{
		Statistic: r.Statistic, P: r.P, Method: drawn(r.Drawn), Effect: math.Abs(r.Difference), Direction: sign(r.Difference), Threshold: finite(r.Critical),
	}
}

func drawn(yes bool) PMethod {
	if yes {
		return PPermutation
	}
	return PAsymptotic
}

func measureConstant(c *comparison, _ TestSetting) Finding {
	g, err := c.groups()
	if err != nil {
		return Failed(fmt.Errorf("count values: %w", err))
	}
	k, err := quality.BecameConstant(g)
	if err != nil {
		return Failed(fmt.Errorf("look for a constant: %w", err))
	}
	f := Finding{P: k.P, Method: PExact, Effect: k.Variety, Direction: changed(k.Variety)}
	if k.Constant {
		f.Statistic = 1
	}
	return f
}

func measureUnseen(c *comparison, t TestSetting) Finding {
	g, err := c.groups()
	if err != nil {
		return Failed(fmt.Errorf("count categories: %w", err))
	}
	u, err := quality.CountUnseen(g, c.draws(t))
	if err != nil {
		return Failed(fmt.Errorf("count unseen categories: %w", err))
	}
	// Nearly all rows of a column of names have one of their own: only what goes beyond chance is an effect.
	excess := max(0, u.Rows-u.Expected) / float64(c.Current.usable())
	return Finding{Statistic: u.Rows, P: u.P, Method: drawn(u.Drawn), Effect: excess, Direction: sign(excess), Threshold: finite(u.Critical)}
}

func measureDuplicateRows(r *rowComparison, t TestSetting) Finding {
	if len(r.Baseline.Columns) == 0 {
		return NotApplicable("there are no columns that take part in tests of rows")
	}
	g, err := r.groups()
	if err != nil {
		return Failed(fmt.Errorf("count rows: %w", err))
	}
	names := make([]string, len(r.Baseline.Columns))
	for i, c := range r.Baseline.Columns {
		names[i] = c.Name
	}
	slices.Sort(names)
	return repeats(g, r.settings.draws(fmt.Sprint(names), t))
}

// groups counts equal rows, in a quarter of the memory of rows of numbers: the narrower they are, the more parts are counted one after the other.
func (r *rowComparison) groups() (*quality.Groups, error) {
	const most = 8 // parts, of one column
	parts := max(1, most/len(r.Baseline.Columns))
	room := func(rows int) []digest { return make([]digest, 0, (rows+rows/16)/parts) } // parts differ a little
	baseline, current, g := room(r.Baseline.Rows), room(r.Current.Rows), new(quality.Groups)
	for part := 0; part < parts && !r.ended.now(); part++ {
		baseline, current = r.Baseline.digests(part, parts, baseline[:0]), r.Current.digests(part, parts, current[:0])
		slices.SortFunc(baseline, digest.compare) // a map would take several times the memory
		slices.SortFunc(current, digest.compare)
		if err := quality.AddSorted(g, baseline, current, digest.compare); err != nil {
			return nil, err
		}
	}
	return g, nil
}
