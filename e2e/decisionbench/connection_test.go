//go:build linux

package decisionbench_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// connection is one to the server, with the questions that are open on it.
type connection struct {
	caller
	fd    int
	rest  []byte // of what has arrived: the part that is incomplete
	share int    // how many callers ask on it
	open  []asked
}

// asked is an open question.
type asked struct {
	number uint32
	since  time.Time
}

// answer says what has become of a question.
type answer uint8

const (
	given       answer = iota
	overloaded         // refused: the server has too much to do
	unavailable        // refused: something that the server needs does not answer
)

// caller makes questions and understands answers: a protocol. It does what every client has to, and nothing else.
type caller interface {
	// sideBySide is how many questions a connection carries at once.
	sideBySide() int
	// question returns what is to be written, valid until the next call, and the number by which its answer will be known.
	question() (text []byte, number uint32, err error)
	// take reads what has arrived. It calls answered for every question that has its answer, or is refused so that clients put it again, fails when an
	// answer is wrong, and returns the part that is incomplete and what the protocol wants written.
	take(arrived []byte, answered func(number uint32, how answer) error) (rest, response []byte, err error)
}

// connect returns a descriptor of its own: the runtime would wait for one of package net's, too.
func connect(b testing.TB, address string) int {
	b.Helper()
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		b.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(fd) })
	err = errors.Join(unix.Connect(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), unix.SetNonblock(fd, true))
	if err != nil {
		b.Fatal(err)
	}
	return fd
}

// patience is how long a question is put again: a server that refuses for longer is not at work.
const patience = 30 * time.Second

// callers is how many questions are open at once when each caller waits for its answer.
func (c *connection) callers() int { return c.share }

// carries is how many questions may be open at once when nobody waits for answers.
func (c *connection) carries() int { return max(c.share, c.sideBySide()) }

// ask puts a question whose time counts from since.
func (c *connection) ask(since time.Time) error {
	text, number, err := c.question()
	if err != nil {
		return err
	}
	c.open = append(c.open, asked{number, since})
	return c.write(text)
}

// hear reads what has arrived, with space for it, and tells since when the time of the questions counts that it answers. A refused one is counted and put again,
// and its time goes on.
func (c *connection) hear(space []byte, again *refused, answered func(since time.Time)) error {
	kept := copy(space, c.rest)
	n, err := unix.Read(c.fd, space[kept:])
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if n == 0 {
		return errors.New("read: the server has hung up")
	}
	rest, response, err := c.take(space[:kept+n], func(number uint32, how answer) error {
		i := slices.IndexFunc(c.open, func(a asked) bool { return a.number == number })
		if i < 0 {
			return fmt.Errorf("question %d is answered, which is not open", number)
		}
		since := c.open[i].since
		c.open = slices.Delete(c.open, i, i+1)
		if how != given {
			again.count(how)
			if time.Since(since) > patience {
				return fmt.Errorf("a question was refused for %v: %+v", patience, *again)
			}
			return c.ask(since)
		}
		answered(since)
		return nil
	})
	if err != nil {
		return err
	}
	c.rest = append(c.rest[:0], rest...)
	if len(response) == 0 {
		return nil
	}
	return c.write(response)
}

func (c *connection) write(text []byte) error {
	n, err := unix.Write(c.fd, text)
	if err == nil && n < len(text) { // a socket has space for more than all that may be open
		err = errors.New("the server does not read")
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
