package postgreslocal

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
)

// choosePort returns the port of the last start while nobody else has taken it, else a free one that it keeps for the next start.
func (d directory) choosePort(ctx context.Context, log *slog.Logger) (int, error) {
	last := 0
	if text, err := os.ReadFile(d.port()); err == nil {
		last, _ = strconv.Atoi(strings.TrimSpace(string(text))) // what cannot be read is replaced
	}
	if last > 0 && portFree(ctx, last) {
		return last, nil
	}
	port, err := freePort(ctx)
	if err != nil {
		return 0, err
	}
	if last > 0 {
		log.LogAttrs(ctx, slog.LevelWarn, "the server's port is taken: using another one", slog.Int("wanted", last), slog.Int("used", port))
	}
	if err := writeFile(d.port(), strconv.Itoa(port)); err != nil {
		return 0, fmt.Errorf("keep port: %w", err)
	}
	return port, nil
}

func portFree(ctx context.Context, port int) bool {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return 0, fmt.Errorf("find free port: %w", err)
	}
	defer listener.Close() //nolint:errcheck // nothing was accepted
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find free port: %s", listener.Addr())
	}
	return address.Port, nil
}
