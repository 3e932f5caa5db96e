package walldb

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	entriesAtOnce = 500 // an entry may have 60 KB
	headsAtOnce   = 1000
)

// Log says which log to verify.
type Log struct {
	// Origin is the log's origin; "" takes that of its newest checkpoint.
	Origin   string
	TenantID tenant.ID
	// Committed demands every head of it that the platform's log commits to, which must have been verified before.
	Committed bool
}

// Verify reads a log and verifies all of it: the columns against the entries, the tree, and the signature and root of every stored checkpoint.
// Entries after the newest checkpoint, with a policy after the newest that it accepts, are those that have not been signed, or witnessed, yet.
func (s *Snapshot) Verify(ctx context.Context, log Log, opts auditlog.Options) (auditlog.Report, error) {
	end, broken, err := s.end(ctx, log.TenantID, opts.Policy)
	if err != nil {
		return auditlog.Report{}, err
	}
	c, _ := auditlog.Read(end) // what is wrong with it, the verifier says
	if log.Origin == "" {
		log.Origin = c.Origin
	}
	opts.UnsignedTail = true
	v := auditlog.NewVerifier(auditlog.LogStart{Origin: log.Origin, TenantID: log.TenantID.String(), Signed: c.Size}, opts)
	if broken != nil {
		v.Malformed("%v", broken)
	}
	heads, done, err := s.heads(ctx, v, log)
	if err != nil {
		return auditlog.Report{}, err
	}
	entries, err := declare(ctx, s, log.TenantID, entriesAtOnce, scanEntry, selectEntries)
	if err != nil {
		return auditlog.Report{}, err
	}
	platform := log.TenantID == auditlog.PlatformTenant
	if platform {
		s.named = map[tenant.ID]*commitments{}
	}
	var hashes [][]byte
	for {
		row, err := entries.peek(ctx)
		if err != nil {
			return auditlog.Report{}, err
		}
		if err := expect(v, heads, row == nil); err != nil {
			return auditlog.Report{}, err
		}
		if row == nil {
			break
		}
		r := row.auditRow(hashes[:0])
		v.Add(r)
		if platform {
			s.name(row)
		}
		hashes = r.StoredHashes
		entries.next()
	}
	if err := errors.Join(entries.close(ctx), done()); err != nil {
		return auditlog.Report{}, err
	}
	return v.Conclude(auditlog.LogEnd{Checkpoint: end}), nil
}

// heads opens the heads that the log must have.
func (s *Snapshot) heads(ctx context.Context, v *auditlog.Verifier, log Log) (list []headStream, done func() error, err error) {
	stored, err := declare(ctx, s, log.TenantID, headsAtOnce, scanCheckpoint, selectCheckpoints)
	if err != nil {
		return nil, nil, err
	}
	list = []headStream{&storedHeads{ctx: ctx, v: v, rows: stored}}
	done = func() error { return stored.close(ctx) }
	if !log.Committed {
		return list, done, nil
	}
	if s.named == nil {
		return nil, nil, errors.New("read the platform's commitments: its log was not read")
	}
	committed, err := declare(ctx, s, auditlog.PlatformTenant, headsAtOnce, pgx.RowTo[[]byte], selectCommitments, auditlog.ResourceLog, log.TenantID.String())
	if err != nil {
		return nil, nil, err
	}
	list = append(list, &committedHeads{ctx: ctx, v: v, log: log, rows: committed, all: s.named[log.TenantID]})
	return list, func() error { return errors.Join(stored.close(ctx), committed.close(ctx)) }, nil
}

// lookAhead is how many commitments are put in order: replicas commit to heads of one log nearly in the order of their sizes.
const lookAhead = 1000

// lookBack is how many checkpoints are searched for one that a policy accepts: the newest may be too young for the witnesses.
const lookBack = 1000

// end returns the checkpoint that the log is judged by: the newest, or with a policy the newest that it accepts, if any. One with a cosignature that
// does not verify is returned at once: the platform keeps none such. broken says of a cosignature that it is none.
func (s *Snapshot) end(ctx context.Context, id tenant.ID, policy *auditlog.Policy) (newest string, broken, err error) {
	limit := 1
	if policy != nil {
		limit = lookBack
	}
	rows, err := declare(ctx, s, id, limit, scanWitnessed, selectWitnessed)
	if err != nil {
		return "", nil, err
	}
	for range limit {
		row, err := rows.peek(ctx)
		if err != nil {
			return "", nil, err
		}
		if row == nil {
			break
		}
		signed, err := auditlog.AddSignatures(row.note, row.cosignatures...)
		if err != nil {
			broken = fmt.Errorf("a stored cosignature: %w", err)
			signed = row.note // the verifier says what is wrong with it, if it is that
		}
		if newest == "" {
			newest = signed
		}
		if policy != nil {
			_, ok, err := policy.Satisfied(signed)
			if ok && err == nil || errors.Is(err, auditlog.ErrBadSignature) {
				newest = signed
				break
			}
		}
		rows.next()
	}
	return newest, broken, rows.close(ctx)
}

const selectWitnessed = `
	SELECT c.note, ARRAY(
		SELECT w.line
		FROM public.gov_audit_cosignatures AS w
		WHERE w.tenant_id = c.tenant_id AND w.tree_size = c.tree_size AND w.root_hash = c.root_hash
		ORDER BY w.key_name, w.key_id
	)
	FROM public.gov_audit_checkpoints AS c
	WHERE c.tenant_id = $1
	ORDER BY c.tree_size DESC`

type witnessedRow struct {
	note         string
	cosignatures []string
}

func scanWitnessed(row pgx.CollectableRow) (r witnessedRow, err error) {
	err = row.Scan(&r.note, &r.cosignatures)
	return r, err
}
