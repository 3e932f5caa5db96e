package walldb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

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

// headStream gives heads in ascending order of their size; ok is false after the last.
type headStream interface {
	peek() (h auditlog.Head, ok bool, err error)
	next()
}

// expect tells the verifier of the heads that the tree has come to. At the end, of those that lie beyond, the largest says it all.
func expect(v *auditlog.Verifier, streams []headStream, last bool) error {
	for _, heads := range streams {
		var beyond *auditlog.Head
		for {
			h, ok, err := heads.peek()
			if err != nil {
				return err
			}
			if !ok || !last && h.Size > v.Size() {
				break
			}
			if h.Size <= v.Size() {
				v.Expect(h)
			} else if beyond == nil || h.Size > beyond.Size {
				beyond = &h
			}
			heads.next()
		}
		if beyond != nil {
			v.Expect(*beyond)
		}
	}
	return nil
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

// storedHeads are the checkpoints of the table.
type storedHeads struct {
	ctx  context.Context // of the one verification that it serves
	v    *auditlog.Verifier
	rows *cursor[checkpointRow]
	head *auditlog.Head
}

func (s *storedHeads) peek() (auditlog.Head, bool, error) {
	for s.head == nil {
		row, err := s.rows.peek(s.ctx)
		if err != nil || row == nil {
			return auditlog.Head{}, false, err
		}
		h, ok := s.v.StoredCheckpoint(row.note)
		switch {
		case !ok: // there is a finding that says why
			s.rows.next()
			continue
		case h.Size != row.size || string(h.Root[:]) != string(row.root):
			s.v.Malformed("the columns of the stored checkpoint of size %d say something else than its note", row.size)
			if len(row.root) == tlog.HashSize {
				h.Size, h.Root = row.size, tlog.Hash(row.root) // in the order of the rows; the finding is there
			}
		}
		s.head = &h
	}
	return *s.head, true, nil
}

func (s *storedHeads) next() {
	s.head = nil
	s.rows.next()
}

// lookAhead is how many commitments are put in order: replicas commit to heads of one log nearly in the order of their sizes.
const lookAhead = 1000

// committedHeads are what the platform's log commits to.
type committedHeads struct {
	ctx   context.Context // of the one verification that it serves
	v     *auditlog.Verifier
	log   Log
	rows  *cursor[[]byte]
	ahead []auditlog.Head // by size

	all  *commitments // nil for none
	read commitments
	done bool
}

func (c *committedHeads) peek() (auditlog.Head, bool, error) {
	for len(c.ahead) < lookAhead {
		leaf, err := c.rows.peek(c.ctx)
		if err != nil {
			return auditlog.Head{}, false, err
		}
		if leaf == nil {
			c.compare()
			break
		}
		c.rows.next()
		e, err := auditlog.Unmarshal(*leaf)
		if e.EventType == auditlog.EventHeadCommitted {
			c.read.add(*leaf)
		}
		if err != nil || e.EventType != auditlog.EventHeadCommitted {
			continue // verifying the platform's log said so, or it is another event about the log
		}
		id, head, err := auditlog.ReadCommitment(e)
		switch {
		case err != nil:
			c.v.Malformed("entry %d of the platform's log: %v", e.LeafIndex, err)
			continue
		case id != c.log.TenantID || head.Origin != c.log.Origin:
			c.v.Malformed("entry %d of the platform's log commits to a head of %q", e.LeafIndex, head.Origin)
			continue
		}
		h := auditlog.Head{Source: auditlog.CommittedHead, Size: head.Size, Root: head.Root}
		at, _ := slices.BinarySearchFunc(c.ahead, h.Size, func(h auditlog.Head, size int64) int { return cmp.Compare(h.Size, size) })
		c.ahead = slices.Insert(c.ahead, at, h)
	}
	if len(c.ahead) == 0 {
		return auditlog.Head{}, false, nil
	}
	return c.ahead[0], true, nil
}

// compare sees to it that these are all the commitments that the platform's log has.
func (c *committedHeads) compare() {
	var all commitments
	if c.all != nil {
		all = *c.all
	}
	if !c.done && c.read != all {
		c.v.Malformed("asked for what it commits to of this log, the platform's log has other commitments (%d) than as a whole (%d)", c.read.count, all.count)
	}
	c.done = true
}

func (c *committedHeads) next() { c.ahead = c.ahead[1:] }

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
