package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const batchHelp = `Asks many questions, each on a line of its own as JSON:

  {"decision_point": "drift.retrain", "input": {...}}
  {"policy_id": "0198c0de-...", "input": {...}, "request_id": "0198c0df-...", "resource": {"type": "model", "id": "credit-7"}}

A question may also have correlation_id. --policy or --decision-point says what is asked by lines that do not say it themselves. Each decision is on
the Audit Wall before it is printed, in the order of the lines; a question that fails does so alone. A file with a line that is no question is refused before
anything is asked; in standard input such a line ends the command, which says what was decided before.

Exit codes: the worst of all lines. 0 ALLOW, 1 DENY, 2 ERROR (a policy gave no valid answer: never an allow), 3 a question failed.`

const batchExample = `  aumosctl decision batch questions.jsonl
  jq -c '{input: .}' requests.jsonl | aumosctl decision batch - --decision-point model.deploy -o jsonl`

// The contract's limits on a batch. Bytes are left for the frame of each question.
const (
	maxBatch      = 100
	maxBatchBytes = 4<<20 - 16<<10
)

type batchOptions struct {
	policy, point, correlation string
}

func (a *app) decisionBatchCommand() *cobra.Command {
	var o batchOptions
	cmd := &cobra.Command{
		Use: "batch FILE|-", Short: "Ask for many audited decisions", Args: cobra.ExactArgs(1), Long: batchHelp, Example: batchExample,
		RunE: func(cmd *cobra.Command, args []string) error { return a.decisionBatch(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "the policy that lines without a target ask, by name or id")
	f.StringVar(&o.point, "decision-point", "", "the decision point that lines without a target ask")
	f.StringVar(&o.correlation, "correlation-id", "", "groups the decisions of lines that have none of their own")
	cmd.MarkFlagsMutuallyExclusive("policy", "decision-point")
	return cmd
}

func (a *app) decisionBatch(ctx context.Context, path string, o batchOptions) error {
	in, name := a.stdin, "standard input"
	var file *os.File
	if path != "-" {
		var err error
		if file, err = os.Open(path); err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		in, name = file, path
	}
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if o.policy != "" {
		if o.policy, err = a.policyID(ctx, conn, o.policy); err != nil {
			return err
		}
	}
	b := batcher{app: a, client: conn, options: o, grid: output.NewGrid("line", "outcome", "why", "decision"), values: []map[string]any{}}
	if file != nil {
		if err := b.check(file, name); err != nil {
			return err
		}
	}
	if err := errors.Join(b.all(ctx, in, name), b.end()); err != nil {
		return err
	}
	if b.worst != exitOK {
		return answer(b.worst)
	}
	return nil
}

// batcher asks questions as they are read, as many together as the contract allows.
type batcher struct {
	app     *app
	client  grpc.ClientConnInterface
	options batchOptions
	asked   []*governancev1.EvaluateRequest
	lines   []int // of the questions
	bytes   int
	decided int // the last line with an answer
	worst   int // exit code
	grid    *output.Grid
	values  []map[string]any
}

// check refuses a file with a line that is no question. What can be read only once, as a pipe, is not checked beforehand.
func (b *batcher) check(file *os.File, name string) error {
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	if err := b.each(file, name, func(int, *governancev1.EvaluateRequest) error { return nil }); err != nil {
		return fmt.Errorf("%w; nothing was asked", err)
	}
	_, err := file.Seek(0, io.SeekStart)
	return err
}

// all asks every question.
func (b *batcher) all(ctx context.Context, in io.Reader, name string) error {
	err := b.each(in, name, func(n int, q *governancev1.EvaluateRequest) error {
		size := proto.Size(q)
		if len(b.asked) == maxBatch || b.bytes+size > maxBatchBytes {
			if err := b.ask(ctx); err != nil {
				return err
			}
		}
		b.asked, b.lines, b.bytes = append(b.asked, q), append(b.lines, n), b.bytes+size
		return nil
	})
	if err == nil {
		err = b.ask(ctx)
	}
	if err != nil && b.decided > 0 {
		return fmt.Errorf("%w; the decisions up to line %d are made and on the Audit Wall", err, b.decided)
	}
	return err
}

// each reads the questions with their lines.
func (b *batcher) each(in io.Reader, name string, do func(n int, q *governancev1.EvaluateRequest) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxInputText)
	n := 0
	for lines.Scan() {
		if n++; len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		q, err := b.question(lines.Bytes())
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if err := do(n, q); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s:%d: %w", name, n+1, errInputTooLong)
	} else if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func (b *batcher) question(line []byte) (*governancev1.EvaluateRequest, error) {
	q := &governancev1.EvaluateRequest{}
	if err := protojson.Unmarshal(line, q); err != nil {
		if at, why := jsonFault(line); why != "" {
			return nil, fmt.Errorf("no question: column %d: %s", at+1, why)
		}
		return nil, fmt.Errorf("no question: %w", err)
	}
	switch {
	case q.GetTarget() != nil:
	case b.options.point != "":
		q.Target = &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: b.options.point}
	case b.options.policy != "":
		q.Target = &governancev1.EvaluateRequest_PolicyId{PolicyId: b.options.policy}
	default:
		return nil, errors.New("neither the question nor a flag says which policy or decision point is asked")
	}
	if q.GetCorrelationId() == "" {
		q.CorrelationId = b.options.correlation
	}
	return q, nil
}

// ask asks what has gathered, and keeps or prints the answers.
func (b *batcher) ask(ctx context.Context) error {
	if len(b.asked) == 0 {
		return nil
	}
	res, err := call(ctx, b.app, governancev1.NewDecisionServiceClient(b.client).BatchEvaluate, &governancev1.BatchEvaluateRequest{Requests: b.asked})
	if err != nil {
		return err
	}
	if len(res.GetResults()) != len(b.asked) {
		return fmt.Errorf("%d answers to %d questions", len(res.GetResults()), len(b.asked))
	}
	for i, r := range res.GetResults() {
		if err := b.answer(b.lines[i], r); err != nil {
			return err
		}
	}
	b.decided = b.lines[len(b.lines)-1]
	b.asked, b.lines, b.bytes = nil, nil, 0
	return nil
}

// answer keeps or prints what became of the question on a line.
func (b *batcher) answer(line int, r *governancev1.BatchEvaluateResult) error {
	if e := r.GetError(); e != nil {
		b.worst = exitFailure
		return b.print(line, "error", r.GetError(), failureRow(line, e))
	}
	d := r.GetResponse().GetDecision()
	b.worst = max(b.worst, decisionExit(d.GetOutcome()))
	row := []string{strconv.Itoa(line), outcomeName(d.GetOutcome()), why(d), d.GetId()}
	return b.print(line, "decision", d, row)
}

func (b *batcher) print(line int, name string, m proto.Message, row []string) error {
	if b.app.format == formatTable {
		b.grid.Row(row...)
		return nil
	}
	tree, err := output.Tree(m)
	if err != nil {
		return err
	}
	value := map[string]any{"line": line, name: tree}
	if b.app.format == formatJSONL {
		return b.app.printJSON(value)
	}
	b.values = append(b.values, value)
	return nil
}

// end prints what was kept.
func (b *batcher) end() error {
	switch b.app.format {
	case formatTable:
		return b.grid.Print(b.app.stdout, "")
	case formatJSON:
		return b.app.printJSON(b.values)
	default:
		return nil
	}
}

// why lists what speaks against the action, where there was no answer, and what an action that is allowed obliges to.
func why(d *governancev1.Decision) string {
	var list []string
	for _, r := range d.GetResults() {
		if r.GetOutcome() == governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR {
			list = append(list, r.GetPolicyName()+": "+whyText(r))
		}
		for _, v := range r.GetViolations() {
			list = append(list, violationName(v))
		}
		if d.GetOutcome() != governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW {
			continue
		}
		for _, o := range r.GetObligations() {
			list = append(list, "must "+o.GetId())
		}
	}
	return strings.Join(list, ", ")
}

func failureRow(line int, e *governancev1.EvaluateError) []string {
	texts := []string{enum(e.GetReason().String(), "ERROR_REASON_") + ": " + e.GetMessage()}
	for _, v := range e.GetFieldViolations() {
		texts = append(texts, v.GetField()+": "+v.GetDescription())
	}
	return []string{strconv.Itoa(line), "failed", strings.Join(texts, "; "), ""}
}
