package detect

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestShorten(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "UA", strings.Repeat("x", maxName)} {
		if got := shorten(name); got != name {
			t.Errorf("%q became %q", name, got)
		}
	}
	seen := make(map[string]string)
	for i := range 8 {
		// The cut falls on every byte of the three of a rune.
		for _, end := range []string{"a", "b"} {
			name := strings.Repeat("x", i) + strings.Repeat("€", 300) + end
			got := shorten(name)
			if len(got) > maxName || !utf8.ValidString(got) || !strings.HasPrefix(name, strings.Split(got, "…")[0]) {
				t.Errorf("%q became %q (%d bytes)", name, got, len(got))
			}
			if other, ok := seen[got]; ok {
				t.Errorf("%q and %q became the same", name, other)
			}
			seen[got] = name
		}
	}
}
