//go:build !race

package calibration

// quickDraws is how many null samples a quick level is estimated from.
const quickDraws = 80
