package detect_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

const catalogDocument = "../../../docs/drift-catalog.md"

// TestCatalogDocument holds docs/drift-catalog.md to what the catalog says. UPDATE_CATALOG=1 writes it anew.
func TestCatalogDocument(t *testing.T) {
	t.Parallel()
	var document strings.Builder
	document.WriteString(`# The catalogue of drift tests

` + "`make catalog`" + ` writes this file from the tests' own descriptions, which ` + "`aumosctl drift tests NAME`" + ` and ` + "`DetectionService.ListTests`" + ` give too. How to choose a test, and
how to read what it says, is in [drift-tests.md](drift-tests.md).

A convention fixes everything that could be computed in more than one way. It is never redefined: a changed definition gets a new name. An effect matters from the value given here
unless a setting says otherwise.

`)
	index(&document)
	for _, spec := range detect.Catalog() {
		describe(&document, spec)
	}

	if os.Getenv("UPDATE_CATALOG") != "" {
		if err := os.WriteFile(catalogDocument, []byte(document.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(catalogDocument)
	if err != nil || string(written) != document.String() {
		t.Errorf("docs/drift-catalog.md is not what the catalog says (%v): make catalog writes it anew", err)
	}
}

// index lists the tests by what they look at.
func index(w *strings.Builder) {
	for _, group := range []struct {
		title string
		has   func(detect.Spec) bool
	}{
		{"Numbers", func(s detect.Spec) bool { return s.Kind != detect.KindQuality && s.Applies(detect.Numeric) }},
		{"Categories and booleans", func(s detect.Spec) bool { return s.Kind != detect.KindQuality && s.Applies(detect.Categorical) }},
		{"Texts", func(s detect.Spec) bool { return s.Kind != detect.KindQuality && s.Applies(detect.Text) }},
		{"Timestamps", func(s detect.Spec) bool { return s.Kind != detect.KindQuality && s.Applies(detect.Timestamp) }},
		{"Vectors", func(s detect.Spec) bool { return s.Kind != detect.KindQuality && s.Applies(detect.Vector) }},
		{"Defects of the data", func(s detect.Spec) bool { return s.Kind == detect.KindQuality }},
	} {
		rows := []string{}
		features := []string{}
		for _, spec := range detect.Catalog() {
			link := fmt.Sprintf("[`%s`](#%s)", spec.Test, strings.ToLower(string(spec.Test)))
			switch {
			case !group.has(spec):
			case spec.Scope == detect.ScopeRows && group.title != "Vectors":
				rows = append(rows, link)
			default:
				features = append(features, link)
			}
		}
		if len(rows) > 0 {
			features = append(features, "of whole rows "+strings.Join(rows, ", "))
		}
		if len(features) > 0 {
			fmt.Fprintf(w, "* %s: %s\n", group.title, strings.Join(features, ", "))
		}
	}
}

// parameters lists what can be set about a test.
func parameters(s detect.Spec) string {
	var list []string
	for _, p := range s.Parameters() {
		list = append(list, fmt.Sprintf("`%s` (%s)", p.Name, p.Default))
	}
	return strings.Join(list, ", ")
}

func describe(w *strings.Builder, s detect.Spec) {
	fmt.Fprintf(w, "\n## %s\n\n%s.\n\n", s.Test, s.Title)
	fmt.Fprintf(w, "* **Null hypothesis**: %s\n", s.Null)
	fmt.Fprintf(w, "* **Assumes**: %s.\n", strings.Join(s.Assumptions, "; "))
	fmt.Fprintf(w, "* **P-value**: %s.\n", strings.TrimSuffix(s.PValue, "."))
	fmt.Fprintf(w, "* **Effect**: %s.\n", s.EffectRange)
	fmt.Fprintf(w, "* **Parameters**, with their defaults: %s.\n", parameters(s))
	fmt.Fprintf(w, "* **Source**: %s.\n\n", strings.TrimSuffix(s.Source, "."))
	fmt.Fprint(w, "| convention | features | effect that matters | what it fixes |\n|---|---|---|---|\n")
	for _, c := range s.Conventions {
		types := c.Types
		if len(types) == 0 {
			types = s.Types
		}
		named, _ := s.Convention(c.Name, types[0])
		fmt.Fprintf(w, "| `%s` | %s | `%s` ≥ %.4g | %s |\n", c.Name, usedFor(s, c.Name, types), named.EffectName, named.MinEffect, strings.ReplaceAll(c.Description, "|", `\|`))
	}
}

// usedFor names the types that a convention applies to, and those of which it is the default.
func usedFor(s detect.Spec, convention string, types []detect.FeatureType) string {
	var preferred, others []string
	for _, feature := range types {
		name := strings.ToLower(string(feature))
		if standard, _ := s.Convention("", feature); standard.Name == convention {
			preferred = append(preferred, name)
		} else {
			others = append(others, name)
		}
	}
	var parts []string
	if len(preferred) > 0 {
		parts = append(parts, strings.Join(preferred, ", ")+" (default)")
	}
	return strings.Join(slices.Concat(parts, others), ", ")
}
