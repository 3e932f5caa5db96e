package detect

import (
	"cmp"
	"fmt"
)

// typeChange names the only convention of TYPE_CHANGE between columns.
const typeChange = "type-change/column"

// typeChanged tells whether the current values are of another type than the baseline's, or vectors of another length.
func (f FeatureInput) typeChanged() bool { return f.currentType() != f.Type || f.lengthChanged() }

func (f FeatureInput) currentType() FeatureType { return cmp.Or(f.CurrentType, f.Type) }

// lengthChanged tells whether both sides have vectors, and not the same number of numbers in each.
func (f FeatureInput) lengthChanged() bool {
	b, c := f.Baseline.Vectors.Columns, f.Current.Vectors.Columns
	return f.Type == Vector && f.currentType() == Vector && b > 0 && c > 0 && b != c
}

// evaluateTypeChange is the result of a feature whose values changed their type: no test of distributions means anything then, and the
// change is drift for certain, whatever the number of rows. It has no p-value. The missing rates are compared as always.
func evaluateTypeChange(f FeatureInput, s Settings) FeatureResult {
	change := Result{
		Test: TestTypeChange, Convention: typeChange, Status: StatusDrift, EffectName: "changed", MinEffect: 1, Effect: new(1.0),
		Direction: DirectionChanged, Severity: severity(1, 1), BaselineN: f.Baseline.usable(), CurrentN: f.Current.usable(),
		Reason: fmt.Sprintf("the values are %s, those of the baseline %s", f.CurrentType, f.Type),
	}
	if f.lengthChanged() {
		change.Reason = fmt.Sprintf("the values are vectors of %d numbers, those of the baseline of %d", f.Current.Vectors.Columns, f.Baseline.Vectors.Columns)
	}
	c := &comparison{FeatureInput: f, settings: s}
	return FeatureResult{
		Name: f.Name, Type: f.Type, Baseline: summarize(f.Baseline), Current: summarize(f.Current), Importance: f.Importance,
		Results: []Result{change, c.measure(TestSetting{Test: TestMissingRate}.WithDefaults(f.Type))},
	}
}
