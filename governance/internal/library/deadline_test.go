//go:build !race

package library_test

import "time"

// deadline is the platform's for an evaluation.
const deadline = 200 * time.Millisecond
