//go:build !race

package rego_test

import "time"

// slack is how much later than in production an answer may come in tests.
const slack = 25 * time.Millisecond
