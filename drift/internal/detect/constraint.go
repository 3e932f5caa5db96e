package detect

import "regexp"

// Constraint is what a feature's values must be, whatever they were in the baseline.
type Constraint struct {
	Min, Max *float64       // the range of numbers; nil: open
	Allowed  []string       // the only categories; empty: any
	Pattern  *regexp.Regexp // texts and categories must match it as a whole; nil: any
	Unique   bool           // every value must be its own
	Format   string         // of output texts: "json", or empty for none
}
