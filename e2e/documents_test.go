package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDocuments does what the walk-throughs tell their readers to type, line by line, and compares what is printed. Each reader has a development stack, and reads
// one document or several. A command may say no (exit code 1: drift, a denial, a difference); it fails only where the line says so, in a comment "# refused: REASON".
func TestDocuments(t *testing.T) {
	t.Parallel()
	type part struct{ file, from, to string }
	for name, parts := range map[string][]part{
		"README":             {{"README.md", "## A walk-through", "## gRPC"}},
		"walkthrough-replay": {{"docs/walkthrough-replay.md", "## What is live", ""}},
		"drift": {
			{"docs/drift-compare.md", "## Everything at once", ""},
			{"docs/concept-drift.md", "## An example", ""},
			{"docs/drift-performance.md", "## With the truth", ""},
			{"docs/drift-trends.md", "## A jump", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var steps []step
			for _, p := range parts {
				content := readDocument(t, filepath.Join("..", filepath.FromSlash(p.file)))
				steps = append(steps, readSteps(t, content, p.from, p.to)...)
			}
			if len(steps) < 5 {
				t.Fatalf("%s has %d blocks of commands", name, len(steps))
			}
			r := newReader(t)
			for _, s := range steps {
				r.follow(t, s)
			}
		})
	}
}

// step is a block of commands (```sh) and what the document says that they print: the block without a language after it, if there is one. Blocks of text
// (```text) are samples of what is not the same each time.
type step struct{ commands, printed []string }

// readSteps returns the steps between two headings.
func readSteps(t *testing.T, text, from, to string) (steps []step) {
	t.Helper()
	_, text, found := strings.Cut("\n"+text, "\n"+from)
	if !found {
		t.Fatalf("there is no %q", from)
	}
	if to != "" {
		if text, _, found = strings.Cut(text, "\n"+to); !found {
			t.Fatalf("there is no %q", to)
		}
	}
	for i, block := range strings.Split(text, "\n```") {
		language, code, _ := strings.Cut(block, "\n")
		switch lines := strings.Split(strings.ReplaceAll(code, "\\\n", " "), "\n"); {
		case i%2 == 0:
		case language == "sh":
			steps = append(steps, step{commands: lines})
		case language == "" && len(steps) > 0:
			steps[len(steps)-1].printed = lines
		}
	}
	return steps
}

// volatile is what differs from run to run: ids, digests, times, durations, places in the log, and what was left out.
var volatile = regexp.MustCompile(`[0-9a-f]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[µm]s\b|\bindex\b|\bentr(y|ies)\b|\.\.\.`)

// reader is somebody who has cloned the repository, run make dev, and opened another terminal.
type reader struct {
	dir string
	// exports are the variables that the reader has set, as shell.
	exports strings.Builder
}

func newReader(t *testing.T) *reader {
	t.Helper()
	r := &reader{dir: openDir(t)}
	for from, to := range map[string]string{filepath.Dir(binary("aumosctl")): "bin", example(t): "examples"} {
		if err := os.CopyFS(filepath.Join(r.dir, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	dev := start(t, nil, "aumos-dev", "-dir", filepath.Join(r.dir, ".dev"), "-base-port", "0", "-examples", example(t), "-aumosctl", binary("aumosctl"))
	dev.awaitOutput(t, "aumosctl token")
	return r
}

// refusal is what a line says that is there to be refused.
var refusal = regexp.MustCompile(`# refused: ([A-Z_]+)`)

// follow types the commands of a step, and finds the lines that the document shows among what they print.
func (r *reader) follow(t *testing.T, s step) {
	t.Helper()
	var printed strings.Builder
	for _, line := range s.commands {
		printed.WriteString(r.types(t, line))
	}
	for _, want := range s.printed {
		if !volatile.MatchString(want) && !strings.Contains(printed.String(), want) {
			t.Errorf("after %s\nthe document shows\n%s\nprinted is\n%s", strings.Join(s.commands, "\n"), want, &printed)
		}
	}
}

// types runs one command as the reader's shell would, and again as long as it says that there is nothing to tell yet (exit code 2).
func (r *reader) types(t *testing.T, line string) string {
	t.Helper()
	if strings.HasPrefix(line, "export ") {
		r.exports.WriteString(line + "\n")
		return ""
	}
	code, output := r.run(t, line)
	for began := time.Now(); code == 2 && time.Since(began) < readyWithin; {
		code, output = r.run(t, line)
	}
	if reason := refusal.FindStringSubmatch(line); reason != nil {
		if code != 3 || !strings.Contains(output, reason[1]) {
			t.Fatalf("%s\ngot exit code %d, want it refused\n%s", line, code, output)
		}
		return output
	}
	if code != 0 && code != 1 {
		t.Fatalf("%s\ngot exit code %d\n%s", line, code, output)
	}
	return output
}

func (r *reader) run(t *testing.T, line string) (code int, output string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", r.exports.String()+line)
	cmd.Dir, cmd.Env = r.dir, cleanEnviron()
	printed, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("%s: %v", line, err)
	}
	return cmd.ProcessState.ExitCode(), string(printed)
}
