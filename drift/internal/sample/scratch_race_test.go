//go:build race

package sample_test

// scratch is how many columns' worth of memory sorting takes at most: the race detector has pools forget what they hold.
func scratch(columns int) int { return columns + 1 }
