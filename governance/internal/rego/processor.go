package rego

import (
	"sync"
	"time"
)

// processorTime counts for how long a goroutine has had a processor. On a busy host most of the time that passes while a policy is evaluated belongs to other
// programs, and to other goroutines: a policy must not be blamed for it.
type processorTime struct {
	wall  bool      // count what passes between take and leave: the system does not tell threads apart, or a test's clock is not the machine's
	epoch time.Time // of the readings, if wall

	mu    sync.Mutex
	tied  bool          // to a thread, whose clock is read; guarded by mu
	on    threadClock   // while tied; guarded by mu
	since time.Duration // its reading when the goroutine was tied; guarded by mu
	past  time.Duration // until the goroutine left for the last time; guarded by mu
}

// take begins to count for the calling goroutine, which calls leave.
func (p *processorTime) take() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.wall {
		p.on = tieToThread()
	}
	p.tied, p.since = true, p.reading()
}

// leave ends what take began, and reports whether it had begun.
func (p *processorTime) leave() (tied bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.tied {
		return false
	}
	p.past += p.reading() - p.since
	p.tied = false
	if !p.wall {
		untieFromThread()
	}
	return true
}

// taken is how long it has been so far. Any goroutine may ask.
func (p *processorTime) taken() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.tied {
		return p.past
	}
	return p.past + p.reading() - p.since
}

// reading is that of the thread's clock, which no other goroutine can be on. mu is held.
func (p *processorTime) reading() time.Duration {
	if p.wall {
		return time.Since(p.epoch)
	}
	return p.on.read()
}
