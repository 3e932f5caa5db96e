package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const (
	// firstResume and lastResume are the shortest and the longest wait before a watch goes on after a break.
	firstResume = 200 * time.Millisecond
	lastResume  = 10 * time.Second
)

type watchOptions struct {
	entryFilter

	from  int64
	limit int
}

func (a *app) auditWatchCommand() *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use: "watch", Short: "Print entries as they are recorded", Args: cobra.NoArgs,
		Long: `Prints entries as they are recorded, from now on or from an index on, until it is interrupted. After a break, and when its token has expired, it goes on by
itself where it was: no entry is left out or comes twice.

Watching is reading: the log says who does it.`,
		Example: `  aumosctl audit watch
  aumosctl audit watch --type policy. --outcome success
  aumosctl audit watch --from 0 -o jsonl >> trail.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.auditWatch(cmd.Context(), o) },
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.Int64Var(&o.from, "from", -1, "from this index on (default: what is recorded from now on)")
	f.IntVar(&o.limit, "limit", 0, "end after so many entries; 0: never")
	return cmd
}

func (a *app) auditWatch(ctx context.Context, o watchOptions) error {
	if o.limit < 0 {
		return errNegativeLimit
	}
	req := &governancev1.WatchEntriesRequest{
		EventType: o.eventType, Action: o.action, ActorId: o.actor, CorrelationId: o.correlation, SourceService: o.service,
	}
	req.ResourceType, req.ResourceId = o.resourceKey()
	var err error
	if req.Outcome, err = o.outcomeValue(); err != nil {
		return err
	}
	client, done, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer done()
	if req.FromLeafIndex = o.from; o.from < 0 {
		if req.FromLeafIndex, err = a.afterLastEntry(ctx, client); err != nil {
			return err
		}
	}
	w := entryWatch{app: a, client: client, req: req, limit: o.limit}
	if err := w.run(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil // an interruption is how a watch ends
}

// afterLastEntry returns the index that the next entry will have.
func (a *app) afterLastEntry(ctx context.Context, client governancev1.AuditServiceClient) (int64, error) {
	res, err := call(ctx, a, client.ListEntries, &governancev1.ListEntriesRequest{PageSize: 1, NewestFirst: true})
	if err != nil || len(res.GetEntries()) == 0 {
		return 0, err
	}
	return res.GetEntries()[0].GetEntry().GetLeafIndex() + 1, nil
}

// entryWatch is a watch over any number of streams.
type entryWatch struct {
	app    *app
	client governancev1.AuditServiceClient
	req    *governancev1.WatchEntriesRequest // from where it goes on
	limit  int
	seen   int
}

var errEnough = errors.New("as many entries as were asked for")

// run goes on with a new stream whenever one breaks off.
func (w *entryWatch) run(ctx context.Context) error {
	for wait := firstResume; ; wait = min(2*wait, lastResume) {
		from := w.req.GetFromLeafIndex()
		err := w.follow(ctx)
		switch {
		case errors.Is(err, errEnough):
			return nil
		case tokenExpired(err):
			wait = firstResume
			continue // the next has a fresh one, or is refused
		case ctx.Err() != nil || status.Code(err) != codes.Unavailable:
			return err
		case w.req.GetFromLeafIndex() != from:
			wait = firstResume
		}
		w.app.note("the watch broke off: it goes on from entry %d", w.req.GetFromLeafIndex())
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// follow prints what one stream brings.
func (w *entryWatch) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := w.client.WatchEntries(ctx, w.req)
	if err != nil {
		return err
	}
	for {
		res, err := stream.Recv()
		if err != nil {
			return err
		}
		if res.GetEntry() == nil {
			w.req.FromLeafIndex = max(w.req.GetFromLeafIndex(), res.GetHeartbeat().GetNextLeafIndex())
			continue
		}
		if err := w.print(res.GetEntry()); err != nil {
			return err
		}
		w.req.FromLeafIndex = res.GetEntry().GetEntry().GetLeafIndex() + 1
		if w.seen++; w.seen == w.limit {
			return errEnough
		}
	}
}

func (w *entryWatch) print(e *governancev1.LogEntry) error {
	if w.app.format != formatTable {
		tree, err := output.Tree(e)
		if err != nil {
			return err
		}
		return w.app.printJSON(tree)
	}
	w.app.noteAltered(e)
	row := entryRow(e.GetEntry())
	for i := range row {
		row[i] = output.Clean(row[i])
	}
	_, err := fmt.Fprintf(w.app.stdout, "%6s  %s  %-7s  %-26s  %s: %s\n", row[0], row[1], row[3], row[2], row[4], row[5])
	return err
}
