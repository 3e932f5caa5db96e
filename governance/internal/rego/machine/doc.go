// Package machine runs plans of policies: OPA's intermediate representation ([ir.Policy]), translated once into instructions for registers. It does
// for the questions of decisions what topdown's search does for every question, in a fraction of the time, and knows less:
//
//   - What it does not do, it refuses when a plan is translated ([ErrUnsupported]).
//   - What goes wrong while it runs, it does not explain: an error of a builtin, a conflict, a value over the limits, or two equal values that are
//     written differently (1 and 1.0), of which topdown might keep the other, all end the run with [ErrUnusual].
//
// In both cases topdown has the word. So a run that comes to an end says what topdown would say.
package machine
