package cli

import (
	"context"
	"io"
)

// RunWith is Run with an environment of its own.
func RunWith(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	return run(ctx, args, getenv, stdin, stdout, stderr)
}
