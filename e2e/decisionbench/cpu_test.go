//go:build linux

package decisionbench_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// meter reads the processor time of the processes that answer or ask.
type meter struct {
	servers  []int // process ids
	postgres int   // the first process of the database server; 0: none is involved
}

// used is the processor time of the servers, the database and the load.
type used struct{ servers, postgres, load time.Duration }

func (m meter) read() (u used) {
	for _, pid := range m.servers {
		u.servers += processTime(pid)
	}
	if m.postgres > 0 {
		u.postgres = processTime(m.postgres)
		for _, pid := range children(m.postgres) {
			u.postgres += processTime(pid)
		}
	}
	u.load = processTime(os.Getpid())
	return u
}

func (u used) since(before used) used {
	return used{u.servers - before.servers, u.postgres - before.postgres, u.load - before.load}
}

// each is what one answer took.
func (u used) each(answers int) string {
	n := max(answers, 1)
	us := func(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d.Microseconds())/float64(n)) }
	return us(u.servers) + " + " + us(u.postgres) + " + " + us(u.load)
}

// tick is the unit of the times that Linux tells of processes.
const tick = 10 * time.Millisecond

// statFields returns the numbers in /proc/PID/stat that follow the program's name, which may contain anything.
func statFields(pid int) [][]byte {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil // it has ended
	}
	return bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
}

// processTime is user and system time of a process and of its children that have ended.
func processTime(pid int) (d time.Duration) {
	fields := statFields(pid)
	if len(fields) < 15 {
		return 0
	}
	for _, field := range fields[11:15] {
		n, _ := strconv.ParseInt(string(field), 10, 64)
		d += time.Duration(n) * tick
	}
	return d
}

func children(of int) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields := statFields(pid); len(fields) > 1 && string(fields[1]) == strconv.Itoa(of) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// postmaster is the first process of the database server: the parent of the one that answers.
func (p *platform) postmaster() int {
	p.b.Helper()
	conn, err := pgx.Connect(p.b.Context(), p.AdminURL("postgres"))
	if err != nil {
		p.b.Fatal(err)
	}
	defer conn.Close(p.b.Context())
	var backend int
	if err := conn.QueryRow(p.b.Context(), `SELECT pg_backend_pid()`).Scan(&backend); err != nil {
		p.b.Fatal(err)
	}
	fields := statFields(backend)
	if len(fields) < 2 {
		p.b.Fatal("the database server is not on this machine")
	}
	pid, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		p.b.Fatal(err)
	}
	return pid
}
