// Package stream holds concept-drift detectors: they read one value after another (a model's errors, scores or losses) and say at which value the
// process that makes them has changed.
//
// The null hypothesis of each is that the values so far come from one distribution (for errors: have one rate). A detector's answer to a value is
// a Zone; at a drift, Stream.Drift says where the change began, in which direction it went, and the means before and after it. The answer DRIFT is always given
// to the caller, and never lost in a reset: what the change outdated is forgotten when the next value comes.
//
// Errors are 1 and correct predictions 0 for every detector. An update takes constant time (ADWIN: logarithmic, KSWIN: of the window's length) and
// allocates nothing. State is bytes of a fixed, versioned format; a detector that is restored from them answers exactly as the original would have.
// A Stream is not safe for concurrent use.
//
// The detectors follow River 0.26.1 where it has them and MOA 2024.07 otherwise, to the very index of each drift; conventions ("eddm/moa") name
// where the two differ, and the comments of each detector where it departs from them.
package stream

// Zone is what a detector says of the stream after a value.
type Zone uint8

// The zones.
const (
	Stable  Zone = iota // no change is found
	Warning             // a change is suspected; Drift may follow, or Stable again
	Drifted             // a change is found
)

// String returns the zone's name.
func (z Zone) String() string {
	switch z {
	case Stable:
		return "STABLE"
	case Warning:
		return "WARNING"
	case Drifted:
		return "DRIFT"
	}
	return "UNKNOWN"
}

// Direction says which way the mean went.
type Direction string

// The directions.
const (
	Increase Direction = "INCREASE"
	Decrease Direction = "DECREASE"
	Changed  Direction = "CHANGED" // no mean on one of the sides, or equal ones
)

// Drift is a change that was found.
type Drift struct {
	Index     int64     // the value at which it was found, counted from 0 at the stream's first value
	Began     int64     // the first value after the change, as the detector dates it; at most Index
	Direction Direction // of After against Before
	Before    float64   // mean of the values before the change that the detector knows of; NaN without any
	After     float64   // mean of the values from Began to Index
}

// detector is the algorithm behind a Stream. Its values are checked already.
type detector interface {
	// update takes a value and says what it thinks.
	update(x float64) Zone
	// change dates and measures the drift that the last update found.
	change() change
	// restart forgets what a drift has outdated. It is called before the first value after a drift.
	restart()
	// exchange writes the detector's state, or reads it into a new detector with the same parameters.
	exchange(c *codec)
}

// change says how many of the latest values came after the change, and the means of both sides.
type change struct {
	length        int64
	before, after float64
}
