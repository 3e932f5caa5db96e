package detect

import (
	"fmt"
	"slices"
	"testing"
)

// answers are texts of a model that says ten things about ten cities, unless told otherwise.
func answers(n int, also func(i int) string) Sample {
	return texts(n, func(i int) string {
		return fmt.Sprintf(`{"answer": "The weather in city%d is %s today.%s"}`, i*7%10, []string{"mild", "wet", "dry"}[i%3], also(i))
	})
}

func nothing(int) string { return "" }

// TestTextFindings makes each change that a test of texts is for, and compares the texts with themselves.
func TestTextFindings(t *testing.T) {
	t.Parallel()
	baseline := answers(200, nothing)
	for _, c := range []struct {
		test      Test
		current   Sample
		direction Direction
	}{
		{TestTextLength, answers(200, func(int) string { return " And so on, for a while." }), DirectionIncrease},
		{TestTokenFrequency, answers(200, func(i int) string { return []string{"", " Indeed."}[i%2] }), DirectionChanged},
		{TestOutOfVocabulary, answers(200, func(i int) string { return []string{"", " Buy now!"}[i%2] }), DirectionIncrease},
		{TestVocabulary, answers(200, func(i int) string { return fmt.Sprint(" Case number ", i) }), DirectionIncrease},
		{TestRefusalRate, texts(200, func(i int) string { return []string{`"Fine."`, `"I'm sorry, but I can't help with that."`}[i%2] }), DirectionIncrease},
		{TestFormatValidity, texts(200, func(i int) string { return []string{"{}", "{"}[i%2] }), DirectionIncrease},
	} {
		t.Run(string(c.test), func(t *testing.T) {
			t.Parallel()
			f := FeatureInput{Type: Text, Baseline: baseline, Current: baseline, Constraint: &Constraint{Format: "json"}}
			if got := only(t, f, c.test, ""); got.Status != StatusOK || *got.Effect != 0 || got.Direction != DirectionNone || *got.PValue < 0.05 {
				t.Errorf("with itself: got %+v", got)
			}
			f.Current = c.current
			got := only(t, f, c.test, "")
			if got.Status != StatusDrift || got.Direction != c.direction || *got.PValue > 0.001 {
				t.Errorf("got %+v, p %v", got, *got.PValue)
			}
		})
	}
}

// TestTextExplanation wants the words that moved, once a test has read them.
func TestTextExplanation(t *testing.T) {
	t.Parallel()
	f := FeatureInput{
		Name: "x", Type: Text, Baseline: answers(100, nothing), Current: answers(100, func(int) string { return " Buy now!" }),
		Tests: []TestSetting{{Test: TestOutOfVocabulary}, {Test: TestTokenFrequency}},
	}
	got := Compare(f, Settings{}).Explanation
	words := func(changes []CategoryChange) (names []string) {
		for _, c := range changes {
			names = append(names, c.Category)
		}
		return names
	}
	if got == nil || got.UnseenTotal != 2 || !slices.Equal(words(got.Unseen), []string{"buy", "now"}) || !slices.Equal(words(got.Categories)[:2], []string{"buy", "now"}) || got.VanishedTotal != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestFormatUnknown(t *testing.T) {
	t.Parallel()
	f := FeatureInput{Type: Text, Baseline: answers(50, nothing), Current: answers(50, nothing)}
	if got := only(t, f, TestFormatValidity, ""); got.Status != StatusNotApplicable {
		t.Errorf("got %+v", got)
	}
	f.Constraint = &Constraint{Format: "xml"}
	if got := only(t, f, TestFormatValidity, ""); got.Status != StatusError {
		t.Errorf("got %+v", got)
	}
}
