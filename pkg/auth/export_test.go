package auth

import "time"

// SetClock replaces the clock of the verifier and its keys. Call it before the verifier is used.
func (v *Verifier) SetClock(now func() time.Time) { v.now, v.keys.now = now, now }

// CacheLen returns the number of tokens remembered.
func (v *Verifier) CacheLen() int { return v.cached.Len() }
