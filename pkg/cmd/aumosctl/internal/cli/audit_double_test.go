package cli_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// auditDouble is a log of the wall in memory: real entries, hashes and signatures.
type auditDouble struct {
	governancev1.UnimplementedAuditServiceServer

	key     auditlog.SigningKey
	origin  string
	entries []*governancev1.LogEntry
	stored  []tlog.Hash // all hashes in the order of tlog.StoredHashIndex
	tree    auditlog.Range
	short   bool                             // ListEntries leaves the last entry out
	weak    bool                             // GetWallPosture has a failed check
	paged   int                              // calls of ListEntries
	listed  *governancev1.ListEntriesRequest // the last one

	onWatch   func()                              // called for each watch
	expires   int                                 // watches whose token expires
	watched   []*governancev1.WatchEntriesRequest // each stream's
	corrected *governancev1.CorrectEntryRequest   // the last one
	failAt    int                                 // the call of ListEntries that fails; 0: none
	witness   *auditlog.CosigningKey              // of the platform's log
	grown     bool                                // the server lists checkpoints and commits to heads; older ones do neither
}

const logSize = 11

func newAuditDouble(t *testing.T) *auditDouble {
	t.Helper()
	d := &auditDouble{key: signingKey(t, 1)}
	id, err := tenant.Parse(tenantID)
	if err != nil {
		t.Fatal(err)
	}
	d.origin = auditlog.Origin(originPrefix, id)
	for i := range logSize {
		d.append(t, auditlog.Entry{
			EntryID: uuid.MustParse(entryID(i)), TenantID: id, LeafIndex: int64(i),
			RecordedTime:  time.Date(2026, 11, 22, 10, 0, i, 0, time.UTC),
			EffectiveTime: time.Date(2026, 11, 22, 10, 0, i, 0, time.UTC),
			EventType:     "drift.detection", Action: "detection.run", Outcome: auditlog.Success,
			Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "analyst"}, Resource: auditlog.Resource{Type: "detection", ID: fmt.Sprintf("detection-%d", i)},
			SourceService: "drift", RequestID: "request-1", Details: map[string]any{"status": "DRIFT", "drifted_features": 7},
			Digests: []auditlog.Digest{{Name: "result", SHA256: [32]byte{1, 2, 3}}},
		})
	}
	return d
}

func entryID(i int) string { return fmt.Sprintf("0198c0de-1111-7000-8000-%012d", i) }

func signingKey(t *testing.T, seed byte) auditlog.SigningKey {
	t.Helper()
	raw := make([]byte, ed25519.SeedSize)
	raw[0] = seed
	keys, err := auditlog.ParseSigningKeys(base64.StdEncoding.EncodeToString(raw))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}

func (d *auditDouble) vkey(t *testing.T) string {
	t.Helper()
	vkey, err := d.key.VKey(d.origin)
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}

func (d *auditDouble) append(t *testing.T, e auditlog.Entry) {
	t.Helper()
	leaf, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	decoded := new(governancev1.AuditEntry)
	if err := proto.Unmarshal(leaf, decoded); err != nil {
		t.Fatal(err)
	}
	log := &governancev1.LogEntry{Entry: decoded, Leaf: leaf}
	for _, h := range d.tree.Append(nil, auditlog.LeafHash(leaf)) {
		d.stored = append(d.stored, h)
		log.StoredHashes = append(log.StoredHashes, append([]byte(nil), h[:]...))
	}
	d.entries = append(d.entries, log)
}

func (d *auditDouble) hashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		list[i] = d.stored[index]
	}
	return list, nil
}

func (d *auditDouble) checkpoint() (string, error) {
	signed, _, err := auditlog.Checkpoint{Origin: d.origin, Size: d.tree.Size(), Root: d.tree.Root()}.Sign(d.key)
	return signed, err
}

func (d *auditDouble) GetEntry(_ context.Context, req *governancev1.GetEntryRequest) (*governancev1.GetEntryResponse, error) {
	for i, e := range d.entries {
		if req.GetEntryId() == e.GetEntry().GetEntryId() || req.GetEntryId() == "" && req.GetLeafIndex() == int64(i) {
			return &governancev1.GetEntryResponse{Entry: e}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "entry not found")
}

// ListEntries returns pages of at most four entries, to see that pages are followed.
func (d *auditDouble) ListEntries(_ context.Context, req *governancev1.ListEntriesRequest) (*governancev1.ListEntriesResponse, error) {
	d.paged++
	d.listed = req
	if d.paged == d.failAt {
		return nil, refuse(codes.Internal, "INTERNAL", "internal error")
	}
	at := req.GetMinLeafIndex()
	if req.GetPageToken() != "" {
		if _, err := fmt.Sscan(req.GetPageToken(), &at); err != nil {
			return nil, refuse(codes.InvalidArgument, "INVALID_PAGE_TOKEN", "the page token is malformed")
		}
	}
	end := int64(len(d.entries))
	if d.short {
		end--
	}
	if req.GetNewestFirst() {
		return &governancev1.ListEntriesResponse{Entries: d.entries[end-int64(req.GetPageSize()) : end]}, nil
	}
	res := &governancev1.ListEntriesResponse{}
	for ; at < end && len(res.GetEntries()) < min(4, int(req.GetPageSize())); at++ {
		res.Entries = append(res.Entries, d.entries[at])
	}
	if at < end {
		res.NextPageToken = strconv.FormatInt(at, 10)
	}
	return res, nil
}

func (d *auditDouble) GetCheckpoint(context.Context, *governancev1.GetCheckpointRequest) (*governancev1.GetCheckpointResponse, error) {
	note, err := d.checkpoint()
	root := d.tree.Root()
	return &governancev1.GetCheckpointResponse{Checkpoint: &governancev1.Checkpoint{TreeSize: d.tree.Size(), RootHash: root[:], Note: note}}, err
}

func (d *auditDouble) GetReceipt(_ context.Context, req *governancev1.GetReceiptRequest) (*governancev1.GetReceiptResponse, error) {
	for i, e := range d.entries {
		if e.GetEntry().GetEntryId() != req.GetEntryId() {
			continue
		}
		hashes, err := tlog.ProveRecord(d.tree.Size(), int64(i), tlog.HashReaderFunc(d.hashes))
		if err != nil {
			return nil, err
		}
		note, err := d.checkpoint()
		leafHash := auditlog.LeafHash(e.GetLeaf())
		return &governancev1.GetReceiptResponse{
			Position: &governancev1.LogPosition{EntryId: req.GetEntryId(), LeafIndex: int64(i), LeafHash: leafHash[:], Position: int64(i) + 1},
			Receipt:  auditlog.NewReceipt(int64(i), leafHash, hashes, note),
		}, err
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "entry not found")
}

func (d *auditDouble) ListLogKeys(context.Context, *governancev1.ListLogKeysRequest) (*governancev1.ListLogKeysResponse, error) {
	vkey, err := d.key.VKey(d.origin)
	res := &governancev1.ListLogKeysResponse{Keys: []*governancev1.LogKey{{Origin: d.origin, Vkey: vkey}}}
	if d.grown && err == nil {
		vkey, err = d.key.VKey(platformOrigin)
		res.PlatformKeys = []*governancev1.LogKey{{Origin: platformOrigin, Vkey: vkey}}
	}
	return res, err
}

const (
	originPrefix   = "wall.example.com/log"
	platformOrigin = originPrefix + "/platform"
)

func (d *auditDouble) GetConsistencyProof(_ context.Context, req *governancev1.GetConsistencyProofRequest) (*governancev1.GetConsistencyProofResponse, error) {
	proof, err := tlog.ProveTree(req.GetSecondTreeSize(), req.GetFirstTreeSize(), tlog.HashReaderFunc(d.hashes))
	res := &governancev1.GetConsistencyProofResponse{FirstTreeSize: req.GetFirstTreeSize(), SecondTreeSize: req.GetSecondTreeSize()}
	for i := range proof {
		res.Hashes = append(res.Hashes, proof[i][:])
	}
	return res, err
}

// ListCheckpoints has one of every third size.
func (d *auditDouble) ListCheckpoints(_ context.Context, req *governancev1.ListCheckpointsRequest) (*governancev1.ListCheckpointsResponse, error) {
	if !d.grown {
		return d.UnimplementedAuditServiceServer.ListCheckpoints(context.Background(), req)
	}
	res := &governancev1.ListCheckpointsResponse{}
	for size := int64(len(d.entries)) / 3 * 3; size > 0; size -= 3 {
		root, err := tlog.TreeHash(size, tlog.HashReaderFunc(d.hashes))
		if err != nil {
			return nil, err
		}
		signed, _, err := auditlog.Checkpoint{Origin: d.origin, Size: size, Root: root}.Sign(d.key)
		if err != nil {
			return nil, err
		}
		res.Checkpoints = append(res.Checkpoints, &governancev1.Checkpoint{TreeSize: size, RootHash: root[:], Note: signed})
	}
	return res, nil
}

func (d *auditDouble) GetHeadCommitment(ctx context.Context, req *governancev1.GetHeadCommitmentRequest) (*governancev1.GetHeadCommitmentResponse, error) {
	if !d.grown {
		return d.UnimplementedAuditServiceServer.GetHeadCommitment(ctx, req)
	}
	res, err := d.GetCheckpoint(ctx, &governancev1.GetCheckpointRequest{})
	if err != nil {
		return nil, err
	}
	leaf, receipt, err := d.commit(res.GetCheckpoint().GetNote())
	return &governancev1.GetHeadCommitmentResponse{
		Commitment: &governancev1.HeadCommitment{Checkpoint: res.GetCheckpoint(), Leaf: leaf, Receipt: receipt},
	}, err
}

// commit makes a platform's log with one entry.
func (d *auditDouble) commit(signed string) (leaf []byte, receipt string, err error) {
	head, err := auditlog.Read(signed)
	if err != nil {
		return nil, "", err
	}
	_, id, err := auditlog.ParseOrigin(d.origin)
	if err != nil {
		return nil, "", err
	}
	e := auditlog.NewCommitment(id, head)
	e.RecordedTime = time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)
	if leaf, err = e.Marshal(); err != nil {
		return nil, "", err
	}
	hash := auditlog.LeafHash(leaf)
	note, _, err := auditlog.Checkpoint{Origin: platformOrigin, Size: 1, Root: hash}.Sign(d.key)
	if err == nil && d.witness != nil {
		var line string
		if line, err = d.witness.Cosign(note, e.RecordedTime); err == nil {
			note, err = auditlog.AddSignatures(note, line)
		}
	}
	return leaf, auditlog.NewReceipt(0, hash, nil, note), err
}
