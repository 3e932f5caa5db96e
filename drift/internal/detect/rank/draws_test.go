//go:build !race

package rank

// levelDraws is how many null draws a rate is estimated from.
const levelDraws = 400
