package interceptor

import (
	"fmt"
	"runtime/debug"
)

// aside calls f in a goroutine of its own, for callers that may give it up. What the channel brings returns f's error, or panics as f did, in the goroutine of
// the call, which recovers it.
func aside(f func() error) <-chan func() error {
	done := make(chan func() error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				at := debug.Stack()
				done <- func() error { panic(fmt.Sprintf("%v, at %s", p, at)) }
			}
		}()
		err := f()
		done <- func() error { return err }
	}()
	return done
}
