//go:build race

package api_test

import "time"

// slack is larger under the race detector, which slows everything by an order of magnitude.
const slack = time.Second
