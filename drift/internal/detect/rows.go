package detect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Table holds the rows of one side, column by column. All columns have Rows values.
type Table struct {
	Rows    int
	Columns []TableColumn
}

// TableColumn is one column of a Table. A NUMERIC one has Numbers, a CATEGORICAL or BOOLEAN one Codes and Names.
type TableColumn struct {
	Name    string
	Type    FeatureType
	Numbers []float64 // finite; NaN stands for a missing value
	Codes   []int32   // places in Names; −1 stands for a missing value
	Names   []string  // the categories, each once; the two sides may number them differently
}

// RowInput asks for tests of whole rows. Both tables must have the same columns in the same order.
type RowInput struct {
	Tests             []TestSetting
	Baseline, Current Table
}

// rowComparison is a pair of tables under evaluation. It keeps what several tests need.
type rowComparison struct {
	RowInput
	settings Settings
	ended    ended
	cache    rowCache
}

// evaluateRows makes the tests of whole rows one after the other, since they share what takes long. A test that panics fails alone.
func evaluateRows(ctx context.Context, in *RowInput, s Settings) ([]Result, error) {
	if in == nil || len(in.Tests) == 0 {
		return nil, nil
	}
	r := &rowComparison{RowInput: *in, settings: s, ended: func() bool { return ctx.Err() != nil }}
	wrong := checkTables(in.Baseline, in.Current)
	results := make([]Result, len(in.Tests))
	seen := map[TestSetting]bool{}
	for i, t := range in.Tests {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t = t.WithDefaults(rowsType)
		key := TestSetting{Test: t.Test, Convention: t.Convention}
		err := wrong
		if err == nil && seen[key] {
			err = fmt.Errorf("test %s is listed twice with one convention", t.Test)
		}
		seen[key] = true
		if err == nil {
			err = isolate(func() { results[i] = r.measure(t) })
		}
		if !slices.ContainsFunc(in.Tests[i+1:], TestSetting.paired) {
			r.release()
		}
		if err != nil {
			results[i] = Result{Test: t.Test, Convention: t.Convention, Direction: DirectionNone}.without(Failed(err))
		}
	}
	return results, nil
}

// measure makes one test of rows, in the manner of comparison.measure.
func (r *rowComparison) measure(t TestSetting) Result {
	result := Result{Test: t.Test, MinEffect: t.MinEffect, Direction: DirectionNone}
	if err := t.ValidateRows(); err != nil {
		result.MinEffect = DefaultMinEffect(t.Test)
		return result.without(Failed(err))
	}
	spec, _ := Lookup(t.Test) // ValidateRows knows it
	convention, _ := spec.Convention(t.Convention, rowsType)
	result.Convention, result.EffectName = convention.Name, convention.EffectName
	result.BaselineN, result.CurrentN = int64(r.Baseline.Rows), int64(r.Current.Rows)
	switch {
	case len(r.Baseline.Columns) == 0:
		return result.without(NotApplicable("there are no columns"))
	case result.BaselineN < r.settings.MinRows:
		return result.without(Undecided(fmt.Sprintf("baseline has %d rows, %d are needed", result.BaselineN, r.settings.MinRows)))
	case result.CurrentN < r.settings.MinRows:
		return result.without(Undecided(fmt.Sprintf("current has %d rows, %d are needed", result.CurrentN, r.settings.MinRows)))
	}
	t.Convention = convention.Name
	return result.found(spec.measureRows(r, t))
}

// rowsType stands for the mixed columns of a table where a convention is looked up by type: conventions of rows are those of numbers.
const rowsType = Numeric

// AppliesToRows tells whether a test can be made on whole rows.
func (t Test) AppliesToRows() bool {
	spec, ok := Lookup(t)
	return ok && spec.Scope == ScopeRows && spec.measureRows != nil
}

// ValidateRows returns a SettingError when the test is none of whole rows, has no such convention for them, or its smallest effect is negative,
// not finite or above every effect.
func (t TestSetting) ValidateRows() error {
	if !t.Test.AppliesToRows() {
		return wrong("test", "test %s does not apply to whole rows", t.Test)
	}
	spec, _ := Lookup(t.Test)
	convention, ok := spec.Convention(t.Convention, rowsType)
	if !ok {
		return spec.unknownConvention(t.Convention, rowsType, "whole rows")
	}
	return t.checkMinEffect(convention)
}

func checkTables(baseline, current Table) error {
	if len(baseline.Columns) != len(current.Columns) {
		return fmt.Errorf("baseline has %d columns, current %d", len(baseline.Columns), len(current.Columns))
	}
	for i, b := range baseline.Columns {
		c := current.Columns[i]
		if b.Name != c.Name || b.Type != c.Type {
			return fmt.Errorf("column %d is %s %q in the baseline and %s %q in current", i, b.Type, b.Name, c.Type, c.Name)
		}
		if err := b.check(baseline.Rows); err != nil {
			return fmt.Errorf("check baseline column %q: %w", b.Name, err)
		}
		if err := c.check(current.Rows); err != nil {
			return fmt.Errorf("check current column %q: %w", c.Name, err)
		}
	}
	return nil
}

func (c TableColumn) check(rows int) error {
	switch c.Type {
	case Numeric:
		if len(c.Numbers) != rows {
			return fmt.Errorf("%d numbers in %d rows", len(c.Numbers), rows)
		}
		for _, v := range c.Numbers {
			if math.IsInf(v, 0) {
				return errors.New("values are not finite")
			}
		}
	case Categorical, Boolean:
		if len(c.Codes) != rows {
			return fmt.Errorf("%d codes in %d rows", len(c.Codes), rows)
		}
		for _, code := range c.Codes {
			if code < -1 || int(code) >= len(c.Names) {
				return fmt.Errorf("code %d is none of %d categories", code, len(c.Names))
			}
		}
	default:
		return fmt.Errorf("%s columns do not take part in tests of rows", c.Type)
	}
	return nil
}
