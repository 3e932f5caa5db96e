package shadow

// Limits of what waits and of what is kept.
const (
	MaxWaiting = maxWaiting
	MaxKept    = maxKept
)
