// Package recommend chooses tests for a feature by what is known of it, and says why. The rules are few and fixed: the same traits always give
// the same tests, of those that the catalog of package detect has.
package recommend

import (
	"fmt"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

const (
	// largeSample is the number of rows from which nearly any difference is significant, so that what matters is its size.
	largeSample = 1000
	// fewValues is the number of distinct numbers up to which each can be compared for itself.
	fewValues = 50
	// rowsPerValue is the number of rows of the smaller side for each distinct number from which most rows are ties; rowsPerFew, when there
	// are few of them.
	rowsPerValue = 20
	rowsPerFew   = 4
	// manyCategories is the number of categories from which a test over all of them has little power against a change of some.
	manyCategories = 1000
	// rowsPerCategory is the number of rows for each category below which most are too rare to be tested one by one.
	rowsPerCategory = 5
)

// Traits are what is known of a feature.
type Traits struct {
	Type              detect.FeatureType
	Baseline, Current int64 // usable rows; 0: not known
	Distinct          int64 // distinct values of both sides together; 0: not known
}

// Recommendation is a test and why it fits.
type Recommendation struct {
	Setting detect.TestSetting // with its convention and smallest effect
	Reason  string
}

// assume takes a side of which nothing is known to be as large as the other.
func (t *Traits) assume() {
	if t.Baseline == 0 {
		t.Baseline = t.Current
	} else if t.Current == 0 {
		t.Current = t.Baseline
	}
}

// Tests returns the tests that fit, the most fitting first: never none for a type that has tests at all.
func Tests(t Traits) []Recommendation {
	t.assume()
	var chosen list
	chosen.kind = t.Type
	switch t.Type {
	case detect.Numeric:
		chosen.numeric(t)
	case detect.Categorical:
		chosen.categorical(t)
	case detect.Boolean:
		chosen.proportions(t)
	case detect.Text:
		chosen.add(detect.TestTextLength, "texts that become longer or shorter are the first sign of another source")
		chosen.add(detect.TestTokenFrequency, "shows which words became more or less frequent")
		chosen.add(detect.TestOutOfVocabulary, "finds words that the baseline does not have")
	case detect.Timestamp:
		chosen.add(detect.TestArrivalGaps, "finds rows that come faster, slower or in bursts")
		chosen.add(detect.TestArrivalSeasonality, "finds rows that come at other hours of the week")
		chosen.add(detect.TestDuplicateTimestamps, "finds rows that were sent more than once")
	case detect.Vector:
		chosen.add(detect.TestCentroidShift, "a moved mean is the most frequent change of embeddings, and takes one pass to find")
		chosen.add(detect.TestMMD, "finds any change of the joint distribution, also one that leaves the mean in place")
	}
	if len(chosen.tests) == 0 {
		for _, test := range detect.DefaultTests(t.Type) {
			chosen.add(test, "the default for the type")
		}
	}
	if n := min(t.Baseline, t.Current); n > 0 && n < detect.DefaultMinRows {
		for i := range chosen.tests {
			chosen.tests[i].Reason += fmt.Sprintf("; with %d rows there is a verdict only if min_rows is lowered", n)
		}
	}
	return chosen.tests
}

// ForConstraint returns the tests of what the values must be.
func ForConstraint(kind detect.FeatureType, c *detect.Constraint) []Recommendation {
	if c == nil {
		return nil
	}
	chosen := list{kind: kind}
	if c.Min != nil || c.Max != nil || len(c.Allowed) > 0 || c.Pattern != nil {
		chosen.add(detect.TestConstraintViolation, "the feature says what its values must be")
	}
	if c.Unique {
		chosen.add(detect.TestDuplicateValues, "every value must be its own")
	}
	if c.Format != "" {
		chosen.add(detect.TestFormatValidity, "the feature says the format of its texts")
	}
	return chosen.tests
}

// list gathers the tests that the catalog has.
type list struct {
	kind  detect.FeatureType
	tests []Recommendation
}

func (l *list) add(test detect.Test, reason string) {
	setting := detect.TestSetting{Test: test}.WithDefaults(l.kind)
	if setting.Validate(l.kind) == nil {
		l.tests = append(l.tests, Recommendation{Setting: setting, Reason: reason})
	}
}
