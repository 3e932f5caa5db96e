package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/headroom"
)

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "governance",
		Short: "The governance service of the AumOS platform",
		Long: "governance decides by policies and keeps the Audit Wall, on which every decision and every change stands.\n\n" +
			"Without a command it serves. `governance config` lists the settings.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          serve,
	}
	root.AddCommand(
		&cobra.Command{Use: "serve", Short: "Serve until interrupted (the default)", Args: cobra.NoArgs, RunE: serve},
		migrateCommand(),
		&cobra.Command{Use: "config", Short: "List every setting with its default and meaning", Args: cobra.NoArgs, RunE: describe},
		wallCommand(),
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
	var adminURL, auditAdminURL config.Secret
	var bootstrap bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the databases up to date",
		Long: "migrate applies the migrations that the governance database and the audit database lack. It is the only way to change the audit\n" +
			"database's schema, which is sealed between its transactions.\n\n" +
			"It connects as an administrator who may become aumos_governance_owner and aumos_audit_owner; the audit database needs a superuser. Give the\n" +
			"URLs in AUMOS_GOVERNANCE_MIGRATION__ADMIN_URL and AUMOS_GOVERNANCE_MIGRATION__AUDIT_ADMIN_URL (or their _FILE) rather than as flags, which\n" +
			"other users of the machine can see.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := server.Load(os.Environ())
			if err != nil {
				return err
			}
			if adminURL != "" {
				cfg.Migration.AdminURL = adminURL
			}
			if auditAdminURL != "" {
				cfg.Migration.AuditAdminURL = auditAdminURL
			}
			return migrate(cmd, cfg.Migration, bootstrap)
		},
	}
	cmd.Flags().StringVar((*string)(&adminURL), "admin-url", "", "administrator's URL of the governance database")
	cmd.Flags().StringVar((*string)(&auditAdminURL), "audit-admin-url", "", "administrator's URL of the audit database (default aumos_audit on the same server)")
	cmd.Flags().BoolVar(&bootstrap, "bootstrap", false, "first make the platform's roles and databases, on a new server, with the passwords of MIGRATION__PASSWORDS__*")
	return cmd
}

func migrate(cmd *cobra.Command, m server.Migration, bootstrap bool) error {
	if bootstrap {
		if err := server.Bootstrap(cmd.Context(), m); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "the roles and databases are there")
	}
	applied, err := server.Migrate(cmd.Context(), m)
	for _, name := range applied {
		fmt.Fprintln(cmd.OutOrStdout(), "applied", name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "the governance and the audit database are up to date")
	return nil
}

func wallCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "wall", Short: "Look after the Audit Wall", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(postureCommand())
	return cmd
}

func postureCommand() *cobra.Command {
	var out server.PostureOutput
	var format string
	cmd := &cobra.Command{
		Use:   "posture",
		Short: "Check everything that is to prevent changes of the Audit Wall; the exit code answers",
		Long: "posture checks the audit database as the service does at its start: tables, owners, triggers, guard functions, policies, privileges, roles,\n" +
			"settings, the whole schema, the server, and the newest stored checkpoint of each log. With AUMOS_GOVERNANCE_PRODUCTION it is as strict as\n" +
			"production. The digest at the end is what the service records on the platform's log at its start, as long as it looks at the same.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--output %q is neither text nor json", format)
			}
			out.JSON = format == "json"
			cfg, err := server.Load(os.Environ())
			if err != nil {
				return err
			}
			return server.WritePosture(cmd.Context(), cfg, out, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&out.Deep, "deep", false, "compare every stored checkpoint with the logs")
	cmd.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	return cmd
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
