//go:build !linux

package rego

import "time"

// threadClock does not exist here.
type threadClock struct{}

func threadsHaveClocks() bool           { return false }
func tieToThread() threadClock          { return threadClock{} }
func untieFromThread()                  {}
func (threadClock) read() time.Duration { return 0 }
