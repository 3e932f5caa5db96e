// Command aumos-dev runs the whole platform in one process for development: a PostgreSQL server of its own, a development issuer of tokens, both
// services, and a demo tenant with sample data. Everything listens on the loopback interface and keeps its state in one directory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "aumos-dev:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("aumos-dev", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.dir, "dir", ".dev", "directory that keeps the state")
	flags.StringVar(&o.examples, "examples", "examples", "directory of the sample policies and data")
	flags.StringVar(&o.aumosctl, "aumosctl", "bin/aumosctl", "the aumosctl binary, which loads the samples")
	flags.IntVar(&o.basePort, "base-port", 8600, "first of the six ports to listen on; 0 takes free ones")
	flags.BoolVar(&o.noSamples, "no-samples", false, "do not load sample policies and data")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o.run(ctx, stdout)
}
