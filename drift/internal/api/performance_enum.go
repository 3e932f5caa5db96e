package api

import (
	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// The enumerations of the performance; see enum.go.
//
//nolint:gochecknoglobals // constant tables
var (
	metricTo = map[performance.Metric]driftv1.PerformanceMetric{
		performance.Accuracy:          driftv1.PerformanceMetric_PERFORMANCE_METRIC_ACCURACY,
		performance.Precision:         driftv1.PerformanceMetric_PERFORMANCE_METRIC_PRECISION,
		performance.Recall:            driftv1.PerformanceMetric_PERFORMANCE_METRIC_RECALL,
		performance.Specificity:       driftv1.PerformanceMetric_PERFORMANCE_METRIC_SPECIFICITY,
		performance.F1:                driftv1.PerformanceMetric_PERFORMANCE_METRIC_F1,
		performance.PrecisionMacro:    driftv1.PerformanceMetric_PERFORMANCE_METRIC_PRECISION_MACRO,
		performance.RecallMacro:       driftv1.PerformanceMetric_PERFORMANCE_METRIC_RECALL_MACRO,
		performance.SpecificityMacro:  driftv1.PerformanceMetric_PERFORMANCE_METRIC_SPECIFICITY_MACRO,
		performance.F1Macro:           driftv1.PerformanceMetric_PERFORMANCE_METRIC_F1_MACRO,
		performance.PrecisionWeighted: driftv1.PerformanceMetric_PERFORMANCE_METRIC_PRECISION_WEIGHTED,
		performance.F1Weighted:        driftv1.PerformanceMetric_PERFORMANCE_METRIC_F1_WEIGHTED,
		performance.F1Micro:           driftv1.PerformanceMetric_PERFORMANCE_METRIC_F1_MICRO,
		performance.ROCAUC:            driftv1.PerformanceMetric_PERFORMANCE_METRIC_ROC_AUC,
		performance.AveragePrecision:  driftv1.PerformanceMetric_PERFORMANCE_METRIC_AVERAGE_PRECISION,
		performance.LogLoss:           driftv1.PerformanceMetric_PERFORMANCE_METRIC_LOG_LOSS,
		performance.Brier:             driftv1.PerformanceMetric_PERFORMANCE_METRIC_BRIER,
		performance.CalibrationError:  driftv1.PerformanceMetric_PERFORMANCE_METRIC_CALIBRATION_ERROR,
		performance.MAE:               driftv1.PerformanceMetric_PERFORMANCE_METRIC_MAE,
		performance.MSE:               driftv1.PerformanceMetric_PERFORMANCE_METRIC_MSE,
		performance.RMSE:              driftv1.PerformanceMetric_PERFORMANCE_METRIC_RMSE,
		performance.MAPE:              driftv1.PerformanceMetric_PERFORMANCE_METRIC_MAPE,
		performance.MSLE:              driftv1.PerformanceMetric_PERFORMANCE_METRIC_MSLE,
		performance.RMSLE:             driftv1.PerformanceMetric_PERFORMANCE_METRIC_RMSLE,
		performance.R2:                driftv1.PerformanceMetric_PERFORMANCE_METRIC_R2,
	}
	performanceTestTo = map[performance.Test]driftv1.PerformanceTest{
		performance.TestProportions: driftv1.PerformanceTest_PERFORMANCE_TEST_TWO_PROPORTIONS,
		performance.TestWelch:       driftv1.PerformanceTest_PERFORMANCE_TEST_WELCH_T,
		performance.TestZ:           driftv1.PerformanceTest_PERFORMANCE_TEST_Z,
		performance.TestCalibration: driftv1.PerformanceTest_PERFORMANCE_TEST_CALIBRATION_CHI_SQUARE,
		performance.TestPermutation: driftv1.PerformanceTest_PERFORMANCE_TEST_PERMUTATION,
	}
	intervalMethodTo = map[performance.Interval]driftv1.IntervalMethod{
		performance.IntervalWilson:  driftv1.IntervalMethod_INTERVAL_METHOD_WILSON,
		performance.IntervalDeLong:  driftv1.IntervalMethod_INTERVAL_METHOD_DELONG,
		performance.IntervalStudent: driftv1.IntervalMethod_INTERVAL_METHOD_STUDENT,
		performance.IntervalDelta:   driftv1.IntervalMethod_INTERVAL_METHOD_DELTA,
	}
)
