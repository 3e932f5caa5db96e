package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const historyHelp = `Lists the states that a resource had, in the order in which they were recorded, each with what it changed. They come from the Audit Wall: every state
names the entry that says it, and aumosctl audit prove INDEX gets the proof.

Two times belong to a change. It was recorded at one, which only grows with the entry's index: --at cuts the log there, and answers what could be known
then. It took effect at another, which its writer says: --effective asks for the state in effect at that time.`

const historyExample = `  aumosctl history policy/0198c0de-0000-7000-8000-000000000001
  aumosctl history show policy/0198c0de-0000-7000-8000-000000000001 --at 2026-11-01T00:00:00Z
  aumosctl history list policy_version --at 1200
  aumosctl history diff policy/0198c0de-0000-7000-8000-000000000001 --from 720h`

func (a *app) historyCommand() *cobra.Command {
	var newest bool
	var limit int
	cmd := &cobra.Command{
		Use: "history TYPE/ID", Short: "Show past states of policies, monitors and other resources", Args: cobra.ExactArgs(1),
		Long: historyHelp, Example: historyExample,
		RunE: func(cmd *cobra.Command, args []string) error { return a.history(cmd.Context(), args[0], newest, limit) },
	}
	cmd.Flags().BoolVar(&newest, "newest", false, "the newest state first")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	cmd.AddCommand(a.historyShowCommand(), a.historyListCommand(), a.historyDiffCommand())
	return cmd
}

// resourceReference reads how a resource is named.
func resourceReference(text string) (*governancev1.ResourceReference, error) {
	kind, id, ok := strings.Cut(text, "/")
	if !ok || kind == "" || id == "" {
		return nil, fmt.Errorf("%q does not name a resource: say TYPE/ID, for example policy/0198c0de-0000-7000-8000-000000000001", text)
	}
	return &governancev1.ResourceReference{Type: kind, Id: id}, nil
}

// momentOptions are a pair of flags that say a moment.
type momentOptions struct{ at, effective string }

// flags adds the pair, for example as --from and --from-effective.
func (o *momentOptions) flags(cmd *cobra.Command, at, effective, what string) {
	cmd.Flags().StringVar(&o.at, at, "", what+" as recorded up to then: a time (RFC 3339), how long ago (24h, 7d), or the index of an entry")
	cmd.Flags().StringVar(&o.effective, effective, "", what+" in effect then, a time or how long ago; without it, as recorded last")
}

// moment reads the pair; nil means now.
func (o momentOptions) moment(at, effective string, now time.Time) (*governancev1.Moment, error) {
	m := &governancev1.Moment{}
	if index, err := strconv.ParseInt(o.at, 10, 64); err == nil {
		if index < 0 {
			return nil, fmt.Errorf("--%s %d is no index: they begin at 0", at, index)
		}
		m.Known = &governancev1.Moment_LeafIndex{LeafIndex: index}
	} else if o.at != "" {
		t, err := moment("--"+at, o.at, now)
		if err != nil {
			return nil, err
		}
		m.Known = &governancev1.Moment_RecordedTime{RecordedTime: t}
	}
	var err error
	if m.EffectiveTime, err = moment("--"+effective, o.effective, now); err != nil {
		return nil, err
	}
	if m.GetKnown() == nil && m.GetEffectiveTime() == nil {
		return nil, nil // now
	}
	return m, nil
}

func (a *app) history(ctx context.Context, resource string, newest bool, limit int) error {
	reference, err := resourceReference(resource)
	if err != nil {
		return err
	}
	client, done, err := a.timeMachine(ctx)
	if err != nil {
		return err
	}
	defer done()
	items := pages(limit, func(size int32, token string) ([]*governancev1.ResourceChange, string, error) {
		res, err := call(ctx, a, client.ListResourceHistory, &governancev1.ListResourceHistoryRequest{
			Resource: reference, NewestFirst: newest, PageSize: size, PageToken: token,
		})
		return res.GetChanges(), res.GetNextPageToken(), err
	})
	if a.format != formatTable {
		return printList(a, items, nil, nil)
	}
	shown := 0
	for change, err := range items {
		if err != nil {
			return err
		}
		if shown++; shown > 1 {
			if _, err := fmt.Fprintln(a.stdout); err != nil {
				return err
			}
		}
		if err := a.printChange(change); err != nil {
			return err
		}
	}
	if shown == 0 {
		return fmt.Errorf("no entry knows %s", resource)
	}
	return nil
}

// printChange prints a line about the entry and one for each field that it changed.
func (a *app) printChange(c *governancev1.ResourceChange) error {
	v := c.GetVersion()
	line := fmt.Sprintf("%d  %s  %s  by %s", v.GetEntry().GetLeafIndex(), when(v.GetRecordedTime()), v.GetEventType(), actorText(v.GetActor()))
	if took := when(v.GetEffectiveTime()); took != when(v.GetRecordedTime()) {
		line += "  effective " + took
	}
	if _, err := fmt.Fprintln(a.stdout, output.Clean(line)); err != nil {
		return err
	}
	return errors.Join(a.printDifferences("  ", c.GetDifferences()), a.listCorrections("  ", v.GetCorrections()))
}

// listCorrections prints a line for each.
func (a *app) listCorrections(indent string, corrections []*governancev1.Correction) error {
	for _, c := range corrections {
		line := fmt.Sprintf("corrected by entry %d (%s): %s", c.GetPosition().GetLeafIndex(), actorText(c.GetActor()), c.GetReason())
		if _, err := fmt.Fprintln(a.stdout, indent+output.Clean(line)); err != nil {
			return err
		}
	}
	return nil
}

// printVersion prints a state for people.
func (a *app) printVersion(v *governancev1.ResourceVersion) error {
	err := output.Pairs(a.stdout, "",
		"resource", v.GetResourceType()+" "+v.GetResourceId(), "name", v.GetName(),
		"existence", strings.ToLower(enum(v.GetExistence().String(), "RESOURCE_EXISTENCE_")), "event", v.GetEventType(), "actor", actorText(v.GetActor()),
		"recorded", when(v.GetRecordedTime()), "effective", when(v.GetEffectiveTime()),
		"entry", fmt.Sprintf("index %d, %s", v.GetEntry().GetLeafIndex(), v.GetEntry().GetEntryId()), "leaf hash", hex.EncodeToString(v.GetEntry().GetLeafHash()))
	return errors.Join(err, a.printStruct("state", v.GetState()), a.printCorrections(v.GetCorrections()))
}
