package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

type listOptions struct {
	entryFilter

	since, until   string
	from, to, last int64
	newest         bool
	limit          int
}

func (a *app) auditListCommand() *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use: "list", Short: "List entries in the order of their index, or the newest first", Args: cobra.NoArgs,
		Example: `  aumosctl audit list --last 20
  aumosctl audit list --newest --outcome denied --limit 10
  aumosctl audit list --type drift. --since 24h
  aumosctl audit list --resource policy_version --actor alice -o jsonl --limit 0`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.auditList(cmd.Context(), o) },
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "", "only entries recorded from then on: a time (RFC 3339) or how long ago (24h, 7d)")
	f.StringVar(&o.until, "until", "", "only entries recorded before then")
	f.Int64Var(&o.from, "from", 0, "only entries from this index on")
	f.Int64Var(&o.to, "to", -1, "only entries up to this index")
	f.BoolVar(&o.newest, "newest", false, "the newest first")
	f.Int64Var(&o.last, "last", 0, "only among the newest so many entries")
	f.IntVar(&o.limit, "limit", 50, "at most this many; 0: all")
	cmd.MarkFlagsMutuallyExclusive("from", "last")
	return cmd
}

func (a *app) auditList(ctx context.Context, o listOptions) error {
	req, err := o.request(time.Now())
	if err != nil {
		return err
	}
	client, done, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer done()
	if o.last > 0 {
		res, err := call(ctx, a, client.GetCheckpoint, &governancev1.GetCheckpointRequest{})
		if err != nil {
			return err
		}
		req.MinLeafIndex = max(0, res.GetCheckpoint().GetTreeSize()-o.last)
	}
	items := pages(o.limit, func(size int32, token string) ([]*governancev1.LogEntry, string, error) {
		req.PageSize, req.PageToken = size, token
		res, err := call(ctx, a, client.ListEntries, req)
		return res.GetEntries(), res.GetNextPageToken(), err
	})
	grid, listed := output.NewGrid(">index", "recorded", "event", "outcome", "actor", "resource", "entry id"), 0
	err = printList(a, items, grid, func(e *governancev1.LogEntry) []string {
		listed++
		a.noteAltered(e)
		return entryRow(e.GetEntry())
	})
	if err == nil && listed == 0 && o.eventType != "" && !strings.Contains(o.eventType, ".") {
		a.note("no event type is %q: --type %s. is for all that begin with it", o.eventType, o.eventType)
	}
	return err
}

func (o listOptions) request(now time.Time) (*governancev1.ListEntriesRequest, error) {
	if o.from < 0 || o.last < 0 {
		return nil, errors.New("--from and --last must not be negative")
	}
	if o.to < -1 || o.to >= 0 && o.to < o.from {
		return nil, fmt.Errorf("there are no entries from index %d to %d", o.from, o.to)
	}
	req := &governancev1.ListEntriesRequest{
		EventType: o.eventType, Action: o.action, ActorId: o.actor, CorrelationId: o.correlation, SourceService: o.service,
		MinLeafIndex: o.from, NewestFirst: o.newest,
	}
	req.ResourceType, req.ResourceId = o.resourceKey()
	if o.to >= 0 {
		req.MaxLeafIndex = &o.to
	}
	var err error
	if req.Outcome, err = o.outcomeValue(); err != nil {
		return nil, err
	}
	req.Recorded, err = timeRange(o.since, o.until, now)
	return req, err
}

// noteAltered tells what a row does not show of its entry: that somebody has changed it, or that it was corrected.
func (a *app) noteAltered(e *governancev1.LogEntry) {
	index := e.GetEntry().GetLeafIndex()
	if len(e.GetMismatchedColumns()) > 0 {
		a.note("entry %d has been altered: its columns %s differ from what was recorded", index, strings.Join(e.GetMismatchedColumns(), ", "))
	}
	if n := len(e.GetCorrections()); n > 0 {
		a.note("entry %d has %s: see audit show %d", index, plural(n, "correction"), index)
	}
}

func entryRow(e *governancev1.AuditEntry) []string {
	return []string{
		strconv.FormatInt(e.GetLeafIndex(), 10), when(e.GetRecordedTime()), e.GetEventType(), enum(e.GetOutcome().String(), "AUDIT_OUTCOME_"),
		actorText(e.GetActor()), resourceText(e.GetResource()), e.GetEntryId(),
	}
}

func actorText(actor *typev1.Actor) string {
	text := actor.GetId()
	if actor.GetOnBehalfOf() != "" {
		text += " for " + actor.GetOnBehalfOf()
	}
	return text
}

func resourceText(r *governancev1.AuditResource) string {
	name := r.GetName()
	if name == "" {
		name = r.GetId()
	}
	return r.GetType() + " " + name
}
