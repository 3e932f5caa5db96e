// Command aumosctl works with the platform from a terminal or a pipeline: it pushes and evaluates policies, detects drift between two files,
// reads the Audit Wall and verifies its receipts and exports offline. aumosctl --help is the manual.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
