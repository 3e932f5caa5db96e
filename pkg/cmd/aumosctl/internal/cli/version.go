package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{Main: debug.Module{Version: "unknown"}}
			}
			settings := make(map[string]string, len(info.Settings))
			for _, s := range info.Settings {
				settings[s.Key] = s.Value
			}
			version := info.Main.Version
			if version == "" {
				version = "(devel)"
			}
			if a.format != formatTable {
				return a.printJSON(map[string]string{"version": version, "revision": settings["vcs.revision"], "go": info.GoVersion})
			}
			line := "aumosctl " + version
			if revision := settings["vcs.revision"]; revision != "" {
				line += " " + revision
			}
			_, err := fmt.Fprintln(a.stdout, line, info.GoVersion)
			return err
		},
	}
}
