package comparison_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/comparison"
	"github.com/aumos-enterprise/platform/drift/internal/cputest"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	for pattern, refused := range map[string]string{
		"":                                "",
		"[A-Z]{2}-\\d{6}":                 "",
		"\\w{1,255}(,\\w{1,255}){0,3}":    "",
		"(":                               "missing closing ): `(`",
		"a)(b":                            "unexpected ): `a)(b`",
		"\\1":                             "invalid escape sequence",
		"a{1001}":                         "invalid repeat count",
		strings.Repeat("(.?){1000}", 100): "repeat less",
		strings.Repeat(".{1000}", 140):    "repeat less",
		"(?:(?:(?:a{10}){10}){10}){10}":   "invalid repeat count",
		strings.Repeat("\\pL{999}", 4):    "repeat less",
		"(?:a|b|c)*" + strings.Repeat("(?:x+x+)+", 100): "",
	} {
		_, err := new(comparison.Patterns).Parse("pattern", pattern)
		if refused == "" && err != nil || refused != "" && !strings.Contains(problem(err), refused) {
			t.Errorf("%.40s: got %v, want %q", pattern, err, refused)
		}
	}
	var p comparison.Patterns
	for range 10 {
		if _, err := p.Parse("pattern", ".{1,900}"); err != nil {
			t.Error(err)
		}
	}
	var err error
	for range 30 {
		if _, err = p.Parse("pattern", ".{1,900}"); err != nil {
			break
		}
	}
	if !strings.Contains(problem(err), "together") {
		t.Errorf("many patterns: got %v", err)
	}
}

// problem is what an error says of the field.
func problem(err error) string {
	if refused, ok := errors.AsType[*errs.Error](err); ok {
		return refused.Violations[0].Description
	}
	return ""
}

// TestSlowestPattern matches the largest text against a pattern at the limit.
func TestSlowestPattern(t *testing.T) {
	t.Parallel()
	pattern, err := new(comparison.Patterns).Parse("pattern", "(?:(?:a?){27}){27}(?:(?:a?){27}){27}b")
	if err != nil {
		t.Fatal(err)
	}
	start := cputest.Now(t)
	pattern.MatchString(strings.Repeat("a", 65_536))
	if took := cputest.Since(t, start); took > 20*time.Second { // 0.3 s by itself
		t.Errorf("one text took %v", took)
	}
}
