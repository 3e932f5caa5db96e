// Package cputest tells tests how long something took, on a machine that may do much else meanwhile.
package cputest

import (
	"syscall"
	"testing"
	"time"
)

// Moment is when something began.
type Moment struct {
	clock      time.Time
	processors time.Duration // what this process had used of them
}

// Now returns this moment.
func Now(tb testing.TB) Moment {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatalf("read the processor time: %v", err)
	}
	return Moment{time.Now(), time.Duration(usage.Utime.Nano() + usage.Stime.Nano())}
}

// Since returns the time since the moment: the clock's, or what the processors have worked for this process when that is less. A clock goes on while other processes have
// the processors, and on a machine that is busy enough everything takes seconds; the processors work for all goroutines at once, on many of them for more than the clock's time.
func Since(tb testing.TB, m Moment) time.Duration {
	tb.Helper()
	now := Now(tb)
	return min(now.clock.Sub(m.clock), now.processors-m.processors)
}
