package detect

// sign is the direction of a difference, current less baseline.
func sign(difference float64) Direction {
	switch {
	case difference > 0:
		return DirectionIncrease
	case difference < 0:
		return DirectionDecrease
	default:
		return DirectionNone
	}
}

// changed is the direction of an effect that has no sign.
func changed(effect float64) Direction {
	if effect > 0 {
		return DirectionChanged
	}
	return DirectionNone
}

// moved is the direction of a change of the distribution function: above is how
// far the baseline's gets above the current one, and below how far below it.
// What moves it mainly to one side is a shift; a change of spread or shape moves
// it both ways.
func moved(above, below float64) Direction {
	if 2*min(above, below) > max(above, below) {
		return DirectionChanged
	}
	return sign(above - below)
}
