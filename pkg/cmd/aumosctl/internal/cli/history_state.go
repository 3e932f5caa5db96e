package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) historyShowCommand() *cobra.Command {
	var at momentOptions
	cmd := &cobra.Command{
		Use: "show TYPE/ID", Short: "Show a resource's state at a moment", Args: cobra.ExactArgs(1),
		Example: `  aumosctl history show policy/0198c0de-0000-7000-8000-000000000001 --at 2026-11-01T00:00:00Z
  aumosctl history show monitor/0198c0de-0000-7000-8000-000000000002 --at 1200 --effective 48h`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.historyShow(cmd.Context(), args[0], at) },
	}
	at.flags(cmd, "at", "effective", "the state")
	return cmd
}

func (a *app) historyShow(ctx context.Context, resource string, at momentOptions) error {
	req := &governancev1.GetResourceAtRequest{}
	var err error
	if req.Resource, err = resourceReference(resource); err != nil {
		return err
	}
	if req.At, err = at.moment("at", "effective", time.Now()); err != nil {
		return err
	}
	client, done, err := a.timeMachine(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := call(ctx, a, client.GetResourceAt, req)
	if err != nil {
		return err
	}
	if a.format != formatTable {
		return a.printMessage("version", res.GetVersion())
	}
	return a.printVersion(res.GetVersion())
}

func (a *app) historyListCommand() *cobra.Command {
	var at momentOptions
	var deleted bool
	var limit int
	cmd := &cobra.Command{
		Use: "list TYPE", Short: "List the resources of a kind as they were at a moment", Args: cobra.ExactArgs(1),
		Example: `  aumosctl history list policy --at 2026-11-01T00:00:00Z
  aumosctl history list policy_version --at 1200 --deleted -o jsonl --limit 0`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.historyList(cmd.Context(), args[0], at, deleted, limit)
		},
	}
	at.flags(cmd, "at", "effective", "the states")
	cmd.Flags().BoolVar(&deleted, "deleted", false, "also those that had been deleted")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	return cmd
}

func (a *app) historyList(ctx context.Context, kind string, at momentOptions, deleted bool, limit int) error {
	m, err := at.moment("at", "effective", time.Now())
	if err != nil {
		return err
	}
	client, done, err := a.timeMachine(ctx)
	if err != nil {
		return err
	}
	defer done()
	items := pages(limit, func(size int32, token string) ([]*governancev1.ResourceVersion, string, error) {
		res, err := call(ctx, a, client.ListResourcesAt, &governancev1.ListResourcesAtRequest{
			ResourceType: kind, At: m, ShowDeleted: deleted, PageSize: size, PageToken: token,
		})
		return res.GetVersions(), res.GetNextPageToken(), err
	})
	grid := output.NewGrid("id", "name", "state", ">index", "event", "actor", "recorded", "effective")
	return printList(a, items, grid, func(v *governancev1.ResourceVersion) []string {
		return []string{
			v.GetResourceId(), v.GetName(), strings.ToLower(enum(v.GetExistence().String(), "RESOURCE_EXISTENCE_")),
			strconv.FormatInt(v.GetEntry().GetLeafIndex(), 10), v.GetEventType(), actorText(v.GetActor()),
			when(v.GetRecordedTime()), when(v.GetEffectiveTime()),
		}
	})
}

func (a *app) historyDiffCommand() *cobra.Command {
	var from, to momentOptions
	cmd := &cobra.Command{
		Use: "diff TYPE/ID [TYPE/ID]", Short: "Compare two states, field by field", Args: cobra.RangeArgs(1, 2),
		Long: `Compares two states field by field: of one resource at two moments, or of two resources. A moment that is not said is now.

  +  only the second state has the field
  -  only the first state has it
  ~  both have it, with different values`,
		Example: `  aumosctl history diff policy/0198c0de-0000-7000-8000-000000000001 --from 720h
  aumosctl history diff policy_version/0198c0de-0000-7000-8000-00000000000a policy_version/0198c0de-0000-7000-8000-00000000000b`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.historyDiff(cmd.Context(), args, from, to) },
	}
	from.flags(cmd, "from", "from-effective", "the first state")
	to.flags(cmd, "to", "to-effective", "the second state")
	return cmd
}

func (a *app) historyDiff(ctx context.Context, resources []string, from, to momentOptions) error {
	before, after := &governancev1.ResourceAt{}, &governancev1.ResourceAt{}
	now := time.Now()
	var err error
	if before.Resource, err = resourceReference(resources[0]); err != nil {
		return err
	}
	if after.Resource, err = resourceReference(resources[len(resources)-1]); err != nil {
		return err
	}
	if before.At, err = from.moment("from", "from-effective", now); err != nil {
		return err
	}
	if after.At, err = to.moment("to", "to-effective", now); err != nil {
		return err
	}
	client, done, err := a.timeMachine(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := call(ctx, a, client.DiffResources, &governancev1.DiffResourcesRequest{Before: before, After: after})
	if err != nil {
		return err
	}
	if res.GetBefore() == nil && res.GetAfter() == nil {
		return fmt.Errorf("no entry up to these moments knows %s", strings.Join(resources, " or "))
	}
	if a.format != formatTable {
		return a.printMessage("diff", res)
	}
	return a.printDiff(res)
}

func (a *app) printDiff(res *governancev1.DiffResourcesResponse) error {
	err := output.Pairs(a.stdout, "", "before", stateText(res.GetBefore()), "after", stateText(res.GetAfter()))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	if len(res.GetDifferences()) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no field differs")
		return err
	}
	return a.printDifferences("", res.GetDifferences())
}

// stateText names a state and the entry that says it.
func stateText(v *governancev1.ResourceVersion) string {
	if v == nil {
		return "not there: no entry up to the moment knows it"
	}
	text := fmt.Sprintf("%s %s as of entry %d, %s at %s", v.GetResourceType(), v.GetResourceId(), v.GetEntry().GetLeafIndex(), v.GetEventType(), when(v.GetRecordedTime()))
	if v.GetExistence() == governancev1.ResourceExistence_RESOURCE_EXISTENCE_DELETED {
		text += " (deleted)"
	}
	return text
}

// printDifferences prints a line for each field.
func (a *app) printDifferences(indent string, differences []*governancev1.FieldDifference) error {
	for _, d := range differences {
		var line string
		switch d.GetKind() {
		case governancev1.DifferenceKind_DIFFERENCE_KIND_ADDED:
			line = "+ " + d.GetPath() + "  " + valueText(d.GetAfter())
		case governancev1.DifferenceKind_DIFFERENCE_KIND_REMOVED:
			line = "- " + d.GetPath() + "  " + valueText(d.GetBefore())
		default:
			line = "~ " + d.GetPath() + "  " + valueText(d.GetBefore()) + " -> " + valueText(d.GetAfter())
		}
		if _, err := fmt.Fprintln(a.stdout, indent+output.Clean(line)); err != nil {
			return err
		}
	}
	return nil
}

// maxValueText is how much of a value a line shows; -o json shows all.
const maxValueText = 120

func valueText(v *structpb.Value) string {
	var text strings.Builder
	if err := output.JSON(&text, v.AsInterface(), true); err != nil {
		return err.Error()
	}
	shown := []rune(strings.TrimSuffix(text.String(), "\n"))
	if len(shown) > maxValueText {
		return string(shown[:maxValueText]) + "..."
	}
	return string(shown)
}
