package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const settingsHelp = `What the tenant keeps of the inputs of decisions. Unless inputs are kept, the log has only their digests and decisions cannot be replayed. Kept inputs
are encrypted under a key of the tenant and deleted after the retention.

Masked places are seen by policies, and neither logged nor kept. A mask is a JSON pointer into the input, with * for every key or index at its place; one that
is prefixed with a decision point and a colon holds in questions to that decision point only.`

const settingsSetHelp = `Changes what the tenant keeps of the inputs of decisions. What no flag names stays as it is. The command returns when no replica of the
service uses the old settings any more, which takes some seconds.`

const settingsSetExample = `  aumosctl decision settings set --keep-inputs --retention 30d
  aumosctl decision settings set --mask /applicant/name --mask model.promote:/people/*/email
  aumosctl decision settings set --unmask /applicant/name
  aumosctl decision settings set --keep-inputs=false`

type settingsOptions struct {
	keep      bool
	retention string
	mask      []string
	unmask    []string
	clear     bool
}

func (a *app) decisionSettingsCommand() *cobra.Command {
	cmd := group("settings", "Show and change what is kept of decisions' inputs", a.decisionSettingsShowCommand(), a.decisionSettingsSetCommand())
	cmd.Long = settingsHelp
	return cmd
}

func (a *app) decisionSettingsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show what is kept of decisions' inputs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, done, err := a.decisions(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			res, err := call(cmd.Context(), a, client.GetDecisionSettings, &governancev1.GetDecisionSettingsRequest{})
			if err != nil {
				return err
			}
			return a.printSettings(res.GetSettings())
		},
	}
}

func (a *app) decisionSettingsSetCommand() *cobra.Command {
	var o settingsOptions
	cmd := &cobra.Command{
		Use: "set", Short: "Change what is kept of decisions' inputs", Args: cobra.NoArgs, Long: settingsSetHelp, Example: settingsSetExample,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.settingsSet(cmd.Context(), o, cmd.Flags().Changed("keep-inputs"))
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.keep, "keep-inputs", false, "keep inputs, so that decisions can be replayed; =false: keep no more")
	f.StringVar(&o.retention, "retention", "", "how long inputs are kept, for example 12h or 30d: 1h to 400d, also those that are kept already")
	f.StringArrayVar(&o.mask, "mask", nil, "mask this place, [POINT:]/PATH; repeatable")
	f.StringArrayVar(&o.unmask, "unmask", nil, "mask this place no longer, as decision settings show prints it; repeatable")
	f.BoolVar(&o.clear, "clear-masks", false, "remove all masks first")
	return cmd
}

func (a *app) settingsSet(ctx context.Context, o settingsOptions, keepSaid bool) error {
	if !keepSaid && o.retention == "" && len(o.mask) == 0 && len(o.unmask) == 0 && !o.clear {
		return errors.New("nothing to change: say --keep-inputs, --retention, --mask, --unmask or --clear-masks")
	}
	client, done, err := a.decisions(ctx)
	if err != nil {
		return err
	}
	defer done()
	read, err := call(ctx, a, client.GetDecisionSettings, &governancev1.GetDecisionSettingsRequest{})
	if err != nil {
		return err
	}
	settings := read.GetSettings() // with its etag: somebody else's change in between is not overwritten
	if keepSaid {
		settings.KeepInputs = o.keep
	}
	if o.retention != "" {
		retention, err := parseLength("--retention", o.retention)
		if err != nil {
			return err
		}
		settings.InputRetention = durationpb.New(retention)
	}
	if err := o.changeMasks(settings); err != nil {
		return err
	}
	res, err := call(ctx, a, client.UpdateDecisionSettings, &governancev1.UpdateDecisionSettingsRequest{Settings: settings})
	if err != nil {
		return err
	}
	return a.printSettings(res.GetSettings())
}

func (o settingsOptions) changeMasks(s *governancev1.DecisionSettings) error {
	if o.clear {
		s.Masks = nil
	}
	for _, text := range o.unmask {
		before := len(s.GetMasks())
		s.Masks = slices.DeleteFunc(s.GetMasks(), func(m *governancev1.InputMask) bool { return maskText(m) == text })
		if len(s.GetMasks()) == before {
			return fmt.Errorf("--unmask %q: there is no such mask", text)
		}
	}
	for _, text := range o.mask {
		m := &governancev1.InputMask{Path: text}
		if point, path, ok := strings.Cut(text, ":/"); ok && !strings.HasPrefix(text, "/") {
			m.Path, m.DecisionPoint = "/"+path, point
		}
		if !slices.ContainsFunc(s.GetMasks(), func(other *governancev1.InputMask) bool { return maskText(other) == maskText(m) }) {
			s.Masks = append(s.Masks, m)
		}
	}
	return nil
}

// maskText writes a mask as the flags have it.
func maskText(m *governancev1.InputMask) string {
	if m.GetDecisionPoint() == "" {
		return m.GetPath()
	}
	return m.GetDecisionPoint() + ":" + m.GetPath()
}

func (a *app) printSettings(s *governancev1.DecisionSettings) error {
	if a.format != formatTable {
		return a.printMessage("settings", s)
	}
	kept := "no, only their digests"
	if s.GetKeepInputs() {
		kept = "yes, encrypted"
	}
	pairs := []string{"inputs kept", kept}
	if s.GetInputRetention() != nil {
		pairs = append(pairs, "for", retentionText(s.GetInputRetention().AsDuration()))
	}
	if len(s.GetMasks()) == 0 {
		pairs = append(pairs, "masked", "nothing")
	}
	for i, m := range s.GetMasks() {
		name := ""
		if i == 0 {
			name = "masked"
		}
		pairs = append(pairs, name, maskText(m))
	}
	if s.GetUpdateTime() != nil {
		pairs = append(pairs, "changed", when(s.GetUpdateTime()))
	}
	return output.Pairs(a.stdout, "", pairs...)
}

// retentionText writes whole days as days.
func retentionText(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	return d.String()
}

func (a *app) decisionEraseInputsCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "erase-inputs --reason TEXT", Short: "Destroy all inputs kept until now", Args: cobra.NoArgs,
		Long: `Destroys the tenant's key for kept inputs and all inputs that were kept until now, before their retention ends. This cannot be undone. The
decisions stay in the log, but cannot be replayed; requests with masked inputs that are sent again are refused from then on.`,
		Example: `  aumosctl decision erase-inputs --reason "request 4711 of a data subject"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, done, err := a.decisions(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			res, err := call(cmd.Context(), a, client.EraseDecisionInputs, &governancev1.EraseDecisionInputsRequest{Reason: reason})
			if err != nil {
				return err
			}
			if a.format != formatTable {
				return a.printMessage("erasure", res)
			}
			return output.Pairs(a.stdout, "", "inputs erased", strconv.FormatInt(res.GetErased(), 10))
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; it stands in the log")
	_ = cmd.MarkFlagRequired("reason") // fails for unknown flags only
	return cmd
}
