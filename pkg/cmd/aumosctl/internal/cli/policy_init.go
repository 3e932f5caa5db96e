package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
)

func (a *app) policyInitCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "init DIR", Short: "Write a small policy with tests, to begin with", Args: cobra.ExactArgs(1),
		Long: "Writes a small policy into a directory: policy.yaml, Rego with test rules, a data document, a JSON Schema of the input and test cases. Nothing is\n" +
			"overwritten, and nothing is sent anywhere. What comes next, linting and testing, is done by the platform and takes a login.",
		Example: "  aumosctl policy init policies/loans",
		RunE: func(_ *cobra.Command, args []string) error {
			dir := args[0]
			if name == "" {
				path, err := filepath.Abs(dir)
				if err != nil {
					return err
				}
				name = filepath.Base(path)
			}
			files, err := policydir.Init(dir, name)
			if err != nil {
				return err
			}
			if a.format != formatTable {
				return a.printJSON(map[string]any{"name": name, "files": files})
			}
			grid := output.NewGrid("wrote")
			for _, file := range files {
				grid.Row(file)
			}
			if err := grid.Print(a.stdout, ""); err != nil {
				return err
			}
			a.note("the platform lints and tests, so it takes a login: aumosctl login")
			a.note("next: aumosctl policy lint %[1]s; aumosctl policy test %[1]s; aumosctl policy push %[1]s --submit", shellWord(dir))
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the policy's name (default: the directory's)")
	return cmd
}
