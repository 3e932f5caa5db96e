package porttest_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/porttest"
)

func TestFree(t *testing.T) {
	t.Parallel()
	met := make(map[int]bool)
	for range 200 {
		port := porttest.Free(t)
		if met[port] {
			t.Fatalf("port %d was given twice", port)
		}
		met[port] = true
		if port >= 32768 || port < 1024 {
			t.Errorf("port %d is of those that the system hands out, or privileged", port)
		}
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
