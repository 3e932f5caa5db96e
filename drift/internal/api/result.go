package api

import (
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/detection"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// detectionTo converts a whole detection. The features are read from the document, so that no second copy can differ from it.
func detectionTo(r detection.Record) (*driftv1.Detection, error) {
	features, err := r.Features()
	if err != nil {
		return nil, err
	}
	p := detectionHeadTo(r)
	p.Document = r.Document
	for i := range features {
		p.Features = append(p.Features, featureTo(&features[i]))
	}
	return p, nil
}

// detectionHeadTo converts what lists show.
func detectionHeadTo(r detection.Record) *driftv1.Detection {
	return &driftv1.Detection{
		Id: r.ID.String(), MonitorId: r.MonitorID.String(), ModelId: r.ModelID.String(), BaselineId: r.BaselineID.String(),
		BaselineFingerprintSha256: r.BaselineFingerprint, Description: r.Description, Status: statusTo[r.Status], Severity: r.Severity,
		RowCount: r.RowCount, FeatureCount: int32(r.FeatureCount), DriftedFeatureCount: int32(r.DriftedFeatureCount), // at most 500
		Rule: ruleTo(r.Rule), DocumentSha256: r.DocumentSHA256[:], Evidence: evidenceTo(r.Evidence), CreateTime: timestamppb.New(r.CreateTime),
	}
}

func evidenceTo(s evidence.Status) *driftv1.Evidence {
	p := &driftv1.Evidence{State: evidenceStateTo[s.State], EntryId: s.EntryID.String()}
	if s.State == evidence.Recorded {
		p.LeafIndex, p.LeafHash, p.Receipt, p.RecordTime = s.LeafIndex, s.LeafHash, s.Receipt, timestamppb.New(s.RecordTime)
	}
	return p
}

func featureTo(f *detect.FeatureResult) *driftv1.FeatureResult {
	p := &driftv1.FeatureResult{
		Feature: f.Name, Type: typeTo[f.Type], Status: statusTo[f.Status], Severity: f.Severity, Reason: f.Reason,
		BaselineMissingRate: valueOf(f.Baseline.MissingRate), CurrentMissingRate: valueOf(f.Current.MissingRate),
		BaselineSummary: summaryTo(f.Baseline.Numeric), CurrentSummary: summaryTo(f.Current.Numeric),
	}
	for i := range f.Results {
		p.Tests = append(p.Tests, testResultTo(&f.Results[i]))
	}
	if e := f.Embedding; e != nil {
		p.Embedding = &driftv1.TextEmbedding{Model: e.Model, BaselineCount: e.BaselineN, CurrentCount: e.CurrentN, Dimension: int32(e.Dimension)} // at most 4,096
	}
	if f.Explanation == nil {
		return p
	}
	for _, b := range f.Explanation.Bins {
		p.TopChanges = append(p.TopChanges, &driftv1.ShareChange{Name: interval(b), BaselineShare: b.BaselineShare, CurrentShare: b.CurrentShare})
	}
	for _, c := range f.Explanation.Categories {
		p.TopChanges = append(p.TopChanges, &driftv1.ShareChange{Name: c.Category, BaselineShare: c.BaselineShare, CurrentShare: c.CurrentShare})
	}
	for _, c := range f.Explanation.Unseen {
		p.UnseenCategories = append(p.UnseenCategories, c.Category)
	}
	for _, c := range f.Explanation.Vanished {
		p.VanishedCategories = append(p.VanishedCategories, c.Category)
	}
	return p
}

func testResultTo(r *detect.Result) *driftv1.TestResult {
	p := &driftv1.TestResult{
		Test: testTo[r.Test], Convention: r.Convention, Statistic: r.Statistic, PValue: r.PValue, PValueMethod: methodTo[r.PMethod], QValue: r.QValue,
		Effect: r.Effect, EffectName: r.EffectName, MinEffect: r.MinEffect, Direction: directionTo[r.Direction],
		BaselineCount: r.BaselineN, CurrentCount: r.CurrentN, Severity: r.Severity, Status: statusTo[r.Status], Reason: r.Reason,
		Threshold: r.Threshold, Location: r.Location,
	}
	if r.EffectInterval != nil {
		p.EffectInterval = &driftv1.EffectInterval{Lower: r.EffectInterval.Lower, Upper: r.EffectInterval.Upper}
	}
	if r.DF != nil {
		p.DegreesOfFreedom = new(int32(*r.DF)) // at most the number of categories
	}
	return p
}

// summaryTo leaves the summary out when the mean overflowed: the contract has no way to say so of the mean alone.
func summaryTo(s *detect.NumericSummary) *driftv1.NumericSummary {
	if s == nil || s.Mean == nil {
		return nil
	}
	p := &driftv1.NumericSummary{Mean: *s.Mean, StandardDeviation: s.Std, Min: s.Min, Median: s.Median, Max: s.Max}
	for _, q := range s.Quantiles {
		switch q.Probability {
		case 0.25:
			p.LowerQuartile = q.Value
		case 0.75:
			p.UpperQuartile = q.Value
		}
	}
	return p
}

// interval writes a bin as an interval, for example "(2, 5]".
func interval(b detect.BinChange) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	switch {
	case b.Lower == nil && b.Upper == nil:
		return "(-∞, ∞)"
	case b.Lower != nil && b.Upper != nil && *b.Lower == *b.Upper:
		return "[" + number(*b.Lower) + ", " + number(*b.Upper) + "]"
	}
	lower, upper := "(-∞", "∞)"
	if b.Lower != nil {
		lower = "(" + number(*b.Lower)
	}
	if b.Upper != nil && b.UpperOpen {
		upper = number(*b.Upper) + ")"
	} else if b.Upper != nil {
		upper = number(*b.Upper) + "]"
	}
	return lower + ", " + upper
}

func valueOf(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}
