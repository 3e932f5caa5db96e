//go:build race

package api_test

import "time"

// slack is larger under the race detector, which slows everything by an order of magnitude.
const slack = time.Second

// probeDeadline is when evaluations of probes end, which most of them reach several times.
const probeDeadline = 500 * time.Millisecond

// samplesBeside is how often a neighbour asks in a round.
const samplesBeside = 60
