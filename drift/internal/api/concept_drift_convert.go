package api

import (
	"math"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/drift/internal/conceptdrift"
	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// The two forms of the enumerations of streams; see enum.go.
//
//nolint:gochecknoglobals // constant tables
var (
	detectorKindTo = map[stream.Kind]driftv1.StreamDetector{
		stream.ADWIN:       driftv1.StreamDetector_STREAM_DETECTOR_ADWIN,
		stream.DDM:         driftv1.StreamDetector_STREAM_DETECTOR_DDM,
		stream.EDDM:        driftv1.StreamDetector_STREAM_DETECTOR_EDDM,
		stream.RDDM:        driftv1.StreamDetector_STREAM_DETECTOR_RDDM,
		stream.HDDMA:       driftv1.StreamDetector_STREAM_DETECTOR_HDDM_A,
		stream.HDDMW:       driftv1.StreamDetector_STREAM_DETECTOR_HDDM_W,
		stream.FHDDM:       driftv1.StreamDetector_STREAM_DETECTOR_FHDDM,
		stream.STEPD:       driftv1.StreamDetector_STREAM_DETECTOR_STEPD,
		stream.PageHinkley: driftv1.StreamDetector_STREAM_DETECTOR_PAGE_HINKLEY,
		stream.CUSUM:       driftv1.StreamDetector_STREAM_DETECTOR_CUSUM,
		stream.KSWIN:       driftv1.StreamDetector_STREAM_DETECTOR_KSWIN,
		stream.ECDD:        driftv1.StreamDetector_STREAM_DETECTOR_ECDD,
	}
	inputTo = map[stream.Input]driftv1.StreamInput{
		stream.Errors:  driftv1.StreamInput_STREAM_INPUT_ERRORS,
		stream.Unit:    driftv1.StreamInput_STREAM_INPUT_UNIT,
		stream.Numbers: driftv1.StreamInput_STREAM_INPUT_NUMBERS,
	}
	zoneTo = map[stream.Zone]driftv1.StreamZone{
		stream.Stable:  driftv1.StreamZone_STREAM_ZONE_STABLE,
		stream.Warning: driftv1.StreamZone_STREAM_ZONE_WARNING,
		stream.Drifted: driftv1.StreamZone_STREAM_ZONE_DRIFT,
	}
	policyTo = map[stream.Policy]driftv1.StreamPolicy{
		stream.Restart:  driftv1.StreamPolicy_STREAM_POLICY_RESTART,
		stream.Hold:     driftv1.StreamPolicy_STREAM_POLICY_HOLD,
		stream.Continue: driftv1.StreamPolicy_STREAM_POLICY_CONTINUE,
	}
	streamDirectionTo = map[stream.Direction]driftv1.DriftDirection{
		stream.Increase: driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE,
		stream.Decrease: driftv1.DriftDirection_DRIFT_DIRECTION_DECREASE,
		stream.Changed:  driftv1.DriftDirection_DRIFT_DIRECTION_CHANGED,
	}

	detectorFrom = inverse(detectorKindTo)
	policyFrom   = inverse(policyTo)
)

func streamTo(s conceptdrift.Stream) *driftv1.Stream {
	p := &driftv1.Stream{
		Id: s.ID.String(), Name: s.Name, Detector: detectorKindTo[s.Config.Kind], Convention: s.Config.Convention, Parameters: s.Config.Parameters,
		Policy: policyTo[s.Config.Policy], Seed: int64(s.Config.Seed), NextSequence: s.NextSequence, Zone: zoneTo[s.Zone], DriftCount: s.DriftCount,
		Etag: s.ETag(), CreateTime: timestamppb.New(s.CreateTime), UpdateTime: timestamppb.New(s.UpdateTime),
	}
	if s.ModelID != uuid.Nil {
		p.ModelId = s.ModelID.String()
	}
	if s.WarningBegan >= 0 {
		p.WarningBeganSequence = new(s.WarningBegan)
	}
	if s.LastDrift != nil {
		p.LastDrift = streamDriftTo(*s.LastDrift, false)
	}
	return p
}

func streamDriftTo(d conceptdrift.Drift, proven bool) *driftv1.StreamDrift {
	p := &driftv1.StreamDrift{
		Id: d.ID.String(), StreamId: d.StreamID.String(), Sequence: d.Index, BeganSequence: d.Began, Direction: streamDirectionTo[d.Direction],
		MeanAfter: d.After, CreateTime: timestamppb.New(d.CreateTime),
	}
	if !math.IsNaN(d.Before) {
		p.MeanBefore = new(d.Before)
	}
	if proven {
		p.Evidence = evidenceTo(d.Evidence)
	}
	return p
}

func outcomeTo(o conceptdrift.Outcome) *driftv1.UpdateStreamResponse {
	p := &driftv1.UpdateStreamResponse{Stream: streamTo(o.Stream), RepeatedBatch: o.Repeated}
	for _, d := range o.Drifts {
		p.Drifts = append(p.Drifts, streamDriftTo(d, true))
	}
	for _, w := range o.Warnings {
		p.Warnings = append(p.Warnings, &driftv1.StreamWarning{FirstSequence: w[0], LastSequence: w[1]})
	}
	return p
}

func detectorTo(spec stream.Spec) *driftv1.DetectorInfo {
	p := &driftv1.DetectorInfo{
		Detector: detectorKindTo[spec.Kind], NullHypothesis: spec.Null, Source: spec.Source, Input: inputTo[spec.Input], Conventions: spec.Conventions,
		Warns: spec.Warns, TwoSided: spec.TwoSided,
	}
	for _, parameter := range spec.Parameters {
		p.Parameters = append(p.Parameters, &driftv1.DetectorParameter{
			Name: parameter.Name, Meaning: parameter.Meaning, DefaultValue: parameter.Default, MinValue: parameter.Min, MaxValue: parameter.Max,
			Whole: parameter.Whole,
		})
	}
	return p
}
