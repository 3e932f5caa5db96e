// Package estimate says how good a model's predictions probably are while the
// truth is not known yet.
//
// Classifier estimates the metrics of a classifier from its own scores, calibrated on reference data of which the truth is known:
// confidence-based performance estimation (CBPE), in the convention of NannyML, with
// which its numbers agree. Regressor estimates the errors of a regression from its
// features by a second model, direct loss estimation (DLE).
//
// Both assume that the relation between the features and the truth is still that of the
// reference: they see how a change of the inputs moves the performance, and not a change of the
// concept. An estimate has the sampling error that a sample of its size has, a band of three of
// them, and the thresholds of the reference's own chunks. All functions are pure; the same input gives the same estimates.
package estimate

import "errors"

var (
	// ErrReference says that the reference data cannot be used.
	ErrReference = errors.New("reference cannot be used")

	// ErrSample says that the data to estimate cannot be used.
	ErrSample = errors.New("sample cannot be used")
)
