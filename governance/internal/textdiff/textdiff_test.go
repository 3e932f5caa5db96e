package textdiff_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/internal/textdiff"
)

const unlimited = 1 << 30

func TestUnified(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ from, to, want string }{
		"equal":         {"a\nb\n", "a\nb\n", ""},
		"changed":       {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n", "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
		"from nothing":  {"", "1\n", "--- a\n+++ b\n@@ -0,0 +1 @@\n+1\n"},
		"to nothing":    {"1\n2\n", "", "--- a\n+++ b\n@@ -1,2 +0,0 @@\n-1\n-2\n"},
		"end of file":   {"1", "1\n", "--- a\n+++ b\n@@ -1 +1 @@\n-1\n\\ No newline at end of file\n+1\n"},
		"two far apart": {"x\n1\n2\n3\n4\n5\n6\n7\ny\n", "1\n2\n3\n4\n5\n6\n7\n", "--- a\n+++ b\n@@ -1,4 +1,3 @@\n-x\n 1\n 2\n 3\n@@ -6,4 +5,3 @@\n 5\n 6\n 7\n-y\n"},
		"two close":     {"x\n1\n2\n3\n4\n5\n6\ny\n", "1\n2\n3\n4\n5\n6\n", "--- a\n+++ b\n@@ -1,8 +1,6 @@\n-x\n 1\n 2\n 3\n 4\n 5\n 6\n-y\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, cut := textdiff.Unified("a", "b", test.from, test.to, unlimited)
			if diff := cmp.Diff(test.want, got); diff != "" || cut {
				t.Errorf("cut %t, (-want +got):\n%s", cut, diff)
			}
		})
	}
	if got, _ := textdiff.Unified("", "b", "", "", unlimited); got != "--- /dev/null\n+++ b\n" {
		t.Errorf("an added empty file: %q", got)
	}
}

func TestUnifiedIsBounded(t *testing.T) {
	t.Parallel()
	got, cut := textdiff.Unified("a", "b", "1\n2\n", "3\n4\n", 36)
	if !cut || len(got) > 36 || !strings.HasSuffix(got, "\n") {
		t.Errorf("cut %t: %q", cut, got)
	}
	// The largest modules, in the shapes that are hard for other algorithms.
	same, other := strings.Repeat("\n", 256<<10), strings.Repeat("a\n\n", 256<<10/3)
	start := time.Now()
	textdiff.Unified("a", "b", same, other, 1<<20)
	textdiff.Unified("a", "b", other, same, 1<<20)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

// An independent program turns one text into the other by what is printed.
func TestUnifiedCanBeApplied(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Log("git is not installed: the applier of this file alone judges")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		from := text(random, random.IntN(30))
		to := mutate(random, from)
		diff, _ := textdiff.Unified("a/f", "b/f", from, to, unlimited)
		if got, ok := apply(from, diff); !ok || got != to {
			t.Fatalf("from %q to %q: applied %q by\n%s", from, to, got, diff)
		}
	}
	if git == "" {
		return
	}
	for range 10 {
		from := text(random, 5+random.IntN(30))
		to := mutate(random, from)
		if from == to || to == "" {
			continue
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(file, []byte(from), 0o600); err != nil {
			t.Fatal(err)
		}
		diff, _ := textdiff.Unified("a/f", "b/f", from, to, unlimited)
		cmd := exec.CommandContext(t.Context(), git, "apply", "--unidiff-zero", "-")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git apply: %v: %s\n%s", err, out, diff)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != to {
			t.Fatalf("git apply made %q of %q, want %q: %v", got, from, to, err)
		}
	}
}

func text(random *rand.Rand, lines int) string {
	var b strings.Builder
	for range lines {
		b.WriteString(string(rune('a'+random.IntN(12))) + "\n")
	}
	return b.String()
}

func mutate(random *rand.Rand, from string) string {
	lines := strings.SplitAfter(from, "\n")
	var b strings.Builder
	for _, line := range lines {
		switch random.IntN(6) {
		case 0:
		case 1:
			b.WriteString("new\n" + line)
		default:
			b.WriteString(line)
		}
	}
	return b.String()
}

// apply does what the hunks say, and checks what they say about the text.
func apply(from, diff string) (string, bool) {
	old := strings.SplitAfter(from, "\n")
	var b strings.Builder
	at := 0
	lines := strings.SplitAfter(diff, "\n")
	for i := 2; i < len(lines); i++ {
		line := lines[i]
		if line == "" {
			continue
		}
		body := line[1:]
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], `\`) {
			body = strings.TrimSuffix(body, "\n")
		}
		switch line[0] {
		case '@':
			start, n := position(line)
			if n > 0 {
				start--
			}
			for ; at < start; at++ {
				b.WriteString(old[at])
			}
		case ' ', '-':
			if at >= len(old) || old[at] != body {
				return b.String(), false
			}
			if line[0] == ' ' {
				b.WriteString(body)
			}
			at++
		case '+':
			b.WriteString(body)
		}
	}
	for ; at < len(old); at++ {
		b.WriteString(old[at])
	}
	return b.String(), true
}

func position(header string) (start, n int) {
	numbers := strings.Split(strings.TrimPrefix(strings.Fields(header)[1], "-"), ",")
	number := func(s string) (value int) {
		for _, c := range s {
			value = 10*value + int(c-'0')
		}
		return value
	}
	if len(numbers) == 1 {
		return number(numbers[0]), 1
	}
	return number(numbers[0]), number(numbers[1])
}

func FuzzUnified(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd")
	f.Add("", "x")
	f.Add("\n\n\n", "\n")
	f.Fuzz(func(t *testing.T, from, to string) {
		diff, cut := textdiff.Unified("a", "b", from, to, unlimited)
		if cut || (diff == "") != (from == to) {
			t.Fatalf("cut %t, %q", cut, diff)
		}
		if got, ok := apply(from, diff); !ok || got != to {
			t.Fatalf("from %q to %q: applied %q by\n%s", from, to, got, diff)
		}
		if short, _ := textdiff.Unified("a", "b", from, to, 20); len(short) > 20 {
			t.Fatalf("%d bytes", len(short))
		}
	})
}
