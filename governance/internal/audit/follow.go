package audit

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Piece is what somebody reads at once who goes through a log: the entries that match a filter, of all from where it begins to before End.
type Piece struct {
	// Count is how many match.
	Count int
	End   int64
	// Size is the number of entries that the log had.
	Size int64
	// Before and Last are the leaf hashes of the entry before the piece and of its last entry, nil where there is none. They tell who comes back whether
	// the log is the same.
	Before, Last []byte

	read  []Scanned // from the database, or
	known known     // from memory, where they are among others:
	kind  string    // their event type
}

// Entries are those that match, in order, each until the next: who counts thousands of them needs no room for more than one.
func (p *Piece) Entries() iter.Seq2[*Scanned, error] {
	if p.kind != "" {
		return p.known.entries(p.kind)
	}
	return func(yield func(*Scanned, error) bool) {
		for i := range p.read {
			if !yield(&p.read[i], nil) {
				return
			}
		}
	}
}

// Follow reads the next piece of the log of the tenant in ctx, from the filter's MinIndex: at most limit entries that match, and fewer when they are large.
// Others between them cost little, however many there are. An entry that has been altered is an error, LOG_INCONSISTENT.
//
// What this replica has just written is not read back. The size of the log and the ends of the piece are the database's all the same: a log that was restored
// has another entry where this replica wrote the piece's last one, or none, since every leaf says when it was recorded and as what.
func (w *Wall) Follow(ctx context.Context, f Filter, limit int) (p Piece, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) (err error) {
		p = Piece{End: f.MinIndex}
		if p.Size, err = StoredSize(ctx, tx, id); err != nil || p.Size == f.MinIndex {
			return err
		}
		if known, ok := w.sequencer.tails.follow(id, f, limit, p.Size); ok {
			wrote := known.Last
			if err := known.readEnds(ctx, tx, id, f.MinIndex); err != nil {
				return err
			}
			if bytes.Equal(wrote, known.Last) {
				p = known
				return nil
			}
		}
		return p.scan(ctx, tx, id, f, limit)
	})
	return p, err
}

// scan reads the piece of a log of its size.
func (p *Piece) scan(ctx context.Context, tx pgx.Tx, id tenant.ID, f Filter, limit int) error {
	begin := f.MinIndex
	f.EndIndex = min(p.Size, begin+narrowRange)
	s, err := f.read(ctx, tx, id, -1, limit)
	if err == nil && len(s.Entries) == 0 && f.EndIndex < p.Size {
		f.EndIndex = p.Size
		s, err = f.read(ctx, tx, id, -1, limit)
	}
	if err != nil {
		return err
	}
	p.read, p.Count, p.End = s.Entries, len(s.Entries), max(f.EndIndex, begin)
	if s.More {
		p.End = s.Entries[len(s.Entries)-1].LeafIndex + 1
	}
	return p.readEnds(ctx, tx, id, begin)
}

// readEnds reads the hashes of the piece, which begins there.
func (p *Piece) readEnds(ctx context.Context, tx pgx.Tx, id tenant.ID, begin int64) error {
	p.Before, p.Last = nil, nil
	rows, err := tx.Query(ctx, `
		SELECT leaf_index, entry, substring(hashes FOR 32) AS leaf_hash
		FROM public.gov_audit_trail_entries
		WHERE tenant_id = @tenant_id AND leaf_index = ANY (@indexes)`,
		pgx.NamedArgs{"tenant_id": [16]byte(id), "indexes": []int64{begin - 1, p.End - 1}})
	if err != nil {
		return fmt.Errorf("scan audit entries: %w", err)
	}
	defer rows.Close()
	var ends Scan
	if err := ends.collect(rows, id, 2); err != nil {
		return err
	}
	for i := range ends.Entries {
		e := &ends.Entries[i]
		if e.LeafIndex == begin-1 {
			p.Before = e.LeafHash[:]
		}
		if e.LeafIndex == p.End-1 {
			p.Last = e.LeafHash[:]
		}
	}
	return nil
}
