package api

import (
	"github.com/aumos-enterprise/platform/drift/internal/baseline"
	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/drift/internal/model"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// The two forms of every enumeration. A value that is missing here is UNSPECIFIED on the wire, which a test excludes.
//
//nolint:gochecknoglobals // constant tables
var (
	taskTo = map[model.Task]driftv1.ModelTask{
		model.BinaryClassification:     driftv1.ModelTask_MODEL_TASK_BINARY_CLASSIFICATION,
		model.MulticlassClassification: driftv1.ModelTask_MODEL_TASK_MULTICLASS_CLASSIFICATION,
		model.Regression:               driftv1.ModelTask_MODEL_TASK_REGRESSION,
		model.Ranking:                  driftv1.ModelTask_MODEL_TASK_RANKING,
		model.Generation:               driftv1.ModelTask_MODEL_TASK_GENERATION,
	}
	typeTo = map[detect.FeatureType]driftv1.FeatureType{
		detect.Numeric:     driftv1.FeatureType_FEATURE_TYPE_NUMERIC,
		detect.Categorical: driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL,
		detect.Boolean:     driftv1.FeatureType_FEATURE_TYPE_BOOLEAN,
	}
	testTo = map[detect.Test]driftv1.DriftTest{
		detect.TestKS:          driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV,
		detect.TestPSI:         driftv1.DriftTest_DRIFT_TEST_POPULATION_STABILITY_INDEX,
		detect.TestChiSquare:   driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE,
		detect.TestMissingRate: driftv1.DriftTest_DRIFT_TEST_MISSING_RATE,
	}
	statusTo = map[detect.Status]driftv1.DriftStatus{
		detect.StatusOK:               driftv1.DriftStatus_DRIFT_STATUS_OK,
		detect.StatusWarning:          driftv1.DriftStatus_DRIFT_STATUS_WARNING,
		detect.StatusDrift:            driftv1.DriftStatus_DRIFT_STATUS_DRIFT,
		detect.StatusInsufficientData: driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA,
		detect.StatusError:            driftv1.DriftStatus_DRIFT_STATUS_ERROR,
	}
	methodTo = map[detect.PMethod]driftv1.PValueMethod{
		detect.PExact:       driftv1.PValueMethod_P_VALUE_METHOD_EXACT,
		detect.PAsymptotic:  driftv1.PValueMethod_P_VALUE_METHOD_ASYMPTOTIC,
		detect.PPermutation: driftv1.PValueMethod_P_VALUE_METHOD_PERMUTATION,
	}
	directionTo = map[detect.Direction]driftv1.DriftDirection{
		detect.DirectionNone:     driftv1.DriftDirection_DRIFT_DIRECTION_NONE,
		detect.DirectionIncrease: driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE,
		detect.DirectionDecrease: driftv1.DriftDirection_DRIFT_DIRECTION_DECREASE,
		detect.DirectionChanged:  driftv1.DriftDirection_DRIFT_DIRECTION_CHANGED,
	}
	baselineStateTo = map[baseline.State]driftv1.BaselineState{
		baseline.Ready:   driftv1.BaselineState_BASELINE_STATE_READY,
		baseline.Active:  driftv1.BaselineState_BASELINE_STATE_ACTIVE,
		baseline.Retired: driftv1.BaselineState_BASELINE_STATE_RETIRED,
	}
	evidenceStateTo = map[evidence.State]driftv1.EvidenceState{
		evidence.Pending:  driftv1.EvidenceState_EVIDENCE_STATE_PENDING,
		evidence.Recorded: driftv1.EvidenceState_EVIDENCE_STATE_RECORDED,
	}

	taskFrom   = inverse(taskTo)
	typeFrom   = inverse(typeTo)
	testFrom   = inverse(testTo)
	statusFrom = inverse(statusTo)
)

func inverse[A, B comparable](m map[A]B) map[B]A {
	r := make(map[B]A, len(m))
	for a, b := range m {
		r[b] = a
	}
	return r
}
