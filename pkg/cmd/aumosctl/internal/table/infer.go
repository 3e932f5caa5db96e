package table

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Feature is a column that is read, and as what.
type Feature struct {
	Name      string
	Kind      Kind
	Dimension int    // of a column of vectors; 0 if none has a value
	Unlike    string // the first value for which the column is not of the kind that Choice.Like wants, and where it stands
}

// Choice overrides what inference would find.
type Choice struct {
	Kinds  map[string]Kind // kinds by column
	Ignore []string        // columns to leave out
	Rich   bool            // texts, instants and vectors may be found too, which monitors do not watch

	// Like has the kinds that columns of another table with these names have. A column is of that kind if all its values can be, and of the
	// kind that its values tell if not: nothing is refused then for being no clear case.
	Like map[string]Kind
}

// mostlyNumbers is the share of numbers among a CSV column's values from which a text among them is taken for a defect of the data
// rather than for a category.
const mostlyNumbers = 0.9

// Infer reads the whole table and returns its columns, in the order of the file, with the kind of their values, and the number of rows.
//
// The columns of a Parquet file have the kind that their type says. A CSV column is boolean when each of its values is true or false in
// any case, numeric when each is a decimal number that is not written like a code (00501), and categorical otherwise. Integers are
// numeric however few are distinct. A column of which nine values in ten or more are numbers and the rest are not is refused, as is one
// without any value: the choice must say what they are. A rich choice also finds instants (every value is a time as RFC 3339 writes them, or a date),
// vectors (every value is a JSON array of as many numbers) and texts (of three words or more on average, and mostly distinct; or
// longer than a category can be). So is a value that its column's kind cannot hold, such as an infinite number.
func (t *Table) Infer(ctx context.Context, choice Choice, progress Progress) ([]Feature, int64, error) {
	if err := t.checkChoice(choice); err != nil {
		return nil, 0, err
	}
	rows := int64(0)
	seen := make([]evidence, len(t.columns))
	err := t.scan(ctx, progress, func(at position, cells []cell) error {
		rows = at.row
		for i, c := range cells {
			seen[i].try(c, at)
			if t.columns[i].declared == 0 {
				seen[i].add(c, at)
			} else if c.kind != cellMissing {
				seen[i].values++
			}
			if choice.Rich && c.kind == cellText && seen[i].misfits[Numeric].err != nil {
				seen[i].read(c.text)
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	if rows == 0 {
		return nil, 0, fmt.Errorf("%s has a header and no rows", t.path)
	}
	features := make([]Feature, 0, len(t.columns))
	for i, c := range t.columns {
		if slices.Contains(choice.Ignore, c.name) {
			continue
		}
		kind, err := t.decide(c, &seen[i], choice)
		if err != nil {
			return nil, 0, err
		}
		if m := seen[i].misfits[kind]; m.err != nil {
			return nil, 0, t.at(m.at, c.name, "%s", m.err)
		}
		f := Feature{Name: c.name, Kind: kind}
		if kind == Vector {
			f.Dimension = seen[i].dimension
		}
		if like := choice.Like[c.name]; like != 0 && like != kind && seen[i].misfits[like].err != nil {
			m := seen[i].misfits[like]
			f.Unlike = fmt.Sprintf("%s: %s", m.at, m.err)
		}
		features = append(features, f)
	}
	if len(features) == 0 {
		return nil, 0, fmt.Errorf("%s: no column is left", t.path)
	}
	return features, rows, nil
}

// checkChoice refuses overrides of columns that are not there: a slip of the pen would otherwise go unnoticed.
func (t *Table) checkChoice(choice Choice) error {
	names := t.Columns()
	for name := range choice.Kinds {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%s has no column %q: it has %s", t.path, name, strings.Join(names, ", "))
		}
	}
	for _, name := range choice.Ignore {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%s has no column %q: it has %s", t.path, name, strings.Join(names, ", "))
		}
	}
	return nil
}

func (t *Table) decide(c column, seen *evidence, choice Choice) (Kind, error) {
	chosen, like := choice.Kinds[c.name], choice.Like[c.name]
	switch {
	case c.unsupported != "":
		return 0, fmt.Errorf("%s: column %q cannot be compared, for %s: leave it out with --ignore %s", t.path, c.name, c.unsupported, c.name)
	case chosen == 0 && like != 0 && seen.misfits[like].err == nil:
		return like, nil
	case seen.values == 0:
		return 0, fmt.Errorf("%s: column %q has no value in any row: leave it out with --ignore %s", t.path, c.name, c.name)
	case chosen != 0:
		return chosen, nil
	case c.declared > Boolean && !choice.Rich:
		return 0, fmt.Errorf("%s: column %q cannot be compared here, for it holds a %s in each row: leave it out with --ignore %s", t.path, c.name, c.declared, c.name)
	case c.declared != 0 && c.declared != Categorical:
		return c.declared, nil
	case seen.booleans == seen.values:
		return Boolean, nil
	case seen.numbers == seen.values:
		return Numeric, nil
	case choice.Rich && seen.misfits[Timestamp].err == nil:
		return Timestamp, nil
	case choice.Rich && seen.misfits[Vector].err == nil:
		return Vector, nil
	case choice.Rich && (seen.prosaic() || seen.misfits[Categorical].err != nil && seen.misfits[Text].err == nil):
		return Text, nil
	case c.declared == 0 && like == 0 && float64(seen.numbers) >= mostlyNumbers*float64(seen.values):
		return 0, fmt.Errorf("%s: column %q has %d numbers, but %s has %s: say --type %s=categorical, or --missing %s if it stands for no value",
			t.path, c.name, seen.numbers, seen.otherAt, seen.other, c.name, seen.other)
	default:
		return Categorical, nil
	}
}

// evidence is what a pass has seen of the texts of one column.
type evidence struct {
	values, booleans, numbers int64
	other                     string // the first value that is no number
	otherAt                   position
	misfits                   [Vector + 1]misfit // by kind, the first value that it cannot hold
	dimension                 int                // of the first vector
	vector                    []float32          // that was read last
	words                     int64
	distinct                  map[uint64]struct{} // hashes of texts, up to manyTexts
}

// misfit is a value that a kind cannot hold, and why.
type misfit struct {
	err error
	at  position
}

// try keeps the first value that each kind cannot hold, so that bad data is refused before anything is sent.
func (e *evidence) try(c cell, at position) {
	if c.kind == cellMissing {
		return
	}
	for kind := Numeric; kind <= Vector; kind++ {
		if e.misfits[kind].err != nil {
			continue
		}
		var err error
		switch kind {
		case Numeric:
			_, err = c.numeric()
		case Categorical:
			_, err = c.categorical()
		case Boolean:
			_, err = c.truth()
		case Text:
			_, err = c.prose()
		case Timestamp:
			_, err = c.instant()
		case Vector:
			err = e.tryVector(c)
		}
		if err != nil {
			e.misfits[kind] = misfit{err: err, at: at}
		}
	}
}

func (e *evidence) add(c cell, at position) {
	if c.kind == cellMissing {
		return
	}
	e.values++
	if strings.EqualFold(c.text, "true") || strings.EqualFold(c.text, "false") {
		e.booleans++
	}
	if _, err := parseNumber(c.text); err == nil && !isCode(c.text) {
		e.numbers++
	} else if e.otherAt.row == 0 {
		e.other, e.otherAt = excerpt(c.text), at
	}
}
