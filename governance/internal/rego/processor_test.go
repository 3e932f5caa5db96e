package rego

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What a goroutine works is counted, for whoever asks, until it leaves; what it waits is not, nor what others work.
func TestProcessorTime(t *testing.T) {
	t.Parallel()
	if !threadsHaveClocks() {
		t.Fatal("the tests need a system with clocks of threads")
	}
	const enough = 20 * time.Millisecond
	var works, waits processorTime
	worked, waiting := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		waits.take()
		defer waits.leave()
		close(waiting)
		<-worked
	})
	<-waiting
	if works.taken() != 0 {
		t.Error("counted without having begun")
	}
	wg.Go(func() {
		works.take()
		defer close(worked)
		defer works.leave()
		for works.taken() < enough { // this is the work
		}
	})
	for works.taken() < enough/2 { // another goroutine's
		wait(t, time.Millisecond)
	}
	wg.Wait()
	if got := works.taken(); got < enough || got != works.taken() {
		t.Errorf("%s, want at least %s and no more after that", got, enough)
	}
	if got := waits.taken(); got > enough/2 {
		t.Errorf("%s for a goroutine that waited", got)
	}
	if works.leave() {
		t.Error("it left twice")
	}
	before := works.taken()
	works.take()
	if works.leave(); works.taken() < before {
		t.Errorf("%s after %s", works.taken(), before)
	}
}

// Without clocks of threads all the time counts, up to what it knows that it waits.
func TestProcessorTimeByTheWall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := processorTime{wall: true, epoch: time.Now()}
		wait(t, time.Second)
		p.take()
		wait(t, time.Millisecond)
		if got := p.taken(); got != time.Millisecond {
			t.Errorf("%s, want 1ms", got)
		}
		p.leave()
		wait(t, time.Second)
		p.take()
		wait(t, time.Millisecond)
		p.leave()
		if got := p.taken(); got != 2*time.Millisecond {
			t.Errorf("%s, want 2ms", got)
		}
	})
}
