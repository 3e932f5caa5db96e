//go:build race

package library_test

import "time"

// deadline is ten times the platform's under the race detector, which slows everything by an order of magnitude.
const deadline = 2 * time.Second
