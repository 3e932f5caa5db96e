//go:build linux

package decisionbench_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// load asks a server on many connections. It is one thread that waits for all of them at once, as programs made for this are: the processors are shared, and
// what asking takes, the server lacks.
type load struct {
	epoll       int
	clock       int // a timer
	connections []*connection
	events      []unix.EpollEvent
	heard       []*connection
	space       []byte // for what a connection reads
}

const (
	// most is how much is read at once; what the servers answer to all that may be open on a connection is less.
	most = 64 << 10
	// resolution is how late a question may be put when no answer comes meanwhile.
	resolution = 500 * time.Microsecond
)

// newLoad returns so many callers that share connections to an address.
func newLoad(b testing.TB, address string, callers, connections int, speak func() caller) *load {
	b.Helper()
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(epoll) })
	clock, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(clock) })
	l := &load{epoll: epoll, clock: clock, events: make([]unix.EpollEvent, connections+1), space: make([]byte, most)}
	if err := l.watch(clock, -1); err != nil {
		b.Fatal(err)
	}
	for i := range connections {
		c := &connection{fd: connect(b, address), caller: speak(), share: callers / connections}
		l.connections = append(l.connections, c)
		if err := l.watch(c.fd, i); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

// watch has the load woken when there is something to read. number names the connection.
func (l *load) watch(fd, number int) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(number)})
}

// every has the load woken so often; 0: for answers only.
func (l *load) every(d time.Duration) error {
	period := unix.NsecToTimespec(d.Nanoseconds())
	return unix.TimerfdSettime(l.clock, 0, &unix.ItimerSpec{Interval: period, Value: period}, nil)
}

// run puts what is due as soon as a connection carries fewer questions than it may, until no more comes and all is answered.
func (l *load) run(carries func(*connection) int, due func(sent int) (at time.Time, more bool)) (m measured, err error) {
	m.latency = make([]time.Duration, 0, 1<<18)
	var free []*connection // each as often as it may carry another question
	for i, more := 0, true; more; i++ {
		more = false
		for _, c := range l.connections {
			if i < carries(c) {
				free, more = append(free, c), true
			}
		}
	}
	places := len(free)
	start := time.Now()
	for sent := 0; ; {
		for len(free) > 0 {
			at, more := due(sent)
			if !more && len(free) == places {
				m.elapsed = time.Since(start)
				slices.Sort(m.latency)
				return m, nil
			}
			if !more || time.Until(at) > 0 {
				break
			}
			if err := free[0].ask(at); err != nil {
				return m, err
			}
			free = free[1:]
			sent++
		}
		heard, err := l.wait()
		if err != nil {
			return m, err
		}
		for _, c := range heard {
			answered := func(since time.Time) {
				m.latency = append(m.latency, time.Since(since))
				free = append(free, c)
			}
			if err := c.hear(l.space, &m.refused, answered); err != nil {
				return m, err
			}
		}
	}
}

// wait returns the connections on which something has arrived.
func (l *load) wait() (heard []*connection, err error) {
	n, err := unix.EpollWait(l.epoll, l.events, -1)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return nil, err
	}
	heard = l.heard[:0]
	for _, event := range l.events[:max(n, 0)] {
		if event.Fd >= 0 {
			heard = append(heard, l.connections[event.Fd])
		} else if _, err := unix.Read(l.clock, l.space); err != nil { // or it would wake again
			return nil, err
		}
	}
	l.heard = heard
	return heard, nil
}

// saturate has every caller ask one question after the other, for the given time.
func saturate(b testing.TB, l *load, limit time.Duration) measured {
	b.Helper()
	start := time.Now()
	m, err := l.run((*connection).callers, func(int) (time.Time, bool) {
		now := time.Now()
		return now, now.Sub(start) < limit
	})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// sustain asks at a fixed rate, whether or not earlier questions have been answered, as far as the protocol carries questions side by side, and counts each
// question's time from when it was due: a server that stalls cannot hide what waited meanwhile.
func sustain(b testing.TB, l *load, rate float64, limit time.Duration) measured {
	b.Helper()
	questions := int(rate * limit.Seconds())
	if err := l.every(resolution); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	m, err := l.run((*connection).carries, func(sent int) (time.Time, bool) {
		return start.Add(time.Duration(float64(sent) / rate * float64(time.Second))), sent < questions
	})
	if err := errors.Join(err, l.every(0)); err != nil {
		b.Fatal(err)
	}
	return m
}
