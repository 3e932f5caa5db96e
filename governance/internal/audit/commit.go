package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// commitAtOnce is how many commitments wait for the sequencer at the same time, which writes them as one batch.
const commitAtOnce = 256

// Commitment shows that a head of a tenant's log stands on the platform's log.
type Commitment struct {
	// Head is the tenant's head.
	Head auditlog.SignedHead
	// Leaf is the platform log's entry that commits to it, as its Merkle leaf.
	Leaf []byte
	// Receipt is that entry's receipt (c2sp.org/tlog-proof), with the cosignatures of a quorum of witnesses when they came in time.
	Receipt string
}

// HeadCommitment commits to the head of the log of the tenant in ctx, which covers every entry that was durable when it was called, and proves
// it. It fails with NOT_FOUND while the log has no entries, and for the platform's own log, which is not committed to itself.
func (w *Wall) HeadCommitment(ctx context.Context) (Commitment, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return Commitment{}, errors.New("commit to audit log: no tenant in context")
	}
	if err := RefusePlatform(id); err != nil {
		return Commitment{}, err
	}
	head, platform, err := w.signer.committed(ctx, id)
	if err != nil {
		return Commitment{}, fmt.Errorf("commit to audit log: %w", err)
	}
	c := Commitment{Head: head}
	ctx = tenant.NewContext(ctx, auditlog.PlatformTenant)
	if platform, err = w.witnessed(ctx, platform); err != nil {
		return Commitment{}, err
	}
	e, err := w.Get(ctx, auditlog.CommitmentID(id, head.Checkpoint))
	if err != nil {
		return Commitment{}, err
	}
	c.Leaf = e.Leaf
	c.Receipt, err = w.receipt(ctx, e, platform)
	return c, err
}

// toCommit returns the heads that a round commits to: those that somebody waits for and, in a full round, all that are not on the platform's log.
// A log that is signed more often than full rounds come is committed to with the newest head, which contains the others.
func (s *signer) toCommit(round map[tenant.ID]*demand, full bool) map[tenant.ID]auditlog.SignedHead {
	s.mu.Lock()
	defer s.mu.Unlock()
	heads := map[tenant.ID]auditlog.SignedHead{}
	if full {
		maps.Copy(heads, s.uncommitted)
	}
	for id, d := range round {
		if d.commit && d.err == nil && d.head.Size > 0 {
			heads[id] = d.head
		}
	}
	return heads
}

// toBeCommitted notes a newly signed head.
func (s *signer) toBeCommitted(id tenant.ID, h auditlog.SignedHead) {
	if id == auditlog.PlatformTenant {
		return // it is not committed to itself
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncommitted[id] = h
}

// commit puts heads on the platform's log and returns what went wrong. What is there already stays the only one.
func (s *signer) commit(ctx context.Context, heads map[tenant.ID]auditlog.SignedHead) map[tenant.ID]error {
	failed := map[tenant.ID]error{}
	if len(heads) == 0 {
		return failed
	}
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	missing, err := s.missing(ctx, heads)
	if err == nil {
		err = s.announcePlatform(ctx)
	}
	if err != nil {
		for id := range heads {
			failed[id] = err
		}
		s.commitFailed(ctx, failed)
		return failed
	}
	var g errgroup.Group
	g.SetLimit(commitAtOnce)
	var mu sync.Mutex
	for id, h := range missing {
		g.Go(func() error {
			_, err := s.record(ctx, auditlog.NewCommitment(id, h.Checkpoint))
			if err == nil {
				s.metrics.committed.Inc()
				return nil
			}
			if errs.ReasonOf(err) != errs.ReasonEntryIDReused { // a commitment to this head that another version of the service worded
				mu.Lock()
				defer mu.Unlock()
				failed[id] = err
			}
			return nil
		})
	}
	_ = g.Wait() // failures are collected
	s.mu.Lock()
	for id, h := range heads {
		if failed[id] == nil && s.uncommitted[id].Size <= h.Size {
			delete(s.uncommitted, id)
		}
	}
	s.mu.Unlock()
	s.commitFailed(ctx, failed)
	return failed
}

// commitFailed reports heads that are not on the platform's log. They are tried again in every full round.
func (s *signer) commitFailed(ctx context.Context, failed map[tenant.ID]error) {
	for id, err := range failed {
		s.metrics.commitFailures.Add(float64(len(failed)))
		s.log.LogAttrs(ctx, slog.LevelWarn, "cannot commit to heads of audit logs", slog.Int("logs", len(failed)),
			slog.String("tenant_id", id.String()), slog.Any("error", err))
		return // one stands for all: their cause is nearly always the same
	}
}

// missing returns those of the heads that the platform's log does not commit to.
func (s *signer) missing(ctx context.Context, heads map[tenant.ID]auditlog.SignedHead) (map[tenant.ID]auditlog.SignedHead, error) {
	entries := make(map[uuid.UUID]tenant.ID, len(heads))
	asked := make([][16]byte, 0, len(heads))
	for id, h := range heads {
		entry := auditlog.CommitmentID(id, h.Checkpoint)
		entries[entry] = id
		asked = append(asked, entry)
	}
	missing := make(map[tenant.ID]auditlog.SignedHead, len(heads))
	for part := range slices.Chunk(asked, maxRecent) {
		rows, err := s.pool.Query(ctx, `
			SELECT asked.entry_id
			FROM unnest(@entries::uuid[]) AS asked (entry_id)
			WHERE NOT EXISTS (
				SELECT 1
				FROM public.gov_audit_trail_entries AS e
				WHERE e.tenant_id = @tenant_id AND e.entry_id = asked.entry_id
			)`, pgx.NamedArgs{"tenant_id": [16]byte(auditlog.PlatformTenant), "entries": part})
		if err != nil {
			return nil, postgres.Translate(fmt.Errorf("look up commitments: %w", err))
		}
		var entry [16]byte
		_, err = pgx.ForEachRow(rows, []any{&entry}, func() error {
			id := entries[entry]
			missing[id] = heads[id]
			return nil
		})
		if err != nil {
			return nil, postgres.Translate(fmt.Errorf("look up commitments: %w", err))
		}
	}
	return missing, nil
}
