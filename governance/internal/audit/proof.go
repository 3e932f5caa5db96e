package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Checkpoint returns a signed head of the log of the tenant in ctx. It covers every entry that was durable when it was called, on whichever replica.
// The platform log's carries the cosignatures that have come in.
func (w *Wall) Checkpoint(ctx context.Context) (auditlog.SignedHead, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return auditlog.SignedHead{}, errors.New("sign audit log: no tenant in context")
	}
	h, err := w.signer.demand(ctx, id)
	if err != nil {
		return auditlog.SignedHead{}, fmt.Errorf("sign audit log: %w", err)
	}
	if id == auditlog.PlatformTenant {
		return w.withCosignatures(ctx, h)
	}
	return h, nil
}

// Inclusion shows that an entry is in a tree (RFC 6962, section 2.1.1).
type Inclusion struct {
	LeafIndex int64
	TreeSize  int64
	LeafHash  tlog.Hash
	Hashes    tlog.RecordProof
	Root      tlog.Hash
}

// InclusionProof proves that the entry at an index is in the tree of a size; 0 stands for the newest checkpoint's.
func (w *Wall) InclusionProof(ctx context.Context, leafIndex, treeSize int64) (Inclusion, error) {
	p := Inclusion{LeafIndex: leafIndex, TreeSize: treeSize}
	if treeSize == 0 {
		head, err := w.Checkpoint(ctx)
		if err != nil {
			return Inclusion{}, err
		}
		p.TreeSize = head.Size
	}
	err := w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		switch size, err := StoredSize(ctx, tx, id); {
		case err != nil:
			return err
		case leafIndex >= size:
			return errs.ResourceNotFound("audit_entry", strconv.FormatInt(leafIndex, 10))
		case p.TreeSize > size:
			return beyondLog("tree_size", size)
		case leafIndex >= p.TreeSize:
			return errs.InvalidField("tree_size", "must be larger than leaf_index")
		}
		return p.prove(ctx, tx, id)
	})
	if err != nil {
		return Inclusion{}, err
	}
	return p, nil
}

// prove fills in the hashes and checks them: a proof that does not hold is not handed out.
func (p *Inclusion) prove(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
	err := withNodes(ctx, tx, id, func(r tlog.HashReader) error {
		leaf, err := r.ReadHashes([]int64{tlog.StoredHashIndex(0, p.LeafIndex)})
		if err != nil {
			return fmt.Errorf("prove inclusion: %w", err)
		}
		p.LeafHash = leaf[0]
		if p.Root, err = tlog.TreeHash(p.TreeSize, r); err != nil {
			return fmt.Errorf("prove inclusion: %w", err)
		}
		if p.Hashes, err = tlog.ProveRecord(p.TreeSize, p.LeafIndex, r); err != nil {
			return fmt.Errorf("prove inclusion: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if tlog.CheckRecord(p.Hashes, p.TreeSize, p.Root, p.LeafIndex, p.LeafHash) != nil {
		return inconsistent("the stored hashes do not lead from entry %d of %s to the root of %d entries", p.LeafIndex, id, p.TreeSize)
	}
	return nil
}

// Consistency shows that one tree is a prefix of another (RFC 6962, section 2.1.2).
type Consistency struct {
	FirstSize, SecondSize int64
	FirstRoot, SecondRoot tlog.Hash
	Hashes                tlog.TreeProof
}

// ConsistencyProof proves that the tree of the first size, at least 1, is a prefix of the tree of the second; 0 stands for the newest checkpoint's.
func (w *Wall) ConsistencyProof(ctx context.Context, first, second int64) (Consistency, error) {
	p := Consistency{FirstSize: first, SecondSize: second}
	if second == 0 {
		head, err := w.Checkpoint(ctx)
		if err != nil {
			return Consistency{}, err
		}
		p.SecondSize = head.Size
	}
	err := w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		switch size, err := StoredSize(ctx, tx, id); {
		case err != nil:
			return err
		case p.FirstSize > size:
			return beyondLog("first_tree_size", size)
		case p.SecondSize > size:
			return beyondLog("second_tree_size", size)
		case p.FirstSize > p.SecondSize:
			return errs.InvalidField("first_tree_size", "must not be larger than second_tree_size")
		}
		return p.prove(ctx, tx, id)
	})
	if err != nil {
		return Consistency{}, err
	}
	return p, nil
}

func (p *Consistency) prove(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
	err := withNodes(ctx, tx, id, func(r tlog.HashReader) (err error) {
		if p.FirstRoot, err = tlog.TreeHash(p.FirstSize, r); err != nil {
			return fmt.Errorf("prove consistency: %w", err)
		}
		if p.SecondRoot, err = tlog.TreeHash(p.SecondSize, r); err != nil {
			return fmt.Errorf("prove consistency: %w", err)
		}
		if p.Hashes, err = tlog.ProveTree(p.SecondSize, p.FirstSize, r); err != nil {
			return fmt.Errorf("prove consistency: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if tlog.CheckTree(p.Hashes, p.SecondSize, p.SecondRoot, p.FirstSize, p.FirstRoot) != nil {
		return inconsistent("the stored hashes of %s do not lead from %d entries to %d", id, p.FirstSize, p.SecondSize)
	}
	return nil
}

// Receipt returns an entry's receipt in the format of c2sp.org/tlog-proof, with a checkpoint that covers the entry.
func (w *Wall) Receipt(ctx context.Context, entryID uuid.UUID) (string, Position, error) {
	e, err := w.Get(ctx, entryID)
	if err != nil {
		return "", Position{}, err
	}
	head, err := w.Checkpoint(ctx)
	if err != nil {
		return "", Position{}, err
	}
	text, err := w.receipt(ctx, e, head)
	if err != nil {
		return "", Position{}, err
	}
	return text, Position{EntryID: entryID, LeafIndex: e.LeafIndex, LeafHash: auditlog.LeafHash(e.Leaf)}, nil
}

// receipt proves that an entry is covered by a signed head of the log of the tenant in ctx.
func (w *Wall) receipt(ctx context.Context, e LogEntry, head auditlog.SignedHead) (string, error) {
	leafHash := auditlog.LeafHash(e.Leaf)
	p := Inclusion{LeafIndex: e.LeafIndex, TreeSize: head.Size}
	if e.LeafIndex >= head.Size {
		return "", inconsistent("entry %d lies beyond the log's %d entries", e.LeafIndex, head.Size)
	}
	if err := w.read(ctx, p.prove); err != nil {
		return "", err
	}
	if p.LeafHash != leafHash || p.Root != head.Root {
		return "", inconsistent("entry %d is not the one that the signed head covers", e.LeafIndex)
	}
	return auditlog.NewReceipt(p.LeafIndex, leafHash, p.Hashes, head.Note), nil
}

// LogKey is a public key that signs a log's checkpoints.
type LogKey struct {
	Origin string
	// VKey is the key in the verifier format of c2sp.org/signed-note.
	VKey string
}

// PlatformKeys returns the keys that sign the platform's log, the preferred one first.
func (w *Wall) PlatformKeys() ([]LogKey, error) { return w.logKeys(auditlog.PlatformTenant) }

// Keys returns the keys that sign the checkpoints of the tenant in ctx, the preferred one first.
func (w *Wall) Keys(ctx context.Context) ([]LogKey, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return nil, errors.New("list log keys: no tenant in context")
	}
	return w.logKeys(id)
}

func (w *Wall) logKeys(id tenant.ID) ([]LogKey, error) {
	vkeys, err := w.signer.vkeys(id)
	if err != nil {
		return nil, err
	}
	keys := make([]LogKey, len(vkeys))
	for i, vkey := range vkeys {
		keys[i] = LogKey{Origin: w.origin(id), VKey: vkey}
	}
	return keys, nil
}

func (w *Wall) origin(id tenant.ID) string { return auditlog.Origin(w.cfg.OriginPrefix, id) }

func beyondLog(field string, size int64) error {
	return errs.New(errs.InvalidArgument, errs.ReasonTreeSizeBeyondLog, "the log has %d entries", size).
		Field(field, "must be at most %d", size).With("size", strconv.FormatInt(size, 10))
}
