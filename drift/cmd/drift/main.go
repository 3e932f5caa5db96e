// Command drift is the drift service: it serves aumos.drift.v1, migrates its database and describes its settings.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "drift: "+err.Error())
		stop()
		os.Exit(1)
	}
}
