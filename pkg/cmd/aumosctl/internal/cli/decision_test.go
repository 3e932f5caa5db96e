package cli_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDecisionEval(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	file := writeFile(t, "p.rego", "package p\n\nallow := true")
	p.run(t, "policy", "push", file, "--name", "retrain").expect(t, 0)
	for _, test := range []struct {
		name, input string
		code        int
		says        []string
	}{
		{"allow", `{"answer":"allow"}`, 0, []string{"ALLOW", "index 7, entry " + id(300)}},
		{"deny", `{"answer":"deny"}`, 1, []string{"DENY", "DRIFT_TOO_SMALL", "NIST-AI-RMF:MEASURE-2.4", `a bare text with \x1b[31mcolour`}},
		{"error", `{"answer":"error"}`, 2, []string{"ERROR", "UNDEFINED"}},
		{"unbound", `{"answer":"unbound"}`, 3, []string{"FAILED_PRECONDITION", "DECISION_POINT_UNBOUND", "push a policy"}},
		{"empty", ``, 3, []string{"standard input is empty"}},
		{"not an object", `[1]`, 3, []string{"standard input is not a JSON object but an array"}},
		{"cut", `{"a":`, 3, []string{"standard input is not a JSON object: line 1, column 5"}},
		{"too long", `{"a":"` + strings.Repeat("x", 256<<10) + `"}`, 3, []string{"the input is longer than 256 KiB", "--summary"}},
		{"much too long", `{"a":"` + strings.Repeat("x", 2<<20), 3, []string{"the input is longer than 256 KiB", "--summary"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := p.runWithInput(t, test.input, "decision", "eval", "--decision-point", "drift.retrain", "--input", "-")
			got.expect(t, test.code).says(t, test.says...)
			if strings.ContainsRune(got.stdout, 0x1b) {
				t.Error("an escape character reached the terminal")
			}
		})
	}
	input := writeFile(t, "input.json", `{"answer":"deny"}`)
	p.run(t, "decision", "eval", "--policy", "retrain", "--input", input).expect(t, 1)
	p.run(t, "decision", "eval", "--policy", id(100), "--input", input).expect(t, 1)
	p.run(t, "decision", "eval", "--policy", "absent", "--input", input).expect(t, 3)
	p.run(t, "decision", "eval", "--policy", "retrain", "--decision-point", "drift.retrain", "--input", input).expect(t, 3)
	p.run(t, "decision", "eval", "--policy", "retrain").expect(t, 3).says(t, `required flag(s) "input" not set`)

	golden(t, "decision_eval_deny.txt", p.run(t, "decision", "eval", "--decision-point", "drift.retrain", "--input", input).expect(t, 1).stdout)
	golden(t, "decision_eval_deny.json", p.run(t, "decision", "eval", "--decision-point", "drift.retrain", "--input", input, "-o", "json").expect(t, 1).stdout)

	golden(t, "decision_eval_obliged.txt", p.runWithInput(t, `{"answer":"obliged"}`, "decision", "eval", "--policy", "retrain", "--input", "-",
		"--resource", "model/credit/7", "--explain", "trace").expect(t, 0).says(t, "the explanation of retrain is not whole").stdout)
	golden(t, "decision_eval_obliged.json", p.runWithInput(t, `{"answer":"obliged"}`, "decision", "eval", "--policy", "retrain", "--input", "-",
		"--resource", "model/credit/7", "--explain", "rules", "-o", "json").expect(t, 0).stdout)
	p.run(t, "decision", "eval", "--policy", "retrain", "--input", input, "--explain", "all").expect(t, 3).says(t, "neither rules nor trace")
	p.run(t, "decision", "eval", "--policy", "retrain", "--input", input, "--resource", "model").expect(t, 3).says(t, "is not TYPE/ID")
}

func TestDecisionBatch(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	file := writeFile(t, "p.rego", "package p\n\nallow := true")
	p.run(t, "policy", "push", file, "--name", "retrain").expect(t, 0)
	const line = `{"input":{"answer":"%"},"decision_point":"drift.retrain"}` + "\n"
	questions := func(answers ...string) string {
		var b strings.Builder
		for _, answer := range answers {
			b.WriteString(strings.ReplaceAll(line, "%", answer))
		}
		return b.String()
	}
	for _, test := range []struct {
		name, input string
		code        int
	}{
		{"nothing", "", 0},
		{"allowed", questions("allow", "obliged"), 0},
		{"denied", questions("allow", "deny", "allow"), 1},
		{"error", questions("deny", "error", "deny"), 2},
		{"failed", questions("allow", "unbound", "error"), 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := p.runWithInput(t, test.input, "decision", "batch", "-").expect(t, test.code)
			if n := strings.Count(got.stdout, "\n"); n != strings.Count(test.input, "\n")+1 {
				t.Errorf("%d lines\n%s", n, got.stdout)
			}
		})
	}
	mixed := writeFile(t, "q.jsonl", questions("allow", "deny")+"\n"+questions("error", "unbound", "obliged"))
	golden(t, "decision_batch.txt", p.run(t, "decision", "batch", mixed).expect(t, 3).stdout)
	golden(t, "decision_batch.jsonl", p.run(t, "decision", "batch", mixed, "-o", "jsonl").expect(t, 3).stdout)
	if got := p.run(t, "decision", "batch", mixed, "-o", "json").expect(t, 3).stdout; !strings.HasPrefix(got, "[") {
		t.Errorf("JSON: %s", got)
	}

	// Lines without a target, in more than one batch.
	bare := strings.Repeat(`{"input":{"answer":"allow"}}`+"\n", 130)
	p.policy.batches = nil
	got := p.runWithInput(t, bare, "decision", "batch", "-", "--policy", "retrain", "-o", "jsonl", "--correlation-id", "c-1").expect(t, 0).says(t, `"correlation_id":"c-1"`)
	if n := strings.Count(got.stdout, "\n"); n != 130 || !slices.Equal(p.policy.batches, []int{100, 30}) {
		t.Errorf("%d answers in batches %v", n, p.policy.batches)
	}
	p.policy.batches = nil
	long := strings.Repeat(`{"input":{"answer":"allow","x":"`+strings.Repeat("x", 240<<10)+`"}}`+"\n", 20)
	p.runWithInput(t, long, "decision", "batch", "-", "--decision-point", "drift.retrain").expect(t, 0)
	if !slices.Equal(p.policy.batches, []int{16, 4}) {
		t.Errorf("batches %v", p.policy.batches)
	}
	// A line that is no question: of a file nothing is asked, of a stream the rest is not.
	p.policy.batches = nil
	cut := bare + `{"input":` + "\n"
	p.run(t, "decision", "batch", writeFile(t, "cut.jsonl", cut), "--policy", "retrain").expect(t, 3).says(t, "cut.jsonl:131: no question", "nothing was asked")
	if len(p.policy.batches) > 0 {
		t.Errorf("of a file with a bad line, batches %v were asked", p.policy.batches)
	}
	got = p.runWithInput(t, cut, "decision", "batch", "-", "--policy", "retrain", "-o", "jsonl").expect(t, 3).
		says(t, "standard input:131: no question", "the decisions up to line 100 are made")
	if n := strings.Count(got.stdout, "\n"); n != 100 || !slices.Equal(p.policy.batches, []int{100}) {
		t.Errorf("%d answers in batches %v", n, p.policy.batches)
	}
	for name, test := range map[string]struct{ input, says string }{
		"no target": {`{"input":{}}`, "neither the question nor a flag says"},
		"no JSON":   {questions("allow") + "x", "standard input:2: no question"},
		"half":      {`{"input":{"x":"\ud800"}}`, "standard input:1: no question: column 15: half of a surrogate pair"},
		"a typo":    {`{"inputs":{}}`, `unknown field "inputs"`},
		"long":      {`{"input":{"x":"` + strings.Repeat("x", 2<<20) + `"}}`, "standard input:1: the input is longer"},
	} {
		if got := p.runWithInput(t, test.input, "decision", "batch", "-"); got.code != 3 || !strings.Contains(got.stderr, test.says) {
			t.Errorf("%s: code %d\n%s", name, got.code, got.stderr)
		}
	}
	p.run(t, "decision", "batch", filepath.Join(t.TempDir(), "absent")).expect(t, 3).says(t, "no such file")
	p.run(t, "decision", "batch", mixed, "--policy", "absent").expect(t, 3).says(t, "there is no policy")
}
