package api

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestEnums looks that every value of the contract has its form in the domain.
func TestEnums(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		enum protoreflect.EnumDescriptor
		n    int
	}{
		{driftv1.ModelTask(0).Descriptor(), len(taskFrom)},
		{driftv1.FeatureType(0).Descriptor(), len(typeFrom)},
		{driftv1.DriftTest(0).Descriptor(), len(testFrom)},
		{driftv1.DriftStatus(0).Descriptor(), len(statusFrom)},
		{driftv1.TestScope(0).Descriptor(), len(inverse(scopeTo))},
		{driftv1.TestKind(0).Descriptor(), len(inverse(kindTo))},
		{driftv1.PValueMethod(0).Descriptor(), len(inverse(methodTo))},
		{driftv1.DriftDirection(0).Descriptor(), len(inverse(directionTo))},
		{driftv1.PerformanceMetric(0).Descriptor(), len(inverse(metricTo))},
		{driftv1.PerformanceTest(0).Descriptor(), len(inverse(performanceTestTo))},
		{driftv1.IntervalMethod(0).Descriptor(), len(inverse(intervalMethodTo))},
		{driftv1.BaselineState(0).Descriptor(), len(inverse(baselineStateTo))},
		{driftv1.EvidenceState(0).Descriptor(), len(inverse(evidenceStateTo))},
		{driftv1.StreamDetector(0).Descriptor(), len(detectorFrom)},
		{driftv1.StreamInput(0).Descriptor(), len(inverse(inputTo))},
		{driftv1.StreamZone(0).Descriptor(), len(inverse(zoneTo))},
		{driftv1.StreamPolicy(0).Descriptor(), len(policyFrom)},
	} {
		if want := test.enum.Values().Len() - 1; test.n != want { // without UNSPECIFIED
			t.Errorf("%s: %d values have a form, want %d", test.enum.FullName(), test.n, want)
		}
	}
}

func TestInterval(t *testing.T) {
	t.Parallel()
	for want, bin := range map[string]detect.BinChange{
		"(2, 5]":        {Lower: new(2.0), Upper: new(5.0)},
		"(2, 5)":        {Lower: new(2.0), Upper: new(5.0), UpperOpen: true},
		"(-∞, -0.5]":    {Upper: new(-0.5)},
		"(1e+20, ∞)":    {Lower: new(1e20)},
		"[0, 0]":        {Lower: new(0.0), Upper: new(0.0)},
		"(-∞, ∞)":       {},
		"(-∞, 1)":       {Upper: new(1.0), UpperOpen: true},
		"(0.1, 0.3333]": {Lower: new(0.1), Upper: new(0.3333)},
	} {
		if got := interval(bin); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
