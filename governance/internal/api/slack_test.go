//go:build !race

package api_test

import "time"

// slack is how much later than in production an answer may come in tests.
const slack = 50 * time.Millisecond

// probeDeadline is when evaluations of probes end: earlier than by default, to save the tests' time.
const probeDeadline = 100 * time.Millisecond

// samplesBeside is how often a neighbour asks in a round.
const samplesBeside = 200
