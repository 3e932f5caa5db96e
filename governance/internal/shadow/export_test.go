package shadow

// Limits of what waits and of what is kept.
const (
	MaxWaiting = maxWaiting
	MaxKept    = maxKept
)

// Unsaved returns of how many shadows something was found that is not stored.
func (r *Runner) Unsaved() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lanes {
		if !l.found.empty() {
			n++
		}
	}
	return n
}
