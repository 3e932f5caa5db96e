package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// sign returns a signed head of the log as it is now. It refuses with LOG_INCONSISTENT, and goes on refusing, when the log does not contain the head
// that this replica signed last.
func (s *signer) sign(ctx context.Context, id tenant.ID) (auditlog.SignedHead, error) {
	last, err := s.lastHead(ctx, id)
	if err != nil {
		return auditlog.SignedHead{}, postgres.Translate(err)
	}
	size, err := StoredSize(ctx, s.pool, id) // after the last head, which another replica may just have stored
	if err != nil {
		return auditlog.SignedHead{}, postgres.Translate(err)
	}
	origin := s.origin(id)
	switch {
	case last.signed && last.Checkpoint.Origin != origin:
		return auditlog.SignedHead{}, fmt.Errorf("sign log of %s: its origin was %q and is now %q: the origin prefix must not change",
			id, last.Checkpoint.Origin, origin)
	case last.signed && size < last.Checkpoint.Size:
		return auditlog.SignedHead{}, inconsistent("the log of %s has %d entries, a head of %d was signed", id, size, last.Checkpoint.Size)
	case size == 0: // every log begins like this: there is nothing to remember
		return s.seal(auditlog.Checkpoint{Origin: origin, Root: emptyRoot()})
	}
	if size, err = s.announceChange(ctx, id, last, size); err != nil {
		return auditlog.SignedHead{}, postgres.Translate(err)
	}
	head := auditlog.Checkpoint{Origin: origin, Size: size}
	if head.Root, err = s.prove(ctx, id, size, last.Checkpoint); err != nil {
		return auditlog.SignedHead{}, postgres.Translate(err)
	}
	signed := last.SignedHead
	if !last.signed || last.Checkpoint.Size < size || !s.signedByAll(signed) {
		if signed, err = s.seal(head); err != nil {
			return auditlog.SignedHead{}, err
		}
		if err := s.heads.Add(id, signed); err != nil {
			return auditlog.SignedHead{}, err
		}
		s.metrics.signed.Inc()
		s.toBeCommitted(id, signed)
		s.publish(id, signed)
	}
	if err := s.store(ctx, id, signed); err != nil {
		return auditlog.SignedHead{}, postgres.Translate(err)
	}
	return signed, nil
}

// prove computes the root of a log from its stored hashes and checks that the log contains an earlier head.
func (s *signer) prove(ctx context.Context, id tenant.ID, size int64, earlier auditlog.Checkpoint) (root tlog.Hash, err error) {
	var proof tlog.TreeProof
	err = withNodes(ctx, s.pool, id, func(r tlog.HashReader) (err error) {
		if root, err = tlog.TreeHash(size, r); err == nil && earlier.Size > 0 {
			proof, err = tlog.ProveTree(size, earlier.Size, r)
		}
		return err
	})
	if err != nil {
		return tlog.Hash{}, err
	}
	if earlier.Size > 0 && tlog.CheckTree(proof, size, root, earlier.Size, earlier.Root) != nil {
		return tlog.Hash{}, inconsistent("the log of %s with %d entries does not contain the signed head of %d", id, size, earlier.Size)
	}
	return root, nil
}

// seal signs a head.
func (s *signer) seal(c auditlog.Checkpoint) (auditlog.SignedHead, error) {
	note, keyIDs, err := c.Sign(s.keys...)
	if err != nil {
		return auditlog.SignedHead{}, err
	}
	return auditlog.SignedHead{Checkpoint: c, Note: note, KeyIDs: keyIDs, SignedTime: positionTime(time.Now())}, nil
}

// signedByAll reports whether all present keys signed a head: when keys rotate, the last head is signed again.
func (s *signer) signedByAll(h auditlog.SignedHead) bool {
	_, keyIDs, err := h.Checkpoint.Sign(s.keys...)
	return err == nil && slices.Equal(keyIDs, h.KeyIDs)
}

// store puts a checkpoint into the database, for readers. Another replica may have put the same head there; a different one would mean that two
// histories are in use.
func (s *signer) store(ctx context.Context, id tenant.ID, h auditlog.SignedHead) error {
	args := pgx.NamedArgs{
		"tenant_id": [16]byte(id), "tree_size": h.Checkpoint.Size, "root_hash": h.Checkpoint.Root[:], "note": h.Note, "key_ids": h.KeyIDs,
		"created_at": h.SignedTime,
	}
	tag, err := s.pool.Exec(ctx, `
		INSERT INTO public.gov_audit_checkpoints (tenant_id, tree_size, root_hash, note, key_ids, created_at)
		VALUES (@tenant_id, @tree_size, @root_hash, @note, @key_ids, @created_at)
		ON CONFLICT (tenant_id, tree_size) DO NOTHING`, args)
	if err != nil {
		return fmt.Errorf("store checkpoint: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return nil
	}
	var root []byte
	err = s.pool.QueryRow(ctx, `
		SELECT root_hash
		FROM public.gov_audit_checkpoints
		WHERE tenant_id = @tenant_id AND tree_size = @tree_size`, args).Scan(&root)
	if err != nil {
		return fmt.Errorf("compare checkpoint: %w", err)
	}
	if !slices.Equal(root, h.Checkpoint.Root[:]) {
		return inconsistent("another head of %s with %d entries is in the database", id, h.Checkpoint.Size)
	}
	return nil
}

func emptyRoot() tlog.Hash {
	var empty auditlog.Range
	return empty.Root()
}
