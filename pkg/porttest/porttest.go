// Package porttest gives tests ports of the loopback interface that they can leave and come back to.
package porttest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// The ports are below those that systems hand out to whoever asks for any: Linux does from 32768 on, others from 49152. A port from there may be
// somebody else's before its service is up, or while it is down.
const (
	lowest = 20_000
	count  = 10_000
)

// What was given, for the tests of one binary have nothing else in common.
var (
	mu    sync.Mutex           //nolint:gochecknoglobals // see above
	given = make(map[int]bool) //nolint:gochecknoglobals // guarded by mu
)

// Free returns a port that nobody listens on and that no other test of this binary gets. Binaries that run at the same time draw from the same ports
// at random, and pass over those in use.
func Free(tb testing.TB) int {
	tb.Helper()
	mu.Lock()
	defer mu.Unlock()
	for range count {
		port := lowest + rand.IntN(count)
		if given[port] {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			tb.Fatal(err)
		}
		given[port] = true
		return port
	}
	tb.Fatal("no port is free")
	return 0
}
