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
		detect.Text:        driftv1.FeatureType_FEATURE_TYPE_TEXT,
		detect.Timestamp:   driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP,
		detect.Vector:      driftv1.FeatureType_FEATURE_TYPE_VECTOR,
	}
	testTo = map[detect.Test]driftv1.DriftTest{
		detect.TestKS:                  driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV,
		detect.TestPSI:                 driftv1.DriftTest_DRIFT_TEST_POPULATION_STABILITY_INDEX,
		detect.TestChiSquare:           driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE,
		detect.TestMissingRate:         driftv1.DriftTest_DRIFT_TEST_MISSING_RATE,
		detect.TestCVM:                 driftv1.DriftTest_DRIFT_TEST_CRAMER_VON_MISES,
		detect.TestAndersonDarling:     driftv1.DriftTest_DRIFT_TEST_ANDERSON_DARLING,
		detect.TestMannWhitney:         driftv1.DriftTest_DRIFT_TEST_MANN_WHITNEY,
		detect.TestWelchT:              driftv1.DriftTest_DRIFT_TEST_WELCH_T,
		detect.TestLevene:              driftv1.DriftTest_DRIFT_TEST_LEVENE,
		detect.TestWasserstein:         driftv1.DriftTest_DRIFT_TEST_WASSERSTEIN,
		detect.TestEnergyDistance:      driftv1.DriftTest_DRIFT_TEST_ENERGY_DISTANCE,
		detect.TestJensenShannon:       driftv1.DriftTest_DRIFT_TEST_JENSEN_SHANNON,
		detect.TestHellinger:           driftv1.DriftTest_DRIFT_TEST_HELLINGER,
		detect.TestKullbackLeibler:     driftv1.DriftTest_DRIFT_TEST_KULLBACK_LEIBLER,
		detect.TestLInfinity:           driftv1.DriftTest_DRIFT_TEST_L_INFINITY,
		detect.TestTotalVariation:      driftv1.DriftTest_DRIFT_TEST_TOTAL_VARIATION,
		detect.TestG:                   driftv1.DriftTest_DRIFT_TEST_G,
		detect.TestFisherExact:         driftv1.DriftTest_DRIFT_TEST_FISHER_EXACT,
		detect.TestTwoProportionZ:      driftv1.DriftTest_DRIFT_TEST_TWO_PROPORTION_Z,
		detect.TestTextLength:          driftv1.DriftTest_DRIFT_TEST_TEXT_LENGTH,
		detect.TestTokenFrequency:      driftv1.DriftTest_DRIFT_TEST_TOKEN_FREQUENCY,
		detect.TestOutOfVocabulary:     driftv1.DriftTest_DRIFT_TEST_OUT_OF_VOCABULARY,
		detect.TestVocabulary:          driftv1.DriftTest_DRIFT_TEST_VOCABULARY,
		detect.TestRefusalRate:         driftv1.DriftTest_DRIFT_TEST_REFUSAL_RATE,
		detect.TestFormatValidity:      driftv1.DriftTest_DRIFT_TEST_FORMAT_VALIDITY,
		detect.TestArrivalGaps:         driftv1.DriftTest_DRIFT_TEST_ARRIVAL_GAPS,
		detect.TestDuplicateTimestamps: driftv1.DriftTest_DRIFT_TEST_DUPLICATE_TIMESTAMPS,
		detect.TestArrivalSeasonality:  driftv1.DriftTest_DRIFT_TEST_ARRIVAL_SEASONALITY,
		detect.TestTypeChange:          driftv1.DriftTest_DRIFT_TEST_TYPE_CHANGE,
		detect.TestOutOfRange:          driftv1.DriftTest_DRIFT_TEST_OUT_OF_RANGE,
		detect.TestConstraintViolation: driftv1.DriftTest_DRIFT_TEST_CONSTRAINT_VIOLATION,
		detect.TestDuplicateValues:     driftv1.DriftTest_DRIFT_TEST_DUPLICATE_VALUES,
		detect.TestConstantColumn:      driftv1.DriftTest_DRIFT_TEST_CONSTANT_COLUMN,
		detect.TestUnseenCategories:    driftv1.DriftTest_DRIFT_TEST_UNSEEN_CATEGORIES,
		detect.TestDuplicateRows:       driftv1.DriftTest_DRIFT_TEST_DUPLICATE_ROWS,
		detect.TestMMD:                 driftv1.DriftTest_DRIFT_TEST_MAXIMUM_MEAN_DISCREPANCY,
		detect.TestEnergy:              driftv1.DriftTest_DRIFT_TEST_ENERGY,
		detect.TestPCAReconstruction:   driftv1.DriftTest_DRIFT_TEST_PCA_RECONSTRUCTION,
		detect.TestDomainClassifier:    driftv1.DriftTest_DRIFT_TEST_DOMAIN_CLASSIFIER,
		detect.TestCovariance:          driftv1.DriftTest_DRIFT_TEST_COVARIANCE,
		detect.TestCentroidShift:       driftv1.DriftTest_DRIFT_TEST_CENTROID_SHIFT,
	}
	statusTo = map[detect.Status]driftv1.DriftStatus{
		detect.StatusOK:               driftv1.DriftStatus_DRIFT_STATUS_OK,
		detect.StatusWarning:          driftv1.DriftStatus_DRIFT_STATUS_WARNING,
		detect.StatusDrift:            driftv1.DriftStatus_DRIFT_STATUS_DRIFT,
		detect.StatusInsufficientData: driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA,
		detect.StatusError:            driftv1.DriftStatus_DRIFT_STATUS_ERROR,
		detect.StatusNotApplicable:    driftv1.DriftStatus_DRIFT_STATUS_NOT_APPLICABLE,
	}
	scopeTo = map[detect.Scope]driftv1.TestScope{
		detect.ScopeFeature: driftv1.TestScope_TEST_SCOPE_FEATURE,
		detect.ScopeRows:    driftv1.TestScope_TEST_SCOPE_ROWS,
	}
	kindTo = map[detect.Kind]driftv1.TestKind{
		detect.KindTest:     driftv1.TestKind_TEST_KIND_TEST,
		detect.KindDistance: driftv1.TestKind_TEST_KIND_DISTANCE,
		detect.KindQuality:  driftv1.TestKind_TEST_KIND_QUALITY,
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
