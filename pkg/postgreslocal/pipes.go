package postgreslocal

import (
	"fmt"
	"os"
)

type pipe struct{ reader, writer *os.File }

// pipes connect a process to its server and the server's watcher.
type pipes struct {
	output pipe // the server's messages, to this process
	owner  pipe // from this process to the watcher
	alive  pipe // from the server's processes to the watcher; nothing is ever written to it
}

func makePipes() (*pipes, error) {
	var made []pipe
	for range 3 {
		reader, writer, err := os.Pipe()
		if err != nil {
			for _, p := range made {
				closeAll(p.reader, p.writer)
			}
			return nil, fmt.Errorf("make pipe: %w", err)
		}
		made = append(made, pipe{reader, writer})
	}
	return &pipes{output: made[0], owner: made[1], alive: made[2]}, nil
}

// closeServerEnds closes what only the server and its watcher are to hold.
func (p *pipes) closeServerEnds() {
	closeAll(p.output.writer, p.owner.reader, p.alive.reader, p.alive.writer)
}

func (p *pipes) closeOurEnds() { closeAll(p.output.reader, p.owner.writer) }

// closeAll closes pipes, which cannot fail in a way that matters.
func closeAll(files ...*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}
