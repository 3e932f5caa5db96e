// Package trend says how a series of numbers moved with time: whether it rises or falls (Mann–Kendall), how fast (Theil–Sen), where its level
// changed, whether it repeats, and where it goes from here.
//
// Time stands on the x axis, so that a gap between two points is a gap: slopes are per day, not per point. All functions are pure, draw no
// random numbers and are safe for concurrent use. A part that the series is too short for is absent and Analysis says why; it never reads as
// "no trend".
package trend
