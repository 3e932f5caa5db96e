package assessment

import (
	"math"
	"strconv"
	"strings"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// side is one side's columns by name.
type side struct {
	name string // for errors
	set  sample.Set
	at   map[string]int
}

func newSide(name string, set sample.Set) side {
	s := side{name: name, set: set, at: make(map[string]int, len(set.Features))}
	for i, f := range set.Features {
		s.at[f.Name] = i
	}
	return s
}

// column returns a column and the type of its values.
func (s side) column(name, field string) (sample.Rowwise, detect.FeatureType, error) {
	i, ok := s.at[name]
	if !ok {
		return sample.Rowwise{}, "", errs.New(errs.InvalidArgument, errs.ReasonColumnMissing, "the %s has no column %q", s.name, name).
			With("column", name).With("side", s.name).Field(field, "names a column that the %s does not have", s.name)
	}
	return s.set.Rowwise[i], s.set.Features[i].Type, nil
}

func (s side) wrongType(name, field string, got detect.FeatureType, wanted ...detect.FeatureType) *errs.Error {
	types := make([]string, len(wanted))
	for i, t := range wanted {
		types[i] = string(t)
	}
	needed := strings.Join(types, " or ")
	return errs.New(errs.InvalidArgument, errs.ReasonColumnType, "the %s's column %q has %s values, %s are needed", s.name, name, got, needed).
		With("column", name).With("side", s.name).With("expected", needed).With("actual", string(got)).
		Field(field, "names a column of %s values in the %s, %s are needed", got, s.name, needed)
}

// numbers returns a numeric column, NaN where a row has no value.
func (s side) numbers(name, field string) ([]float64, error) {
	c, t, err := s.column(name, field)
	if err != nil {
		return nil, err
	}
	if t != detect.Numeric {
		return nil, s.wrongType(name, field, t, detect.Numeric)
	}
	return c.Numbers, nil
}

// labels is a column of names: the place of each row's name in names, or −1.
type labels struct {
	codes []int32
	names []string
}

// labels returns a column of names. Numbers are named as they are written; at most as many different ones as there may be classes.
func (s side) labels(name, field string) (labels, error) {
	c, t, err := s.column(name, field)
	if err != nil {
		return labels{}, err
	}
	switch t {
	case detect.Categorical, detect.Boolean:
		return labels{c.Codes, c.Names}, nil
	case detect.Numeric:
	default:
		return labels{}, s.wrongType(name, field, t, detect.Categorical, detect.Boolean, detect.Numeric)
	}
	l := labels{codes: make([]int32, len(c.Numbers))}
	places := make(map[float64]int32)
	for i, v := range c.Numbers {
		if math.IsNaN(v) {
			l.codes[i] = -1
			continue
		}
		place, ok := places[v]
		if !ok {
			if place = int32(len(l.names)); place == performance.MaxClasses {
				return labels{}, errs.New(errs.InvalidArgument, errs.ReasonCardinalityTooHigh, "the %s's column %q has more than %d classes", s.name, name, performance.MaxClasses).
					With("column", name).With("side", s.name).Field(field, "names a column of more than %d different values", performance.MaxClasses)
			}
			places[v] = place
			l.names = append(l.names, strconv.FormatFloat(v, 'g', -1, 64))
		}
		l.codes[i] = place
	}
	return l, nil
}

// recode replaces the places by those in an index of names, −1 for a name that is not there.
func (l labels) recode(index map[string]int32) []int32 {
	place := make([]int32, len(l.names))
	for i, name := range l.names {
		at, ok := index[name]
		if place[i] = at; !ok {
			place[i] = -1
		}
	}
	codes := make([]int32, len(l.codes))
	for i, c := range l.codes {
		codes[i] = -1
		if c >= 0 {
			codes[i] = place[c]
		}
	}
	return codes
}

// used are the names that some row has.
func (l labels) used() []string {
	seen := make([]bool, len(l.names))
	var names []string
	for _, c := range l.codes {
		if c >= 0 && !seen[c] {
			seen[c] = true
			names = append(names, l.names[c])
		}
	}
	return names
}
