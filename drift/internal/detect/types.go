package detect

// FeatureType says what kind of values a feature has, and so which tests
// apply to it.
type FeatureType string

// The feature types.
const (
	Numeric     FeatureType = "NUMERIC"     // real numbers: KS, PSI
	Categorical FeatureType = "CATEGORICAL" // named categories: CHI_SQUARE, PSI
	Boolean     FeatureType = "BOOLEAN"     // categories "true" and "false": CHI_SQUARE, PSI
)

// Test names a statistical test.
type Test string

// The tests. MISSING_RATE applies to every feature type and always runs.
const (
	TestKS          Test = "KS"           // two-sample Kolmogorov–Smirnov
	TestPSI         Test = "PSI"          // population stability index
	TestChiSquare   Test = "CHI_SQUARE"   // chi-square test of homogeneity
	TestMissingRate Test = "MISSING_RATE" // change in the share of missing values
)

// PMethod says how a p-value was obtained.
type PMethod string

// The ways to a p-value.
const (
	PExact       PMethod = "EXACT"       // from the exact null distribution
	PAsymptotic  PMethod = "ASYMPTOTIC"  // from its large-sample limit
	PPermutation PMethod = "PERMUTATION" // from re-labelled data
)

// Direction says which way the current sample moved away from the baseline.
type Direction string

// The directions. CHANGED is a difference without an order, such as one
// between categories.
const (
	DirectionNone     Direction = "NONE"
	DirectionIncrease Direction = "INCREASE"
	DirectionDecrease Direction = "DECREASE"
	DirectionChanged  Direction = "CHANGED"
)

// Status is the verdict on a test, a feature or a whole run. Only OK means
// that nothing was found by tests that could have found something.
type Status string

// The statuses, worst first. The status of a feature is the worst of its
// tests.
const (
	StatusDrift            Status = "DRIFT"             // significant, and as large as matters
	StatusError            Status = "ERROR"             // could not be evaluated
	StatusInsufficientData Status = "INSUFFICIENT_DATA" // too few usable values to say
	StatusWarning          Status = "WARNING"           // significant, and at least half as large as matters
	StatusOK               Status = "OK"
)

// Sample is one side of a comparison. Exactly one of Sorted and Counts is
// used, depending on the feature's type. Rows must equal Missing plus the
// number of usable values, len(Sorted) or the sum of Counts.
type Sample struct {
	Sorted  []float64        // finite values in ascending order; read only
	Counts  map[string]int64 // rows by category; booleans use "true" and "false"
	Rows    int64            // all rows, with the missing ones
	Missing int64            // rows without a usable value
}

// FeatureInput is one feature of a run.
type FeatureInput struct {
	Name string
	Type FeatureType

	// Tests lists the tests to run. When it is empty, KS is run for numeric
	// features and CHI_SQUARE for the others. MISSING_RATE is added when it is
	// not listed.
	Tests    []TestSetting
	Baseline Sample
	Current  Sample
}
