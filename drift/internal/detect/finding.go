package detect

// Finding is what the mathematics of a test says, before it has a verdict.
type Finding struct {
	Statistic float64
	P         float64 // in [0,1]
	Method    PMethod
	DF        *int     // degrees of freedom of a chi-square p-value
	Effect    float64  // at least 0; must not grow with the sample sizes
	Threshold *float64 // the statistic at which this test alone has p = FDR
	Direction Direction
	Location  *float64 // where the distributions differ most, in the feature's unit

	Interval      *Interval      // of the effect, 95 % confidence; nil where there is none
	Contributions []Contribution // of the columns, largest first; tests of rows only

	baselineN, currentN int64 // rows that a test looked at, where it samples them; 0: all

	// status is set instead of numbers when there are none; reason says why.
	status Status
	reason string
}

// Failed is the finding of a test that should have been possible.
func Failed(err error) Finding { return Finding{status: StatusError, reason: err.Error()} }

// Undecided is the finding of a test that had too little to say something.
func Undecided(reason string) Finding { return Finding{status: StatusInsufficientData, reason: reason} }

// NotApplicable is the finding of a test whose answer would mean nothing for these data, however many there were.
func NotApplicable(reason string) Finding {
	return Finding{status: StatusNotApplicable, reason: reason}
}
