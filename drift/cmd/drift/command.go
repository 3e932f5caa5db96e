package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/drift/server"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/headroom"
)

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "drift",
		Short:         "The drift service of the AumOS platform",
		Long:          "drift compares a model's data with its baseline and records every detection on the Audit Wall.\n\nWithout a command it serves. `drift config` lists the settings.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          serve,
	}
	root.AddCommand(
		&cobra.Command{Use: "serve", Short: "Serve until interrupted (the default)", Args: cobra.NoArgs, RunE: serve},
		migrateCommand(),
		&cobra.Command{Use: "config", Short: "List every setting with its default and meaning", Args: cobra.NoArgs, RunE: describe},
		&cobra.Command{Use: "healthcheck", Short: "Ask the running service whether it is ready; the exit code answers", Args: cobra.NoArgs, RunE: healthcheck},
	)
	return root
}

func serve(cmd *cobra.Command, _ []string) error {
	cfg, err := server.Load(os.Environ())
	if err != nil {
		return err
	}
	defer headroom.Keep(cfg.Headroom)()
	return server.Run(cmd.Context(), cfg, server.NewLogger(cmd.ErrOrStderr(), cfg), nil)
}

func migrateCommand() *cobra.Command {
	var adminURL config.Secret
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database up to date",
		Long: "migrate applies the migrations that the drift database lacks and installs the job queue.\n\n" +
			"It connects as an administrator who may become aumos_drift_owner. Give the URL in AUMOS_DRIFT_MIGRATION__ADMIN_URL (or its _FILE) rather\n" +
			"than as a flag, which other users of the machine can see.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return migrate(cmd, adminURL) },
	}
	cmd.Flags().StringVar((*string)(&adminURL), "admin-url", "", "administrator's URL of the drift database, aumos_drift")
	return cmd
}

func migrate(cmd *cobra.Command, adminURL config.Secret) error {
	cfg, err := server.Load(os.Environ())
	if err != nil {
		return err
	}
	if adminURL == "" {
		adminURL = cfg.Migration.AdminURL
	}
	if adminURL == "" {
		return errors.New("no administrator's URL: set " + server.Prefix + "MIGRATION__ADMIN_URL or --admin-url")
	}
	applied, err := server.Migrate(cmd.Context(), adminURL.Reveal(), server.NewLogger(cmd.ErrOrStderr(), cfg))
	for _, name := range applied {
		fmt.Fprintln(cmd.OutOrStdout(), "applied", name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "the drift database is up to date")
	return nil
}

func describe(cmd *cobra.Command, _ []string) error {
	cfg := server.Default()
	keys, err := config.Describe(server.Prefix, &cfg)
	if err != nil {
		return err
	}
	return config.Print(cmd.OutOrStdout(), keys)
}

func healthcheck(cmd *cobra.Command, _ []string) error {
	cfg, err := server.Load(os.Environ())
	if err != nil {
		return err
	}
	return grpcserver.Healthcheck(cmd.Context(), cfg.Server)
}
