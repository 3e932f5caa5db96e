package walldb

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// commitments sum up what the platform's log says of one log: the entries that commit to its heads, in their order. The platform's log is read as a
// whole, which its root proves; what is asked for by log afterwards must add up to the same, for nothing else proves that it is all there is. An index that
// lacks rows, or a policy that hides them from some questions, would otherwise hide a log that was dropped.
type commitments struct {
	count int64
	sum   [sha256.Size]byte
}

// add appends an entry's leaf.
func (c *commitments) add(leaf []byte) {
	c.count++
	hash := auditlog.LeafHash(leaf)
	c.sum = sha256.Sum256(append(c.sum[:], hash[:]...))
}

// name notes an entry of the platform's log. Where its columns are not what the leaf says, verifying that log says so.
func (s *Snapshot) name(row *entryRow) {
	if row.columns.ResourceType != auditlog.ResourceLog || row.columns.EventType != auditlog.EventHeadCommitted {
		return
	}
	id, err := tenant.Parse(row.columns.ResourceID)
	if err != nil || id.String() != row.columns.ResourceID {
		return // verifying the log that it commits to would find nothing under that name
	}
	named := s.named[id]
	if named == nil {
		named = new(commitments)
		s.named[id] = named
	}
	named.add(row.leaf)
}

// Logs calls each with every tenant whose log the platform's log commits to, in the order of their ids. That log must have been verified before.
func (s *Snapshot) Logs(_ context.Context, each func(tenant.ID) error) error {
	if s.named == nil {
		return errors.New("list logs: the platform's log was not read")
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.named), func(a, b tenant.ID) int { return slices.Compare(a[:], b[:]) }) {
		if err := each(id); err != nil {
			return err
		}
	}
	return nil
}
