package rego_test

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// The sample policy allows what it should and gives every reason against the rest.
func TestRetrainPolicy(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		t.Fatal(err)
	}
	c := compile(t, string(source))
	if got, want := c.Package(), "aumos.retrain"; got != want {
		t.Errorf("package %q, want %q", got, want)
	}
	change := func(f func(detection, model map[string]any)) map[string]any {
		in := retrainInput()
		f(in["detection"].(map[string]any), in["model"].(map[string]any))
		return in
	}
	tests := []struct {
		name  string
		input map[string]any
		want  []string // codes of the violations; none means ALLOW
	}{
		{"in order", retrainInput(), nil},
		{"without a model", map[string]any{"detection": retrainInput()["detection"]}, nil},
		{"short names", change(func(d, _ map[string]any) { d["status"], d["evidence"] = "DRIFT", map[string]any{"state": "RECORDED"} }), nil},
		{"warning", change(func(d, _ map[string]any) { d["status"] = "DRIFT_STATUS_WARNING" }), []string{"NO_DRIFT"}},
		{"evidence pending", change(func(d, _ map[string]any) { d["evidence"] = map[string]any{"state": "EVIDENCE_STATE_PENDING"} }), []string{"NO_EVIDENCE"}},
		{"no evidence", change(func(d, _ map[string]any) { delete(d, "evidence") }), []string{"NO_EVIDENCE"}},
		{"few rows", change(func(d, _ map[string]any) { d["row_count"] = 999.0 }), []string{"TOO_FEW_ROWS"}},
		{"rows not a number", change(func(d, _ map[string]any) { d["row_count"] = "5000" }), []string{"TOO_FEW_ROWS"}},
		{"low severity", change(func(d, _ map[string]any) { d["severity"] = 0.49 }), []string{"SEVERITY_TOO_LOW"}},
		{"no feature", change(func(d, _ map[string]any) { d["drifted_feature_count"] = 0.0 }), []string{"NO_DRIFTED_FEATURE"}},
		{"no owner", change(func(_, m map[string]any) { delete(m, "owner") }), []string{"NO_OWNER"}},
		{"nothing", map[string]any{}, []string{"NO_DRIFT", "NO_DRIFTED_FEATURE", "NO_EVIDENCE", "SEVERITY_TOO_LOW", "TOO_FEW_ROWS"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := evaluate(t, c, tt.input)
			var got []string
			for _, v := range r.Violations {
				got = append(got, v.Code)
				if v.Message == "" || v.Severity == "" || v.Control == "" {
					t.Errorf("%s is not complete: %+v", v.Code, v)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
			want := rego.Deny
			if tt.want == nil {
				want = rego.Allow
			}
			if r.Outcome != want {
				t.Errorf("outcome %v %v, want %v", r.Outcome, r.Reason, want)
			}
		})
	}
}
