package rego

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// threadClock is the clock of a thread's processor time that every thread of the process can read (pthread_getcpuclockid(3)).
type threadClock int32

// threadsHaveClocks is whether the system tells threads apart; some sandboxes do not.
func threadsHaveClocks() bool {
	clock := tieToThread()
	defer untieFromThread()
	var t unix.Timespec
	return unix.ClockGettime(int32(clock), &t) == nil
}

// tieToThread keeps the calling goroutine on its thread, and every other goroutine off it.
func tieToThread() threadClock {
	runtime.LockOSThread()
	const ofThread, processorTime = 4, 2 // CPUCLOCK_PERTHREAD_MASK and CPUCLOCK_SCHED of the kernel's posix-timers
	return threadClock(^unix.Gettid()<<3 | ofThread | processorTime)
}

func untieFromThread() { runtime.UnlockOSThread() }

// read returns the thread's processor time, to the nanosecond.
func (c threadClock) read() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(c), &t); err != nil {
		return 0 // not for a thread that lives, and no other is read
	}
	return time.Duration(t.Nano())
}
