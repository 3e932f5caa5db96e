package postgreslocal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopWithin bounds a fast shutdown; what is not done by then is cut off, and the next start recovers.
const stopWithin = 60 * time.Second

// readyMessage is the server's own word that it accepts connections (lc_messages is C).
const readyMessage = "database system is ready to accept connections"

// supervisor becomes the server and leaves a watcher behind. The watcher waits on descriptor 3, whose other end the owning process holds: a line
// means that the owner has stopped the server itself; end of file means that the owner is gone, also when it was killed, and the watcher shuts the
// server down. Descriptor 4 then says when the last process of the server has ended, since they hold its other end, 5; after that the
// files in the arguments before "--" are removed. The second fork keeps the watcher out of the server's children.
const supervisor = `
pid=$$
(
	(
		if ! read -r line <&3; then kill -INT "$pid"; fi
		read -r line <&4
		for file do
			if [ "$file" = -- ]; then break; fi
			rm -rf "$file"
		done
	) 5>&- </dev/null >/dev/null 2>&1 &
)
while [ "$1" != -- ]; do shift; done
shift
exec "$@" 3<&- 4<&-
`

// process is a running server. Its two goroutines end with the server.
type process struct {
	cmd   *exec.Cmd
	owner *os.File // the watcher's descriptor 3; the server lives as long as it is open
	ended chan struct{}
	err   error // how the server ended; to be read after ended

	stopping sync.Mutex // held by stop
}

// run starts the server and returns when it is ready. Its messages go to logFile. garbage is removed when it ends.
func run(ctx context.Context, runner account, program string, args []string, logFile string, garbage []string) (p *process, err error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open server log: %w", err)
	}
	pipes, err := makePipes()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	words := append([]string{"-c", supervisor, "sh"}, garbage...)
	words = append(append(words, "--", program), args...)
	// The server outlives ctx, which bounds its start only.
	cmd := runner.command(context.WithoutCancel(ctx), "/bin/sh", words...)
	cmd.Stdout, cmd.Stderr = pipes.output.writer, pipes.output.writer
	cmd.ExtraFiles = []*os.File{pipes.owner.reader, pipes.alive.reader, pipes.alive.writer} // descriptors 3, 4 and 5
	err = cmd.Start()
	pipes.closeServerEnds() // or their end would never be seen
	if err != nil {
		pipes.closeOurEnds()
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), log.Close())
	}
	p = &process{cmd: cmd, owner: pipes.owner.writer, ended: make(chan struct{})}
	ready := make(chan struct{})
	read := make(chan []string, 1)
	go func() { read <- follow(pipes.output.reader, log, ready) }()
	go func() {
		tail := <-read // the server's last descriptor is closed
		if err := cmd.Wait(); err != nil {
			p.err = fmt.Errorf("PostgreSQL ended: %w: %s (see %s)", err, strings.Join(tail, "; "), logFile)
		}
		close(p.ended)
	}()
	select {
	case <-ready:
		return p, nil
	case <-p.ended:
		return nil, errors.Join(errors.New("PostgreSQL ended before it was ready"), p.stop())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("wait for PostgreSQL: %w", context.Cause(ctx)), p.stop())
	}
}

// follow copies the server's messages to the log until the server ends, closes ready at the message that says so, and returns the last lines.
func follow(output, log *os.File, ready chan<- struct{}) (tail []string) {
	const keep = 6
	lines := bufio.NewReader(output)
	isReady := false
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			_, _ = log.WriteString(line) // a full disk must not stop the server's messages
			tail = append(tail, strings.TrimSpace(line))
			tail = tail[max(0, len(tail)-keep):]
			if !isReady && strings.Contains(line, readyMessage) {
				isReady = true
				close(ready)
			}
		}
		if err != nil {
			_ = output.Close()
			_ = log.Close()
			return tail
		}
	}
}

// stop ends the server: politely, and by force when it takes too long.
func (p *process) stop() error {
	p.stopping.Lock()
	defer p.stopping.Unlock()
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	var late error
	if p.signal(syscall.SIGINT) {
		select {
		case <-p.ended:
		case <-timer.C:
			late = fmt.Errorf("no end within %s: cut off", stopWithin)
			p.signal(syscall.SIGQUIT)
			<-p.ended
		}
	}
	// Tells the watcher that there is nothing left to end. It is gone after a first call.
	_, err := io.WriteString(p.owner, "stopped\n")
	if closed := p.owner.Close(); errors.Is(err, os.ErrClosed) && errors.Is(closed, os.ErrClosed) {
		return nil
	}
	return errors.Join(late, p.err)
}

// crash ends the server by force.
func (p *process) crash() error {
	p.stopping.Lock()
	defer p.stopping.Unlock()
	if p.signal(syscall.SIGQUIT) {
		<-p.ended
	}
	_, err := io.WriteString(p.owner, "stopped\n")
	return errors.Join(err, p.owner.Close())
}

// signal reports whether the server was still there to get it.
func (p *process) signal(signal syscall.Signal) bool {
	select {
	case <-p.ended:
		return false
	default:
		return p.cmd.Process.Signal(signal) == nil
	}
}
