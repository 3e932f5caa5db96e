package detect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxNamed bounds the features that Summarize names one by one.
const maxNamed = 3

// Summarize says in a paragraph, for people, what a run found and where.
func Summarize(run Run) string {
	sentences := []string{run.headline()}
	worst := slices.SortedStableFunc(slices.Values(run.Features), func(a, b FeatureResult) int { return cmp.Compare(b.Severity, a.Severity) })
	sentences = append(sentences, tell("Drifted", worst, StatusDrift), tell("Close to drift", worst, StatusWarning),
		tell("Failed", worst, StatusError), tell("Too few rows", worst, StatusInsufficientData), untested(worst), run.whole())
	sentences = slices.DeleteFunc(sentences, func(s string) bool { return s == "" })
	return strings.Join(sentences, " ")
}

// headline is the verdict and how it came about.
func (run Run) headline() string {
	if len(run.Features)+len(run.Rows) == 0 {
		return "Nothing was compared: there are no features."
	}
	if run.PValuesTested == 0 && run.Status != StatusDrift {
		return fmt.Sprintf("No verdict (%s): no test could be made on %s.", run.Status, count(len(run.Features), "feature"))
	}
	features := count(len(run.Features), "feature")
	family := fmt.Sprintf("at a false discovery rate of %g %% over %s", 100*run.Settings.FDR, count(run.PValuesTested, "p-value"))
	switch {
	case run.DriftedFeatures > 0 && run.Status != StatusDrift:
		return fmt.Sprintf("%s: %d of %s drifted, fewer than the %d that it takes, %s.", run.Status, run.DriftedFeatures, features, run.Settings.MinDriftedFeatures, family)
	case run.Status == StatusOK:
		return fmt.Sprintf("No drift that matters in %s, %s.", features, family)
	default:
		return fmt.Sprintf("%s: %d of %s drifted, %s.", run.Status, run.DriftedFeatures, features, family)
	}
}

// tell names the features with a status, the most severe first, and why.
func tell(what string, worst []FeatureResult, status Status) string {
	var named []string
	total := 0
	for _, f := range worst {
		if f.Status != status {
			continue
		}
		if total++; total <= maxNamed {
			named = append(named, f.Name+f.moved()+" ("+f.Reason+")")
		}
	}
	if total == 0 {
		return ""
	}
	text := what + ": " + strings.Join(named, "; ")
	if total > maxNamed {
		text += fmt.Sprintf("; and %d more", total-maxNamed)
	}
	return text + "."
}

// untested names the tests that would have meant nothing for the data: a verdict without drift does not speak for them.
func untested(worst []FeatureResult) string {
	var named []string
	total := 0
	for _, f := range worst {
		for _, r := range f.Results {
			if r.Status != StatusNotApplicable {
				continue
			}
			if total++; total <= maxNamed {
				named = append(named, fmt.Sprintf("%s, %s (%s)", f.Name, r.Test.title(), r.Reason))
			}
		}
	}
	if total == 0 {
		return ""
	}
	text := "Not tested, since it does not apply: " + strings.Join(named, "; ")
	if total > maxNamed {
		text += fmt.Sprintf("; and %d more", total-maxNamed)
	}
	return text + "."
}

// title names the test in a sentence.
func (t Test) title() string {
	spec, ok := Lookup(t)
	if !ok {
		return string(t)
	}
	name, _, _ := strings.Cut(spec.Title, ", ") // "two-sample" goes without saying
	return name
}

// moved says how the values changed, in their own unit.
func (f FeatureResult) moved() string {
	b, c := f.Baseline.Numeric, f.Current.Numeric
	switch {
	case b != nil && c != nil && b.Median != c.Median:
		return fmt.Sprintf(", median %.4g → %.4g", b.Median, c.Median)
	case b != nil && c != nil && b.Mean != nil && c.Mean != nil:
		return fmt.Sprintf(", mean %.4g → %.4g", *b.Mean, *c.Mean)
	case f.Explanation != nil && len(f.Explanation.Categories) > 0:
		top := f.Explanation.Categories[0]
		return fmt.Sprintf(", %q %.1f %% → %.1f %%", cut(top.Category), 100*top.BaselineShare, 100*top.CurrentShare)
	}
	return ""
}

// whole says what the tests of whole rows add to the tests of features.
func (run Run) whole() string {
	if len(run.Rows) == 0 {
		return ""
	}
	var found, unsaid []string
	for _, r := range run.Rows {
		switch r.Status {
		case StatusDrift:
			found = append(found, r.Test.title())
		case StatusError, StatusInsufficientData, StatusNotApplicable:
			unsaid = append(unsaid, fmt.Sprintf("%s (%s)", r.Test.title(), r.Reason))
		case StatusOK, StatusWarning:
		}
	}
	silent := ""
	if len(unsaid) > 0 {
		silent = fmt.Sprintf("Of whole rows nothing is said by %s.", strings.Join(unsaid, "; "))
	}
	switch {
	case len(unsaid) == len(run.Rows):
		return silent
	case len(found) == 0:
		return strings.TrimSpace("Tests of whole rows found no drift. " + silent)
	case run.DriftedFeatures == 0:
		return strings.TrimSpace(fmt.Sprintf("Whole rows drifted (%s) though no feature did by itself: the features changed in how they go together. %s", strings.Join(found, ", "), silent))
	default:
		return strings.TrimSpace(fmt.Sprintf("Whole rows drifted too (%s). %s", strings.Join(found, ", "), silent))
	}
}

// cut shortens a category's name for a sentence.
func cut(name string) string {
	const most = 40
	if runes := []rune(name[:min(len(name), 4*most)]); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return name
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
