// Command governance is the governance service: it serves aumos.governance.v1, migrates its databases, describes its settings and checks the Audit
// Wall's posture.
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
		fmt.Fprintln(os.Stderr, "governance: "+err.Error())
		stop()
		os.Exit(1)
	}
}
