package policydir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// stored is a policy as the platform has it.
func stored(t *testing.T, dir string) *policydir.Directory {
	t.Helper()
	allowed := governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW
	return &policydir.Directory{
		Path: dir,
		Manifest: policydir.Manifest{
			Name: "Loan limits", Description: "first\n\n  second: #no comment\u2028\u0085", Labels: map[string]string{"team": "yes", "a": ""},
			DecisionPoints: []string{"loan.grant"}, RegulationReferences: []string{"EU-AI-ACT:ART-14"}, MinCoveragePercent: 90,
		},
		Modules: []*governancev1.RegoModule{{Path: "z.rego", Source: "package z\r\n"}, {Path: "lib/a.rego", Source: "package a"}},
		Data:    object(t, map[string]any{"n": 1e6, "large": 9007199254740992.0}),
		Cases: []*governancev1.PolicyTestSpec{
			{Name: "1", Input: object(t, map[string]any{"amount": 1e6}), ExpectedOutcome: allowed},
			{Name: "two", Input: object(t, nil), Data: object(t, nil), ExpectedOutcome: allowed, Tags: []string{"1"}},
		},
	}
}

// reads fails the test unless the directory holds what was written.
func reads(t *testing.T, want *policydir.Directory) *policydir.Directory {
	t.Helper()
	got, err := policydir.Read(want.Path)
	if err != nil {
		t.Fatal(err)
	}
	files := cmpopts.IgnoreFields(policydir.Directory{}, "Manifest.Modules", "Manifest.Data", "Manifest.InputSchema", "Manifest.Cases", "InputSchema")
	if diff := cmp.Diff(want, got, files, cmpopts.IgnoreUnexported(policydir.Directory{}), cmpopts.EquateEmpty(), protocmp.Transform(),
		cmpopts.SortSlices(func(a, b *governancev1.PolicyTestSpec) bool { return a.GetName() < b.GetName() })); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	return got
}

func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	d := stored(t, filepath.Join(t.TempDir(), "new", "loans"))
	w, err := d.Write(false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"z.rego", "lib/a.rego", "data.json", "cases/loan_limits.yaml", "policy.yaml"}
	for i, name := range want {
		want[i] = filepath.Join(d.Path, name)
	}
	if diff := cmp.Diff(&policydir.Written{Files: want}, w); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	reads(t, d)
	if got := text(t, filepath.Join(d.Path, "data.json")); got != "{\n  \"large\": 9.007199254740992e+15,\n  \"n\": 1000000\n}\n" {
		t.Errorf("data.json:\n%s", got)
	}
	if w, err = d.Write(false); err != nil || len(w.Files)+len(w.Left) > 0 {
		t.Errorf("written again: %+v, %v", w, err)
	}

	d.Modules[0].Source, d.Cases = "package changed\n", d.Cases[:1]
	if _, err = d.Write(false); err == nil || !strings.Contains(err.Error(), "z.rego exists and is different") {
		t.Errorf("error %v", err)
	}
	if got := text(t, filepath.Join(d.Path, "z.rego")); got != "package z\r\n" {
		t.Errorf("overwrote z.rego: %q", got)
	}
	if w, err = d.Write(true); err != nil || cmp.Diff([]string{want[0], want[3]}, w.Files) != "" {
		t.Errorf("written with force: %+v, %v", w, err)
	}
	reads(t, d)
}

// What says the same in the user's words stays as it is: comments, names of files, the order of cases, and the schema, which the platform does not keep.
func TestWriteKeepsWhatSaysTheSame(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"policy.yaml": "# ours\nlabels: {team: 'yes', a: \"\"}\nname: Loan limits\ndescription: |-\n  same\ndata: d.yaml\ninput_schema: s.json\ncases: tests\n" +
			"decision_points:\n- loan.grant\nregulation_references: ['EU-AI-ACT:ART-14']\nmin_coverage_percent: 90\n",
		"main.rego": "package main\n", "old.rego": "package old\n", "d.yaml": "n: 1000000 # many\nlarge: 9007199254740992.0\n", "s.json": "{}",
		"tests/b.yaml": "- {name: two, tags: [\"1\"], input: {}, data: {}, expect: ALLOW} # second\n",
		"tests/a.yml":  "- {name: gone, input: {}, expect: DENY}\n- {name: \"1\", input: {amount: 1e6}, expect: ALLOW}\n",
	})
	d := stored(t, dir)
	d.Manifest.Description = "same"
	d.Modules = []*governancev1.RegoModule{{Path: "main.rego", Source: "package main\n"}, {Path: "old.rego", Source: "package new\n"}}
	d.Cases = append(d.Cases, &governancev1.PolicyTestSpec{Name: "new", Input: object(t, nil), ExpectedOutcome: 1})
	w, err := d.Write(true)
	if err != nil {
		t.Fatal(err)
	}
	want := &policydir.Written{Files: []string{filepath.Join(dir, "old.rego"), filepath.Join(dir, "tests/a.yml"), filepath.Join(dir, "tests/loan_limits.yaml")}}
	if diff := cmp.Diff(want, w); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := reads(t, d); got.InputSchema == nil {
		t.Error("the schema of the input is gone")
	}
	d.Modules, d.Data, d.Cases = d.Modules[1:], nil, nil
	if w, err = d.Write(true); err != nil || cmp.Diff([]string{filepath.Join(dir, "main.rego")}, w.Left) != "" || len(w.Files) != 4 {
		t.Errorf("%+v, %v", w, err)
	}
	reads(t, d)
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{"lib//a.rego": "not a file's", "../a.rego": "a.rego: ", "/a.rego": "a.rego: "} {
		d := stored(t, filepath.Join(t.TempDir(), "loans"))
		d.Modules[0].Path = name
		if _, err := d.Write(true); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	d := stored(t, write(t, map[string]string{"policy.yaml": "nam: x\n"}))
	if _, err := d.Write(true); err == nil || !strings.Contains(err.Error(), "field nam not found") {
		t.Errorf("a broken manifest: error %v", err)
	}
	d = stored(t, t.TempDir())
	outside := filepath.Join(t.TempDir(), "secret.rego")
	if err := os.Symlink(outside, filepath.Join(d.Path, "z.rego")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(true); err == nil {
		t.Error("a link out of the directory was followed")
	}
	if _, err := os.Lstat(outside); err == nil {
		t.Error("a file outside was written")
	}
}

// What people would read were longer than what may be read: it stands on one line.
func TestWriteLongValues(t *testing.T) {
	t.Parallel()
	var value any = make([]any, 40_000)
	for range 30 {
		value = []any{value}
	}
	d := stored(t, t.TempDir())
	d.Data = object(t, map[string]any{"a": value})
	for i := range 8 {
		spec := proto.CloneOf(d.Cases[0])
		spec.Name, spec.Input = strings.Repeat("x", i+2), d.Data
		d.Cases = append(d.Cases, spec)
	}
	if _, err := d.Write(false); err != nil {
		t.Fatal(err)
	}
	got, err := policydir.Read(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(d.Data, got.Data) || len(got.Cases) != len(d.Cases) || !proto.Equal(d.Data, got.Cases[len(got.Cases)-1].GetInput()) {
		t.Error("what was read is not what was written")
	}
}

// FuzzWrite writes any object that the platform may hold as data, as a case's input, and as texts of the manifest, and reads it back.
func FuzzWrite(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":[1.5,-0,1e21,9007199254740993,5e-324,null,true,{}],"<<":"<<","":"~"}`, `{"é\u0085\u2028\ufeff\u007f\u0001":"\ud83d\ude00 \\ \t\n\r\"'"}`,
		`{"x":"2026-01-01","y":"0x1f","z":"1_000","o":"0o7","yes":"no","n":"null"," ":" a ","c":"# no","d":"- a: b","e":"a\n\n b\n"}`, `{"k":"@a\u0000\ufffe\uffff\u000b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		s := &structpb.Struct{}
		if err := s.UnmarshalJSON(seed); err != nil || len(seed) > 1<<10 {
			return
		}
		d := stored(t, t.TempDir())
		d.Data, d.Cases[0].Input, d.Cases[1].Data = s, s, s
		for key, value := range s.GetFields() {
			d.Manifest.Description, d.Manifest.Labels = value.GetStringValue(), map[string]string{"team": key}
		}
		if _, err := d.Write(false); err != nil {
			if strings.Contains(err.Error(), "levels deep") {
				return
			}
			t.Fatal(err)
		}
		if got, err := policydir.Read(d.Path); err == nil && !proto.Equal(s, got.Data) {
			t.Errorf("wrote %v, read %v", s, got.Data)
		} else if err != nil && !strings.Contains(err.Error(), "levels deep") {
			t.Errorf("%v\n%s\n%s", err, text(t, filepath.Join(d.Path, "policy.yaml")), text(t, filepath.Join(d.Path, "cases", "loan_limits.yaml")))
		} else if err == nil {
			reads(t, d)
		}
	})
}
