package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// maxReport bounds a report, serialized: with it a run fits into one message.
const maxReport = 2 << 20

// testReportMessage relies on the numbers of the statuses being the contract's, which a test makes sure of.
func testReportMessage(r suite.Report, modules []rego.Module, minCoveragePercent int32) *governancev1.PolicyTestReport {
	m := &governancev1.PolicyTestReport{
		Passed: r.Success(minCoveragePercent), PassedCount: r.Passed, FailedCount: r.Failed, ErrorCount: r.Errored,
		CoveragePercent: r.CoveragePercent, Duration: durationpb.New(r.Took), EngineVersion: rego.EngineVersion(),
	}
	for _, result := range r.Results {
		m.Results = append(m.Results, testResultMessage(result))
	}
	for _, c := range r.Coverage {
		m.Coverage = append(m.Coverage, &governancev1.ModuleCoverage{
			ModulePath: modules[c.Module].Path, Covered: rangeMessages(c.Covered), NotCovered: rangeMessages(c.NotCovered),
			CoveredLines: place(c.CoveredLines), CoverableLines: place(c.Lines),
		})
	}
	shrink(m)
	return m
}

func testResultMessage(r suite.Result) *governancev1.PolicyTestResult {
	return &governancev1.PolicyTestResult{
		Name: r.Name, TestCaseId: idText(r.CaseID), Status: governancev1.PolicyTestStatus(r.Status), Message: r.Message, Duration: durationpb.New(r.Took),
		ModulePath: r.Path, Row: place(r.Row),
		Outcome: governancev1.DecisionOutcome(r.Answer.Outcome), ErrorReason: governancev1.DecisionErrorReason(r.Answer.Reason),
		Violations: violationMessages(r.Answer.Violations), Obligations: obligationMessages(r.Answer.Obligations),
	}
}

func rangeMessages(ranges []rego.RowRange) []*governancev1.RowRange {
	messages := make([]*governancev1.RowRange, len(ranges))
	for i, r := range ranges {
		messages[i] = &governancev1.RowRange{Start: place(r.Start), End: place(r.End)}
	}
	return messages
}

// shrink makes a report fit that is too large: first goes what was found where all is well, then what was found at all, then the ends of messages. The
// names, statuses, counts and the coverage stay.
func shrink(m *governancev1.PolicyTestReport) {
	forget := func(all bool) {
		for _, r := range m.GetResults() {
			if all || r.GetStatus() == governancev1.PolicyTestStatus_POLICY_TEST_STATUS_PASSED {
				r.Violations, r.Obligations = nil, nil
			}
		}
	}
	shorten := func(limit int) {
		for _, r := range m.GetResults() {
			r.Message = suite.Clip(r.GetMessage(), limit)
		}
	}
	steps := []func(){func() { forget(false) }, func() { forget(true) }, func() { shorten(1000) }, func() { shorten(200) }, func() { shorten(50) }}
	for i := 0; i < len(steps) && proto.Size(m) > maxReport; i++ {
		steps[i]()
	}
}

// packReport is the form in which reports are stored.
func packReport(m *governancev1.PolicyTestReport) ([]byte, error) {
	serialized, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("marshal test report: %w", err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(serialized)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("compress test report: %w", err)
	}
	return packed.Bytes(), nil
}

// unpackReport is the inverse of packReport.
func unpackReport(packed []byte) (*governancev1.PolicyTestReport, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("decompress test report: %w", err)
	}
	serialized, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	if err != nil {
		return nil, fmt.Errorf("decompress test report: %w", err)
	}
	m := new(governancev1.PolicyTestReport)
	if err := proto.Unmarshal(serialized, m); err != nil {
		return nil, fmt.Errorf("read test report: %w", err)
	}
	return m, nil
}

// runMessage is the run with a report as lists show it.
func runMessage(r suite.Recorded) *governancev1.PolicyTestRun {
	return &governancev1.PolicyTestRun{
		Id: r.ID.String(), PolicyId: r.PolicyID.String(), PolicyVersionId: r.VersionID.String(), ContentSha256: r.ContentSHA256[:],
		SuiteRevision: r.SuiteRevision, MinCoveragePercent: r.MinCoveragePercent, Complete: r.Complete, Subject: r.Subject, RunTime: timestamppb.New(r.RunTime),
		Report: &governancev1.PolicyTestReport{
			Passed: r.Passed, PassedCount: r.PassedCount, FailedCount: r.FailedCount, ErrorCount: r.ErrorCount, CoveragePercent: r.CoveragePercent,
			Duration: durationpb.New(time.Duration(r.DurationUs) * time.Microsecond), EngineVersion: r.EngineVersion,
		},
	}
}
