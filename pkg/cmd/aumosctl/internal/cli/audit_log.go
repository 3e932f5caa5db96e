package cli

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auditlog/bundle"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// liveLog is the caller's log as governance shows it, up to a checkpoint.
type liveLog struct {
	app    *app
	client governancev1.AuditServiceClient

	checkpoint string
	head       auditlog.Checkpoint
	tenantID   string
	commitment *governancev1.HeadCommitment // nil where it was not asked for, or the server makes none
	keys       *governancev1.ListLogKeysResponse
}

// openLog gets the newest checkpoint; with commit set, one that the platform's log commits to.
func (a *app) openLog(ctx context.Context, client governancev1.AuditServiceClient, commit bool) (*liveLog, error) {
	l := &liveLog{app: a, client: client}
	var err error
	if l.keys, err = call(ctx, a, client.ListLogKeys, &governancev1.ListLogKeysRequest{}); err != nil {
		return nil, err
	}
	if commit {
		if err := l.commit(ctx); err != nil {
			return nil, err
		}
	}
	if l.commitment == nil {
		res, err := call(ctx, a, client.GetCheckpoint, &governancev1.GetCheckpointRequest{})
		if err != nil {
			return nil, err
		}
		l.checkpoint = res.GetCheckpoint().GetNote()
	}
	if l.head, err = auditlog.Read(l.checkpoint); err != nil {
		return nil, fmt.Errorf("the newest checkpoint cannot be read: %w", err)
	}
	_, id, err := auditlog.ParseOrigin(l.head.Origin)
	if err != nil {
		return nil, fmt.Errorf("the newest checkpoint cannot be read: %w", err)
	}
	l.tenantID = id.String()
	return l, nil
}

// commit asks for a commitment. A server from before there were any, and a log without entries, have none.
func (l *liveLog) commit(ctx context.Context) error {
	res, err := call(ctx, l.app, l.client.GetHeadCommitment, &governancev1.GetHeadCommitmentRequest{})
	switch status.Code(err) {
	case codes.OK:
		l.commitment = res.GetCommitment()
		l.checkpoint = l.commitment.GetCheckpoint().GetNote()
		return nil
	case codes.Unimplemented, codes.NotFound:
		return nil
	default:
		return err
	}
}

// header describes an export that begins after a tree.
func (l *liveLog) header(before auditlog.Range) auditlog.ExportHeader {
	h := auditlog.HeaderAt(l.head.Origin, l.tenantID, before)
	h.Keys = vkeys(l.keys.GetKeys())
	return h
}

func vkeys(keys []*governancev1.LogKey) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = key.GetVkey()
	}
	return list
}

// treeAt gets the tree of a size from the hashes stored with the entries before it. Whether they are right shows against the checkpoint.
func (l *liveLog) treeAt(ctx context.Context, size int64) (auditlog.Range, error) {
	var roots []tlog.Hash
	for _, node := range auditlog.RangeNodes(size) {
		res, err := call(ctx, l.app, l.client.GetEntry, &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_LeafIndex{LeafIndex: node.LeafIndex}})
		if err != nil {
			return auditlog.Range{}, err
		}
		stored := res.GetEntry().GetStoredHashes()
		if node.Level >= len(stored) || len(stored[node.Level]) != tlog.HashSize {
			return auditlog.Range{}, fmt.Errorf("entry %d has been altered: a stored hash is missing", node.LeafIndex)
		}
		roots = append(roots, tlog.Hash(stored[node.Level]))
	}
	return auditlog.NewRange(size, roots)
}

// entryPage is how many entries are asked for at a time: fewer than the most, since an entry may have 60 KB.
const entryPage = 200

// entries gives the entries from an index up to end, in their order. It gives fewer when the log returns fewer.
func (l *liveLog) entries(ctx context.Context, from, end int64, each func(*governancev1.LogEntry) error) error {
	for token, at := "", from; at < end; {
		res, err := call(ctx, l.app, l.client.ListEntries, &governancev1.ListEntriesRequest{
			PageSize: int32(min(entryPage, end-at)), PageToken: token, MinLeafIndex: from,
		})
		if err != nil {
			return err
		}
		for _, entry := range res.GetEntries() {
			if err := each(entry); err != nil {
				return err
			}
			at++
		}
		if token = res.GetNextPageToken(); token == "" {
			return nil
		}
	}
	return nil
}

// consistency proves that the tree of a size is a prefix of the checkpoint's; there is nothing to prove for the checkpoint's own.
func (l *liveLog) consistency(ctx context.Context, size int64) ([]tlog.Hash, error) {
	if size >= l.head.Size || size == 0 {
		return nil, nil
	}
	res, err := call(ctx, l.app, l.client.GetConsistencyProof, &governancev1.GetConsistencyProofRequest{FirstTreeSize: size, SecondTreeSize: l.head.Size})
	if err != nil {
		return nil, err
	}
	proof := make([]tlog.Hash, len(res.GetHashes()))
	for i, h := range res.GetHashes() {
		if len(h) != tlog.HashSize {
			return nil, fmt.Errorf("a hash of the consistency proof has %d bytes", len(h))
		}
		proof[i] = tlog.Hash(h)
	}
	return proof, nil
}

// checkpoints gets the newest of the checkpoints that are kept with the log and not larger than the log's own. A server from before they could be
// listed has none.
func (l *liveLog) checkpoints(ctx context.Context) ([]string, error) {
	var notes []string
	for c, err := range pages(0, func(size int32, token string) ([]*governancev1.Checkpoint, string, error) {
		res, err := call(ctx, l.app, l.client.ListCheckpoints, &governancev1.ListCheckpointsRequest{PageSize: size, PageToken: token})
		return res.GetCheckpoints(), res.GetNextPageToken(), err
	}) {
		if status.Code(err) == codes.Unimplemented {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if c.GetTreeSize() > l.head.Size {
			continue
		}
		if notes = append(notes, c.GetNote()); len(notes) == bundle.MaxCheckpoints {
			break
		}
	}
	return notes, nil
}
