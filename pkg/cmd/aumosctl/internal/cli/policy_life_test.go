package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// A policy that init has written goes through its life with what the commands say next.
func TestPolicyFromItsDirectory(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	dir := filepath.Join(t.TempDir(), "loan limits")
	p.run(t, "policy", "init", dir).expect(t, 0).says(t, "policy.yaml", "cases/amounts.yaml", "it takes a login: aumosctl login\nnext: aumosctl policy lint '"+dir+"'; ")
	p.run(t, "policy", "init", dir).expect(t, 3).says(t, "overwrites nothing")
	p.run(t, "policy", "lint", dir).expect(t, 0)
	p.run(t, "policy", "push", dir, "--submit", "--comment", "first").expect(t, 0).
		says(t, "loan limits (", "), created", "cases    changed", "1, added", "in review", "loan_limits.decide",
			"next: aumosctl policy test --policy 'loan limits' --version 1; then somebody else: aumosctl policy approve 'loan limits' --version 1")
	got, version := p.policy.policies[0], p.policy.versions[0]
	if got.GetLabels()["team"] != "risk" || got.GetMinCoveragePercent() != 80 || version.GetData() == nil || version.GetDescription() != "first" || len(p.tests.specs) != 5 {
		t.Errorf("policy %v, version %v, %d cases", got, version, len(p.tests.specs))
	}
	again := decode(t, p.run(t, "policy", "push", dir, "--submit", "-o", "json").expect(t, 0).stdout)
	for _, did := range []string{"policy_created", "policy_updated", "cases_changed", "version_added", "version_submitted"} {
		if again[did] != false {
			t.Errorf("pushing the same again: %s is %v", did, again[did])
		}
	}

	// A change of the data is another version; one of the manifest is not.
	for name, change := range map[string][2]string{"data.json": {"10000", "9000"}, "policy.yaml": {"min_coverage_percent: 80", "min_coverage_percent: 90"}} {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), change[0], change[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, "policy", "push", dir).expect(t, 0).says(t, "), updated", "2, added", "draft", "aumosctl policy submit 'loan limits' --version 2")
	if len(p.policy.versions) != 2 || p.policy.policies[0].GetMinCoveragePercent() != 90 {
		t.Errorf("%d versions, policy %v", len(p.policy.versions), p.policy.policies[0])
	}
	p.run(t, "policy", "diff", "loan limits", "--from", "1", "--rules", "--exit-code").expect(t, 1).says(t, "0 changed, 0 added", "data    changed")

	p.run(t, "policy", "push", dir, "--name", "x").expect(t, 3).says(t, "policy.yaml")
	p.run(t, "policy", "push", dir, filepath.Join(dir, "main.rego")).expect(t, 3).says(t, "either one directory")
	p.run(t, "policy", "push", filepath.Join(dir, "main.rego")).expect(t, 3).says(t, "--name is missing")
	p.run(t, "policy", "push", t.TempDir()).expect(t, 3).says(t, "aumosctl policy init makes one")
}

func TestPolicyReview(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	file := writeFile(t, "p.rego", "package p\n\nallow := true")
	p.run(t, "policy", "push", file, "--name", "one", "--submit").expect(t, 0)
	p.run(t, "policy", "submit", "--name", "one").expect(t, 3).says(t, "no version that is draft")
	p.run(t, "policy", "reject", "--name", "one").expect(t, 3).says(t, `required flag(s) "reason" not set`)
	p.run(t, "policy", "reject", "--name", "one", "--reason", "no\x1b[31m").expect(t, 0).says(t, "state    draft")
	p.run(t, "policy", "submit", "--name", "one").expect(t, 0).says(t, "in review")
	p.run(t, "policy", "approve", "--name", "one", "--comment", "mine").expect(t, 3).says(t, "SAME_PERSON", "--profile")
	p.run(t, "policy", "approve", "--name", "one").expect(t, 0).
		says(t, "approved", "next: aumosctl policy test --policy one --version 1; aumosctl policy activate one --version 1")
	p.run(t, "policy", "retire", "--name", "one", "--reason", "x").expect(t, 3).says(t, "no version that is active")
	p.run(t, "policy", "activate", "--name", "one").expect(t, 0).says(t, "active", "next: aumosctl decision eval --policy one --input")
	p.run(t, "policy", "archive", "--name", "one").expect(t, 3).says(t, "POLICY_IN_USE", "aumosctl policy retire")
	p.run(t, "policy", "retire", "--name", "one", "--reason", "x").expect(t, 0).says(t, "retired")
	p.run(t, "policy", "rollback", "--name", "one", "--version", "1", "--reason", "x").expect(t, 0).says(t, "active")
	p.run(t, "policy", "retire", "--name", "one", "--reason", "x", "-o", "json").expect(t, 0).says(t, `"POLICY_VERSION_STATE_RETIRED"`)
	p.run(t, "policy", "archive", "--name", "one").expect(t, 0).says(t, "archived")
	p.run(t, "policy", "show", "one").expect(t, 0).says(t, "archived") // it has its name still
	if got := p.run(t, "policy", "list").expect(t, 0).stdout; strings.Contains(got, "one") {
		t.Errorf("lists\n%s", got)
	}
	p.policy.policies[0].ArchiveTime = timestamppb.New(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	p.run(t, "policy", "list", "--archived").expect(t, 0).says(t, "ARCHIVED", "2026-11-23 09:00:00Z")
	p.run(t, "policy", "unarchive", "--name", "one").expect(t, 0)

	p.tests.runs = []*governancev1.PolicyTestRun{{
		PolicyVersionId: p.policy.versions[0].GetId(), Complete: true, SuiteRevision: 1,
		Report: &governancev1.PolicyTestReport{Passed: true, PassedCount: 3, CoveragePercent: 91},
	}}
	got := p.run(t, "policy", "show", "--name", "one").expect(t, 0).says(t, "retired", "passed", "3 passed", "91 %", "the cases have changed since", "submitted", "rejected", "approved", `no\x1b[31m`)
	if strings.ContainsRune(got.stdout, 0x1b) {
		t.Error("an escape character reached the terminal")
	}
	shown := decode(t, p.run(t, "policy", "show", "--name", "one", "-o", "json").expect(t, 0).stdout)
	if shown["last_test_run"] == nil || shown["policy"] == nil || shown["policy_version"] == nil {
		t.Errorf("shown %v", shown)
	}
}

// Tests that have passed are not asked for again, as long as activation would take them.
func TestPolicyNextAfterTests(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	dir := filepath.Join(t.TempDir(), "loans")
	p.run(t, "policy", "init", dir).expect(t, 0)
	p.run(t, "policy", "push", dir).expect(t, 0).says(t, "next: aumosctl policy test --policy loans --version 1; aumosctl policy submit loans --version 1")
	p.policy.policies[0].SuiteRevision = 1

	passed := &governancev1.PolicyTestRun{
		PolicyVersionId: p.policy.versions[0].GetId(), Complete: true, SuiteRevision: 1,
		Report: &governancev1.PolicyTestReport{Passed: true, PassedCount: 3, CoveragePercent: 80},
	}
	part := &governancev1.PolicyTestRun{PolicyVersionId: passed.GetPolicyVersionId(), SuiteRevision: 1, Report: &governancev1.PolicyTestReport{}}
	p.tests.runs = []*governancev1.PolicyTestRun{part, passed}
	p.run(t, "policy", "push", dir).expect(t, 0).says(t, "nothing changed", "next: aumosctl policy submit loans --version 1\n")
	p.run(t, "policy", "submit", "loans").expect(t, 0).says(t, "next: somebody else: aumosctl policy approve loans --version 1\n")
	p.run(t, "policy", "approve", "loans").expect(t, 0).says(t, "next: aumosctl policy activate loans --version 1\n")

	const test = "next: aumosctl policy test --policy loans --version 1; aumosctl policy activate loans --version 1"
	for what, spoil := range map[string]func(*governancev1.PolicyTestRun){
		"failed":        func(run *governancev1.PolicyTestRun) { run.Report.Passed = false },
		"another suite": func(run *governancev1.PolicyTestRun) { run.SuiteRevision = 2 },
		"coverage":      func(run *governancev1.PolicyTestRun) { run.Report.CoveragePercent = 79 },
		"a part":        func(run *governancev1.PolicyTestRun) { run.Complete = false },
	} {
		run := proto.Clone(passed).(*governancev1.PolicyTestRun)
		spoil(run)
		p.tests.runs = []*governancev1.PolicyTestRun{run, passed}
		if what == "a part" {
			p.tests.runs = p.tests.runs[:1]
		}
		if got := p.run(t, "policy", "push", dir).expect(t, 0); !strings.Contains(got.stdout+got.stderr, test) {
			t.Errorf("%s: %s", what, got.stderr)
		}
	}
}

func TestPolicyAsTheArgument(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	file := writeFile(t, "p.rego", "package p\n\nallow := true")
	p.run(t, "policy", "push", file, "--name", "one", "--submit").expect(t, 0)
	id := p.policy.policies[0].GetId()
	for _, named := range [][]string{{"one"}, {id}, {"--name", "one"}, {"--policy", "one"}, {"--policy", id}} {
		p.run(t, append([]string{"policy", "show"}, named...)...).expect(t, 0).says(t, "one ("+id+")")
	}
	for _, named := range [][]string{{}, {"one", "two"}, {"one", "--name", "one"}, {"--name", "one", "--policy", id}, {""}} {
		for _, verb := range []string{"show", "versions", "submit", "approve", "reject", "activate", "retire", "rollback", "update", "archive", "unarchive"} {
			p.run(t, append([]string{"policy", verb}, named...)...).expect(t, 3).
				says(t, "name one policy: POLICY, --name or --policy", "usage: aumosctl policy "+verb+" POLICY")
		}
	}
	p.run(t, "policy", "diff").expect(t, 3).says(t, "usage: aumosctl policy diff POLICY")
	p.run(t, "policy", "list", "one").expect(t, 3).says(t, "usage: aumosctl policy list")
}

func TestPolicyWithoutAVersion(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.policy.policies = append(p.policy.policies, &governancev1.Policy{Id: "01a202c6-95e0-7ede-950f-42426f2000e0", Name: "empty", Description: "soon"})
	p.run(t, "policy", "show", "empty").expect(t, 0).says(t, "empty (", "soon", "none yet")
	if shown := decode(t, p.run(t, "policy", "show", "empty", "-o", "json").expect(t, 0).stdout); shown["policy"] == nil {
		t.Errorf("shown %v", shown)
	}
	p.run(t, "policy", "show", "empty", "--version", "1").expect(t, 3).says(t, "has no version 1")
	p.run(t, "policy", "test", "--policy", "empty").expect(t, 3).says(t, `policy "empty" has no version: push one`)
}

func TestPolicyVersions(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "policy", "push", writeFile(t, "p.rego", "package p\n\nallow := true"), "--name", "one", "--submit", "--comment", "first").expect(t, 0)
	p.run(t, "policy", "push", writeFile(t, "p.rego", "package p\n\nallow := false"), "--name", "one").expect(t, 0)
	got := p.run(t, "policy", "versions", "one").expect(t, 0).says(t, "in review", "draft", "first", p.policy.versions[0].GetId())
	if strings.Index(got.stdout, "draft") > strings.Index(got.stdout, "in review") {
		t.Errorf("not the newest first:\n%s", got.stdout)
	}
	if got := p.run(t, "policy", "versions", "one", "--state", "in_review").expect(t, 0).says(t, "first"); strings.Contains(got.stdout, "draft") {
		t.Errorf("drafts, too:\n%s", got.stdout)
	}
	p.run(t, "policy", "versions", "one", "--state", "old").expect(t, 3).says(t, "none of draft, in_review, approved, active, retired")
}

func TestPolicyUpdate(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	file := writeFile(t, "p.rego", "package p\n\nallow := true")
	p.run(t, "policy", "push", file, "--name", "one", "--decision-point", "a.b").expect(t, 0)
	p.run(t, "policy", "update", "--name", "one").expect(t, 3).says(t, "nothing to change")
	p.run(t, "policy", "update", "--name", "one", "--new-name", "two", "--decision-point", "a.c,a.d", "--label", "team=risk", "--regulation", "EU-AI-ACT:ART-14",
		"--min-coverage", "80").expect(t, 0).says(t, "two (", "a.c a.d", "team=risk", "EU-AI-ACT:ART-14", "80 %")
	p.run(t, "policy", "update", "--name", "two", "--decision-point", "").expect(t, 0)
	if got := p.policy.policies[0]; len(got.GetDecisionPoints()) != 0 || got.GetLabels()["team"] != "risk" {
		t.Errorf("policy %v", got)
	}
	if diff := cmp.Diff([]string{"EU-AI-ACT:ART-14"}, p.policy.policies[0].GetRegulationReferences()); diff != "" {
		t.Error(diff)
	}
}
