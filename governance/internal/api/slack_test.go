//go:build !race

package api_test

import "time"

// slack is how much later than in production an answer may come in tests.
const slack = 50 * time.Millisecond
