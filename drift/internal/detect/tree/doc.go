// Package tree learns gradient-boosted regression trees on histograms, as LightGBM (G. Ke et al., NeurIPS 2017) and scikit-learn's
// HistGradientBoosting do: columns are cut once into at most 255 bins at their quantiles, missing values have a bin of their own and go to the
// side that serves better, and trees grow leaf by leaf, always the one whose split gains most.
//
// It is written here because the Go world has no learner of the kind that is kept and permissive: dmitryikh/leaves only predicts with models
// made elsewhere, golearn's trees are not boosted, and the others bind LightGBM or XGBoost through cgo, which would cost the static binary.
// The algorithm is small, and goldens hold it against scikit-learn's.
//
// Nothing in it is random: the same data and options give the same model, bit for bit, whatever GOMAXPROCS is.
package tree

import "errors"

var (
	// ErrEmpty says that there are no rows to learn from.
	ErrEmpty = errors.New("there are no rows")

	// ErrShape says that columns, rows or targets do not fit together.
	ErrShape = errors.New("columns, rows and targets do not fit together")

	// ErrNotFinite says that a value is infinite, or a target no number.
	ErrNotFinite = errors.New("value is not finite")

	// ErrOptions says that an option is out of its range.
	ErrOptions = errors.New("option is out of range")
)
