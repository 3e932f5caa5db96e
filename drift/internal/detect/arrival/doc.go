// Package arrival compares when rows come: the gaps between them, instants that several share, and the hours of the week.
//
// Instants are microseconds since 1970 UTC, in ascending order.
package arrival

import (
	"errors"
)

// Errors of data that cannot be compared.
var (
	ErrTooFew   = errors.New("a side has too few instants")
	ErrNoShared = errors.New("the two windows have too few hours of the week in common")
)

// Duplicates returns the number of instants that equal the one before, and how many have one before.
func Duplicates(times []int64) (equal, of int64) {
	for i := 1; i < len(times); i++ {
		if times[i] == times[i-1] {
			equal++
		}
	}
	return equal, int64(max(0, len(times)-1))
}
