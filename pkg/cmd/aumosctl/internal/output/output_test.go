package output_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain ü → 日本":     "plain ü → 日本",
		"\x1b[2Jgone":      `\x1b[2Jgone`,
		"a\nb\tc\r":        `a\nb\tc\r`,
		"\u202eright":      `\u202eright`,
		"bad \xff byte":    `bad \xff byte`,
		"replaced \uFFFD.": `replaced �.`,
	} {
		if got := output.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestGrid(t *testing.T) {
	t.Parallel()
	grid := output.NewGrid("name", ">count", "note")
	grid.Row("zürich", "7")
	grid.Row("", "1234", "a\x00b")
	var b strings.Builder
	if err := grid.Print(&b, "  "); err != nil {
		t.Fatal(err)
	}
	want := "  NAME    COUNT  NOTE\n  zürich      7  -\n  -        1234  a\\x00b\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{
		0: "0", 0.05: "0.0500", 2.4e-55: "2.4e-55", -3e-7: "-3.0e-07", 157.2965: "157.2965", 123456.78: "123456.8", math.Inf(1): "+Inf",
	} {
		if got := output.Number(x); got != want {
			t.Errorf("Number(%v) = %s, want %s", x, got, want)
		}
	}
}

func TestTreeNumbers(t *testing.T) {
	t.Parallel()
	tree, err := output.Tree(&governancev1.LogEntry{
		Entry: &governancev1.AuditEntry{
			LeafIndex: 12, RecordedTime: &timestamppb.Timestamp{},
			Details: mustStruct(t, map[string]any{"leaf_index": "12", "n": 3.5}),
		},
		Leaf: []byte{1, 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := output.JSON(&b, tree, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"leaf_index":12`, `"leaf_index":"12"`, `"n":3.5`, `"leaf":"AQI="`, `"recorded_time":"1970-01-01T00:00:00Z"`, `"mismatched_columns":[]`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing from\n%s", want, b.String())
		}
	}
	large, err := output.Tree(&driftv1.Detection{RowCount: 1<<53 + 1, Features: []*driftv1.FeatureResult{{Tests: []*driftv1.TestResult{{BaselineCount: 5}}}}})
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := output.JSON(&b, large, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"row_count":"9007199254740993"`, `"baseline_count":5`, `"drifted_feature_count":0`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing from\n%s", want, b.String())
		}
	}
}

func TestTreeOmits(t *testing.T) {
	t.Parallel()
	tree, err := output.Tree(&driftv1.Detection{Id: "x", Features: []*driftv1.FeatureResult{{Feature: "features"}}}, "id", "document")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(tree, &got); err != nil {
		t.Fatal(err)
	}
	_, hasID := got["id"]
	_, hasDocument := got["document"]
	if hasID || hasDocument || got["monitor_id"] != "" || len(got["features"].([]any)) != 1 {
		t.Errorf("got %s", tree)
	}
}

func mustStruct(t *testing.T, m map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	s, err := status.New(codes.ResourceExhausted, "the queue is full").WithDetails(
		&errdetails.ErrorInfo{Reason: "OVERLOADED", Domain: "governance.aumos", Metadata: map[string]string{"queue": "wall", "request_id": "request-7"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "modules[0]", Description: "row 3: unexpected }"}}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(2e9)},
	)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := output.Describe(fmt.Errorf("call: %w", s.Err()), "request-7").Print(&b, false); err != nil {
		t.Fatal(err)
	}
	want := `error: the queue is full
  code         RESOURCE_EXHAUSTED
  reason       OVERLOADED (governance.aumos)
  queue        wall
  field        modules[0]: row 3: unexpected }
  retry after  2s
  request      request-7
  what to do   wait, then run the command again
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	b.Reset()
	if err := output.Describe(errors.New("read a.csv: it is\x07 broken"), "request-7").Print(&b, false); err != nil {
		t.Fatal(err)
	}
	if want := "error: read a.csv: it is\\a broken\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

// Every reason of the contract that a person can do something about has a hint that does not fall back on its code.
func TestEveryReasonHasAHint(t *testing.T) {
	t.Parallel()
	silent := map[string]bool{ // defects of this program, which keeps to the contract, or explained by the field violations
		"UNSPECIFIED": true, "INVALID_FIELD": true, "REQUEST_ID_REUSED": true, "INVALID_PAGE_TOKEN": true,
		"ENTRY_ID_REUSED": true, "STREAM_ORDER": true, "DATA_EMPTY": true, "COLUMN_DUPLICATE": true, "COLUMN_TYPE": true, "COLUMN_LENGTH": true, "VALUE_TOO_LONG": true,
	}
	for _, names := range []map[int32]string{governancev1.ErrorReason_name, driftv1.ErrorReason_name} {
		for _, name := range names {
			reason := strings.TrimPrefix(name, "ERROR_REASON_")
			s, err := status.New(codes.Unknown, "x").WithDetails(&errdetails.ErrorInfo{Reason: reason})
			if err != nil {
				t.Fatal(err)
			}
			if hint := output.Describe(s.Err(), "").Hint; (hint == "") != silent[reason] {
				t.Errorf("%s: hint %q", reason, hint)
			}
		}
	}
}
