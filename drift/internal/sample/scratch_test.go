//go:build !race

package sample_test

import "runtime"

// scratch is how many columns' worth of memory sorting takes at most: one for each processor, and one for all else.
func scratch(int) int { return runtime.GOMAXPROCS(0) + 1 }
