package rego

import (
	"sync"
	"time"
)

// idleFor is how long a worker waits for more work. It must outlast the pauses between requests of a busy service.
const idleFor = 5 * time.Second

// workers are goroutines that do one job after the other. The evaluator needs a deep stack, and growing it anew in a new goroutine would cost
// about as much as a small policy's evaluation. How many there are at most is the slots' business.
type workers struct {
	jobs    chan func()
	stopped chan struct{}
	once    sync.Once
	running sync.WaitGroup
}

func newWorkers() *workers {
	return &workers{jobs: make(chan func()), stopped: make(chan struct{})}
}

// do hands the job to an idle worker, or to a new one. It does not wait.
func (w *workers) do(job func()) {
	select {
	case w.jobs <- job:
	default:
		w.running.Go(func() { w.work(job) })
	}
}

func (w *workers) work(job func()) {
	idle := time.NewTimer(idleFor)
	defer idle.Stop()
	for {
		job()
		idle.Reset(idleFor)
		select {
		case job = <-w.jobs:
		case <-idle.C:
			return
		case <-w.stopped:
			return
		}
	}
}

// dismiss sends idle workers away, and the others when they are done.
func (w *workers) dismiss() { w.once.Do(func() { close(w.stopped) }) }

// wait returns when all workers have left.
func (w *workers) wait() { w.running.Wait() }
