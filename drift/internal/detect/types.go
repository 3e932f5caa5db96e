package detect

import "time"

// FeatureType says what kind of values a feature has, and so which tests
// apply to it.
type FeatureType string

// The feature types.
const (
	Numeric     FeatureType = "NUMERIC"     // real numbers: KS, PSI
	Categorical FeatureType = "CATEGORICAL" // named categories: CHI_SQUARE, PSI
	Boolean     FeatureType = "BOOLEAN"     // categories "true" and "false": CHI_SQUARE, PSI
	Text        FeatureType = "TEXT"        // free text
	Timestamp   FeatureType = "TIMESTAMP"   // instants, in microseconds since 1970 UTC
	Vector      FeatureType = "VECTOR"      // embeddings of one dimension
)

// AllTypes returns every feature type.
func AllTypes() []FeatureType {
	return []FeatureType{Numeric, Categorical, Boolean, Text, Timestamp, Vector}
}

// Test names a statistical test.
type Test string

// The tests; Catalog describes them. MISSING_RATE applies to every feature type and always runs.
const (
	TestKS          Test = "KS"           // two-sample Kolmogorov–Smirnov
	TestPSI         Test = "PSI"          // population stability index
	TestChiSquare   Test = "CHI_SQUARE"   // chi-square test of homogeneity
	TestMissingRate Test = "MISSING_RATE" // change in the share of missing values

	TestCVM                 Test = "CRAMER_VON_MISES"
	TestAndersonDarling     Test = "ANDERSON_DARLING"
	TestMannWhitney         Test = "MANN_WHITNEY"
	TestWelchT              Test = "WELCH_T"
	TestLevene              Test = "LEVENE"
	TestWasserstein         Test = "WASSERSTEIN"
	TestEnergyDistance      Test = "ENERGY_DISTANCE"
	TestJensenShannon       Test = "JENSEN_SHANNON"
	TestHellinger           Test = "HELLINGER"
	TestKullbackLeibler     Test = "KULLBACK_LEIBLER"
	TestLInfinity           Test = "L_INFINITY"
	TestTotalVariation      Test = "TOTAL_VARIATION"
	TestG                   Test = "G"
	TestFisherExact         Test = "FISHER_EXACT"
	TestTwoProportionZ      Test = "TWO_PROPORTION_Z"
	TestTextLength          Test = "TEXT_LENGTH"
	TestTokenFrequency      Test = "TOKEN_FREQUENCY"
	TestOutOfVocabulary     Test = "OUT_OF_VOCABULARY"
	TestVocabulary          Test = "VOCABULARY"
	TestRefusalRate         Test = "REFUSAL_RATE"
	TestFormatValidity      Test = "FORMAT_VALIDITY"
	TestArrivalGaps         Test = "ARRIVAL_GAPS"
	TestDuplicateTimestamps Test = "DUPLICATE_TIMESTAMPS"
	TestArrivalSeasonality  Test = "ARRIVAL_SEASONALITY"
	TestTypeChange          Test = "TYPE_CHANGE"
	TestOutOfRange          Test = "OUT_OF_RANGE"
	TestConstraintViolation Test = "CONSTRAINT_VIOLATION"
	TestDuplicateValues     Test = "DUPLICATE_VALUES"
	TestConstantColumn      Test = "CONSTANT_COLUMN"
	TestUnseenCategories    Test = "UNSEEN_CATEGORIES"
	TestDuplicateRows       Test = "DUPLICATE_ROWS"
	TestMMD                 Test = "MAXIMUM_MEAN_DISCREPANCY"
	TestEnergy              Test = "ENERGY"
	TestPCAReconstruction   Test = "PCA_RECONSTRUCTION"
	TestDomainClassifier    Test = "DOMAIN_CLASSIFIER"
	TestCovariance          Test = "COVARIANCE"
	TestCentroidShift       Test = "CENTROID_SHIFT"
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

// The statuses, worst first, except that NOT_APPLICABLE stands only where nothing else does.
// The status of a feature is the worst of its tests.
const (
	StatusDrift            Status = "DRIFT"             // significant, and as large as matters
	StatusError            Status = "ERROR"             // could not be evaluated
	StatusInsufficientData Status = "INSUFFICIENT_DATA" // too few usable values to say
	StatusWarning          Status = "WARNING"           // significant, and at least half as large as matters
	StatusNotApplicable    Status = "NOT_APPLICABLE"    // would mean nothing for these data, however many there were
	StatusOK               Status = "OK"
)

// Sample is one side of a comparison. The field of the feature's type is
// used, and no other. Rows must equal Missing plus the number of usable values:
// the length of the field, the sum of Counts, or the vectors.
type Sample struct {
	Sorted  []float64        // NUMERIC: finite values in ascending order; read only
	Counts  map[string]int64 // CATEGORICAL and BOOLEAN: rows by category; booleans use "true" and "false"
	Texts   []string         // TEXT: in the order of the rows
	Times   []int64          // TIMESTAMP: microseconds since 1970 UTC, ascending
	Vectors Matrix           // VECTOR: a row for each
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

	// CurrentType is the type of the current values; empty: Type. Where they differ, or vectors in their length, the result is TYPE_CHANGE.
	CurrentType FeatureType

	Constraint *Constraint    // what the values must be; nil: anything
	Zone       *time.Location // in which hours and weekdays of a TIMESTAMP feature are meant; nil: UTC
	Embedded   *Embedded      // TEXT: vectors that stand for the texts, for the tests of VECTOR features; nil: none
	Importance *float64       // how much the feature matters to the model, for weighing in explanations: at least 0; nil: 1
}
