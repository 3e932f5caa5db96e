package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) tokenCommand() *cobra.Command {
	return &cobra.Command{
		Use: "token", Short: "Print a valid access token, for grpcurl and scripts", Args: cobra.NoArgs,
		Long:    "Prints a valid access token of the profile, renewed if it has expired. Whoever has it can act as you until it expires.",
		Example: `  grpcurl -plaintext -H "authorization: Bearer $(aumosctl token)" localhost:9090 list`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.session(cmd.Context())
			if err != nil {
				return err
			}
			token, err := s.tokens.Token()
			if err != nil {
				return err
			}
			if a.format == formatTable {
				_, err = fmt.Fprintln(a.stdout, token.AccessToken)
				return err
			}
			result := map[string]string{"access_token": token.AccessToken}
			if !token.Expiry.IsZero() {
				result["expiry"] = token.Expiry.UTC().Format(time.RFC3339)
			}
			return a.printJSON(result)
		},
	}
}
