package detect

// Result is what one test found on one feature. A number that does not exist,
// because the test was not tried or has no such number, is nil; no field is
// ever NaN or infinite.
type Result struct {
	Test       Test   `json:"test"`
	Convention string `json:"convention"` // names the exact definition, such as "psi/decile-ref"
	Status     Status `json:"status"`
	Reason     string `json:"reason,omitempty"` // why the status is not OK; never empty then

	Statistic *float64 `json:"statistic,omitempty"`
	DF        *int     `json:"df,omitempty"`      // degrees of freedom of a chi-square p-value
	PValue    *float64 `json:"p_value,omitempty"` // in [0,1], of this test alone
	QValue    *float64 `json:"q_value,omitempty"` // Benjamini–Hochberg over the whole run
	PMethod   PMethod  `json:"p_method,omitempty"`

	Effect     *float64  `json:"effect,omitempty"` // at least 0
	EffectName string    `json:"effect_name"`
	MinEffect  float64   `json:"min_effect"`
	Threshold  *float64  `json:"threshold,omitempty"` // statistic at which this test alone has p = FDR
	Direction  Direction `json:"direction"`
	Location   *float64  `json:"location,omitempty"` // KS: value at which the distributions differ most
	Severity   float64   `json:"severity"`           // in [0,1); 0.5 is the smallest effect that matters

	BaselineN int64 `json:"baseline_n"` // values the test used
	CurrentN  int64 `json:"current_n"`

	EffectInterval *Interval      `json:"effect_interval,omitempty"` // holds the true effect with 95 % confidence, where a test has one
	Contributions  []Contribution `json:"contributions,omitempty"`   // tests of rows: what each column has to do with it, largest first
}

// Interval is a closed interval of numbers.
type Interval struct {
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
}

// Contribution is one column's part in what a test of rows found.
type Contribution struct {
	Feature string  `json:"feature"`
	Share   float64 `json:"share"` // 0 to 1; the shares of a test add up to 1
}

// SideSummary describes one side of a feature, whatever its type.
type SideSummary struct {
	Rows        int64           `json:"rows"`
	Missing     int64           `json:"missing"`
	MissingRate *float64        `json:"missing_rate,omitempty"` // nil without rows
	Numeric     *NumericSummary `json:"numeric,omitempty"`      // nil without values, or for categories
}

// NumericSummary describes the values of one side. A moment that overflows is
// nil.
type NumericSummary struct {
	Mean      *float64   `json:"mean,omitempty"`
	Std       *float64   `json:"std,omitempty"` // sample standard deviation, divisor n−1; nil for n = 1
	Min       float64    `json:"min"`
	Median    float64    `json:"median"`
	Max       float64    `json:"max"`
	Quantiles []Quantile `json:"quantiles"`
}

// Quantile is one point of the inverse distribution function, interpolated
// linearly between order statistics.
type Quantile struct {
	Probability float64 `json:"probability"`
	Value       float64 `json:"value"`
}

// BinChange tells how the share of one interval of values changed. The bounds
// are nil where the interval is open-ended. An interval is Lower < x ≤ Upper,
// or Lower < x < Upper when UpperOpen, or the single value Lower = Upper.
type BinChange struct {
	Lower         *float64 `json:"lower,omitempty"`
	Upper         *float64 `json:"upper,omitempty"`
	UpperOpen     bool     `json:"upper_open,omitempty"`
	BaselineShare float64  `json:"baseline_share"`
	CurrentShare  float64  `json:"current_share"`
	Change        float64  `json:"change"` // current − baseline
}

// CategoryChange tells how the share of one category changed.
type CategoryChange struct {
	Category      string  `json:"category"`
	BaselineShare float64 `json:"baseline_share"`
	CurrentShare  float64 `json:"current_share"`
	Change        float64 `json:"change"` // current − baseline
}

// Explanation shows where a feature changed, largest change first. The lists
// are cut to a fixed length; the totals are not.
type Explanation struct {
	Bins       []BinChange      `json:"bins,omitempty"`       // numeric features
	Categories []CategoryChange `json:"categories,omitempty"` // the others
	Unseen     []CategoryChange `json:"unseen,omitempty"`     // only in the current sample
	Vanished   []CategoryChange `json:"vanished,omitempty"`   // only in the baseline

	UnseenTotal   int `json:"unseen_total,omitempty"`   // number of unseen categories
	VanishedTotal int `json:"vanished_total,omitempty"` // number of vanished categories
}

// FeatureResult is the verdict on one feature.
type FeatureResult struct {
	Name        string       `json:"name"`
	Type        FeatureType  `json:"type"`
	Status      Status       `json:"status"` // the worst of Results
	Reason      string       `json:"reason,omitempty"`
	Severity    float64      `json:"severity"`             // the largest of Results
	Importance  *float64     `json:"importance,omitempty"` // as the input says; nil: 1
	Results     []Result     `json:"results"`
	Baseline    SideSummary  `json:"baseline"`
	Current     SideSummary  `json:"current"`
	Explanation *Explanation `json:"explanation,omitempty"` // nil when a side has no values

	Embedding *EmbeddingSummary `json:"embedding,omitempty"` // TEXT: nil where nothing was embedded
}

// Run is the outcome of comparing all features of one window with the
// baseline. Features stand in the order of the input.
type Run struct {
	Status   Status  `json:"status"`
	Reason   string  `json:"reason,omitempty"`
	Severity float64 `json:"severity"` // the largest of Features and Rows

	Settings             Settings `json:"settings"`        // as used, with defaults filled in
	PValuesTested        int      `json:"p_values_tested"` // size of the family that the q-values correct for
	DriftedFeatures      int      `json:"drifted_features"`
	WarnedFeatures       int      `json:"warned_features"`
	FailedFeatures       int      `json:"failed_features"`
	UndecidedFeatures    int      `json:"undecided_features"`    // INSUFFICIENT_DATA
	InapplicableFeatures int      `json:"inapplicable_features"` // NOT_APPLICABLE

	Features []FeatureResult `json:"features"`
	Rows     []Result        `json:"rows,omitempty"` // the tests of whole rows, in the order of the input
}
