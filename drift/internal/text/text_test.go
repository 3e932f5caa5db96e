package text_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/text"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value       string
		line, prose bool
	}{
		{"", true, true},
		{"dep_delay é €", true, true},
		{"a\nb\tc\r\n", false, true},
		{"a\x00", false, false},
		{"\u0085", false, false},
		{"\x1b[31m", false, false},
	} {
		if got := text.Line("f", test.value) == nil; got != test.line {
			t.Errorf("Line(%q): %v", test.value, got)
		}
		if got := text.Prose("f", test.value) == nil; got != test.prose {
			t.Errorf("Prose(%q): %v", test.value, got)
		}
	}
}
