// Package cli holds the commands of aumosctl, one file for each noun and verb.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/requestid"
)

// The exit codes of every command: 1 and 2 are answers, 3 is the lack of one.
const (
	exitOK      = 0
	exitNo      = 1 // denied, drift, tampered
	exitUnclear = 2 // no clear answer: error outcome, warning or too little data, cannot verify
	exitFailure = 3 // wrong usage, a file or a service that could not be reached or read
)

const rootHelp = `aumosctl works with the AumOS trust platform: policies and decisions, drift of a model's data, and the Audit Wall.

A profile says where the services are and how to get a token. aumosctl login makes one; the file is named by --config or AUMOSCTL_CONFIG.
A token in AUMOSCTL_TOKEN is used instead of the profile's client.

Exit codes of all commands:
  0  done; allowed; no drift; verified
  1  denied; drift; tampered
  2  no clear answer: an outcome ERROR, a warning or too little data, nothing to verify with
  3  failure: wrong usage, or a file or a service that could not be read or reached`

const rootExample = `  aumosctl login --governance localhost:9090 --drift localhost:9091 --token-url https://id.example.com/token \
      --client-id analyst --client-secret-file secret.txt
  aumosctl drift detect --baseline winter.csv --current summer.csv
  aumosctl audit verify wall.jsonl --key wall.vkey`

// app is one run of the program.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	requestID      string // sent with every call, so that the services' logs can be found

	config, profile   string
	format            string
	timeout           time.Duration
	governance, drift string
	tenant            string
	caFile            string
	plaintext         bool
}

// Run runs the program with its arguments and returns its exit code.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return run(ctx, args, os.Getenv, stdin, stdout, stderr)
}

func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}
	id, err := uuid.NewV7()
	if err != nil {
		return a.fail(ctx, fmt.Errorf("make a request id: %w", err))
	}
	a.requestID = id.String()
	root := a.command()
	root.SetArgs(append([]string{}, args...)) // for nil, cobra would take the process's
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return a.fail(ctx, root.ExecuteContext(requestid.NewContext(ctx, a.requestID)))
}

// answer ends a command that has printed its result with another exit code than 0.
type answer int

func (a answer) Error() string { return fmt.Sprintf("exit code %d", int(a)) }

// fail prints an error and returns the exit code.
func (a *app) fail(ctx context.Context, err error) int {
	var code answer
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	}
	// Nothing is left to do when standard error cannot be written to.
	_ = output.Describe(err, a.requestID).Print(a.stderr, a.format == formatJSON || a.format == formatJSONL)
	return exitFailure
}

// The formats of --output.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatJSONL = "jsonl"
)

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use: "aumosctl", Short: "Policies, drift and audit evidence of the AumOS trust platform", Long: rootHelp, Example: rootExample,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if formats := []string{formatTable, formatJSON, formatJSONL}; !slices.Contains(formats, a.format) {
				return fmt.Errorf("--output %q is none of table, json, jsonl", a.format)
			}
			if a.timeout < 0 {
				return errors.New("--timeout must not be negative")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := root.PersistentFlags()
	f.StringVar(&a.config, "config", "", "the file with the profiles (AUMOSCTL_CONFIG; default aumosctl/config.json in the user's configuration directory)")
	f.StringVar(&a.profile, "profile", "", "the profile to use (default: the one logged in to last)")
	f.StringVarP(&a.format, "output", "o", formatTable, "table, json, or jsonl (one JSON value a line)")
	f.DurationVar(&a.timeout, "timeout", 30*time.Second, "how long to wait for the answer to a call; 0: no limit")
	f.StringVar(&a.governance, "governance", "", "governance's address as host:port, instead of the profile's")
	f.StringVar(&a.drift, "drift", "", "drift's address as host:port, instead of the profile's")
	f.StringVar(&a.tenant, "tenant", "", "the tenant to act for (UUID); only service principals need it")
	f.StringVar(&a.caFile, "tls-ca", "", "a PEM file with the certificate authorities of the services")
	f.BoolVar(&a.plaintext, "plaintext", false, "send tokens unencrypted, to other machines too")
	root.AddCommand(a.loginCommand(), a.tokenCommand(), a.policyCommand(), a.decisionCommand(), a.driftCommand(), a.auditCommand(), a.historyCommand(), a.versionCommand())
	sayUsage(root)
	return root
}

// sayUsage makes the commands that do something say how they are used when their arguments are wrong or flags are missing.
func sayUsage(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		sayUsage(c)
	}
	check := cmd.Args
	if check == nil || cmd.HasSubCommands() {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cmp.Or(check(cmd, args), cmd.ValidateRequiredFlags()); err != nil {
			return fmt.Errorf("%w; usage: %s", err, cmd.UseLine())
		}
		return nil
	}
}

// group makes a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(commands...)
	return cmd
}
