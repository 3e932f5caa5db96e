package comparison

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/recommend"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// pairing brings the columns of two sides together.
type pairing struct {
	request           Request
	baseline, current sample.Set
	embeddings        Embeddings

	features       []detect.FeatureInput // without samples, and without tests where these choose them, until settle
	places         [][2]int              // of the features on both sides
	added, removed []string
}

// match pairs the columns by name, in the order of the request or of the baseline.
func (p *pairing) match() error {
	inBefore, inAfter := places(p.baseline), places(p.current)
	wanted := p.request.Features
	if len(wanted) == 0 {
		for _, f := range p.baseline.Features {
			wanted = append(wanted, Feature{Name: f.Name})
		}
		for _, f := range p.current.Features {
			if _, ok := inBefore[f.Name]; !ok {
				wanted = append(wanted, Feature{Name: f.Name})
			}
		}
	}
	for i, f := range wanted {
		b, inBaseline := inBefore[f.Name]
		c, inCurrent := inAfter[f.Name]
		switch {
		case inBaseline && inCurrent:
			input, err := p.pair(i, f, b, c)
			if err != nil {
				return err
			}
			p.features, p.places = append(p.features, input), append(p.places, [2]int{b, c})
		case inBaseline:
			p.removed = append(p.removed, f.Name)
		case inCurrent:
			p.added = append(p.added, f.Name)
		default:
			return errs.New(errs.InvalidArgument, errs.ReasonColumnMissing, "neither side has a column %q", f.Name).With("column", f.Name).
				Field(fmt.Sprintf("header.features[%d].name", i), "names a column that neither side has")
		}
	}
	if needed := p.request.Settings.MinDriftedFeatures; needed > len(p.features) && len(p.features) > 0 {
		return errs.InvalidField("header.rule.min_drifted_features", "is more than the %d features that are compared", len(p.features))
	}
	return nil
}

func places(s sample.Set) map[string]int {
	m := make(map[string]int, len(s.Features))
	for i, f := range s.Features {
		m[f.Name] = i
	}
	return m
}

// pair makes the input of feature i, of the columns b and c.
func (p *pairing) pair(i int, f Feature, b, c int) (detect.FeatureInput, error) {
	before, after := p.baseline.Features[b].Type, p.current.Features[c].Type
	if f.Type != "" && before != f.Type && after == before {
		return detect.FeatureInput{}, errs.New(errs.InvalidArgument, errs.ReasonColumnType, "column %q has %s values on both sides, its feature is %s", f.Name, before, f.Type).
			With("column", f.Name).With("expected", string(f.Type)).With("actual", string(before)).
			Field(fmt.Sprintf("header.features[%d].type", i), "is %s, and the values of both sides are %s", f.Type, before)
	}
	input := detect.FeatureInput{
		Name: f.Name, Type: before, CurrentType: after, Constraint: f.Constraint, Importance: f.Importance, Zone: time.UTC,
	}
	if f.TimeZone != "" {
		zone, err := loadZone(f.TimeZone)
		if err != nil {
			return detect.FeatureInput{}, err
		}
		input.Zone = zone
	}
	if before == detect.Text && after == detect.Text && f.Embed {
		input.Embedded = p.embeddings[f.Name]
	}
	input.Tests = f.Tests
	if before == after && len(f.Tests) > 0 {
		input.Tests = f.withConstraint()
	}
	return input, nil
}

// settle gives the features their samples and, to those that name none, their tests.
func (p *pairing) settle(ctx context.Context) ([]detect.FeatureInput, error) {
	for _, side := range []sample.Set{p.baseline, p.current} {
		if err := side.Settle(ctx); err != nil {
			return nil, err
		}
	}
	for i := range p.features {
		f := &p.features[i]
		f.Baseline, f.Current = p.baseline.Samples[p.places[i][0]], p.current.Samples[p.places[i][1]]
		if f.Type == f.CurrentType && len(f.Tests) == 0 {
			f.Tests = chosen(*f)
		}
	}
	return p.features, nil
}

// withConstraint are the tests that the feature names, and those of its constraint that are not among them: a constraint that is sent is looked at.
func (f Feature) withConstraint() []detect.TestSetting {
	tests := slices.Clone(f.Tests)
	for _, r := range recommend.ForConstraint(f.Type, f.Constraint) {
		if !slices.ContainsFunc(tests, func(t detect.TestSetting) bool { return t.Test == r.Setting.Test }) {
			tests = append(tests, r.Setting)
		}
	}
	return tests
}

// chosen are the tests of a feature that names none.
func chosen(f detect.FeatureInput) (tests []detect.TestSetting) {
	traits := recommend.Traits{
		Type: f.Type, Baseline: f.Baseline.Rows - f.Baseline.Missing, Current: f.Current.Rows - f.Current.Missing, Distinct: distinct(f),
	}
	recommended := append(recommend.Tests(traits), recommend.ForConstraint(f.Type, f.Constraint)...)
	if f.Embedded != nil {
		traits.Type = detect.Vector
		recommended = append(recommended, recommend.Tests(traits)...)
	}
	for _, r := range recommended {
		tests = append(tests, r.Setting)
	}
	return tests
}

// distinct counts the distinct values of both sides together, where that is cheap; 0 elsewhere. Once numbers are clearly no ties it stops: how
// many more there are changes no recommendation.
func distinct(f detect.FeatureInput) (n int64) {
	for name := range f.Current.Counts {
		if _, ok := f.Baseline.Counts[name]; !ok {
			n++
		}
	}
	n += int64(len(f.Baseline.Counts))
	b, c := f.Baseline.Sorted, f.Current.Sorted
	enough := int64(100 + min(len(b), len(c))/10)
	for n <= enough && len(b)+len(c) > 0 {
		var v float64
		if len(c) == 0 || len(b) > 0 && b[0] <= c[0] {
			v = b[0]
		} else {
			v = c[0]
		}
		b, c = after(b, v), after(c, v)
		n++
	}
	return n
}

// after returns the values of a sorted slice that are larger than v. It looks ahead in doubling steps, since ties may be many or none.
func after(sorted []float64, v float64) []float64 {
	end := 1
	for end < len(sorted) && sorted[end] <= v {
		end *= 2
	}
	end = min(end, len(sorted))
	return sorted[sort.Search(end, func(i int) bool { return sorted[i] > v }):]
}

// rows makes the input of the tests of whole rows, over the columns that they can use.
func (p *pairing) rows() *detect.RowInput {
	if len(p.request.RowTests) == 0 {
		return nil
	}
	in := &detect.RowInput{Tests: p.request.RowTests, Baseline: detect.Table{Rows: int(p.baseline.Rows)}, Current: detect.Table{Rows: int(p.current.Rows)}} // at most MaxRows
	for i, f := range p.features {
		if f.Type != f.CurrentType || f.Type != detect.Numeric && f.Type != detect.Categorical && f.Type != detect.Boolean {
			continue
		}
		in.Baseline.Columns = append(in.Baseline.Columns, column(f, p.baseline.Rowwise[p.places[i][0]]))
		in.Current.Columns = append(in.Current.Columns, column(f, p.current.Rowwise[p.places[i][1]]))
	}
	return in
}

func column(f detect.FeatureInput, rows sample.Rowwise) detect.TableColumn {
	return detect.TableColumn{Name: f.Name, Type: f.Type, Numbers: rows.Numbers, Codes: rows.Codes, Names: rows.Names}
}

// sentence says what could not be compared.
func sentence(columns []string) string {
	const most = 5
	text := strings.Join(columns[:min(len(columns), most)], ", ")
	if len(columns) > most {
		text += fmt.Sprintf(" and %d more", len(columns)-most)
	}
	return "Only one side has " + text + ": not compared."
}
