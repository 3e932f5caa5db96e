package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// eventKeysChanged is the event type of the entries that announce which keys sign a log from now on.
	eventKeysChanged = "audit.keys_changed"
	actionRotate     = "audit.rotate_keys"
)

// announceChange puts the present keys on a log before its first head that they sign, and returns the log's size then.
func (s *signer) announceChange(ctx context.Context, id tenant.ID, last knownHead, size int64) (int64, error) {
	if id == auditlog.PlatformTenant {
		if s.announced {
			return size, nil
		}
		if err := s.announcePlatform(ctx); err != nil {
			return 0, err
		}
		return StoredSize(ctx, s.pool, id)
	}
	if len(last.keyIDs) == 0 {
		return size, nil
	}
	present, err := s.vkeys(id)
	if err != nil || sameSet(s.keyNames(id, last.keyIDs), present) {
		return size, err
	}
	if err := s.announce(ctx, id, last.keyIDs); err != nil {
		return 0, err
	}
	return StoredSize(ctx, s.pool, id)
}

// announcePlatform makes sure that the platform's log says which keys sign it, from its beginning on.
func (s *signer) announcePlatform(ctx context.Context) error {
	if s.announced {
		return nil
	}
	last, err := s.lastHead(ctx, auditlog.PlatformTenant)
	if err == nil {
		err = s.announce(ctx, auditlog.PlatformTenant, last.keyIDs)
	}
	s.announced = err == nil
	return err
}

// announce puts the present keys on a log whose last head was signed by others, unless the newest announcement there names the same. Replicas that
// come to use the same keys write one entry: its id depends on the announcement before and on the keys alone.
func (s *signer) announce(ctx context.Context, id tenant.ID, signedBy []string) error {
	present, err := s.vkeys(id)
	if err != nil {
		return err
	}
	before, previous, err := s.announcedKeys(ctx, id)
	if err != nil {
		return err
	}
	if before != uuid.Nil && sameSet(previous, present) {
		return nil
	}
	if before == uuid.Nil {
		previous = s.keyNames(id, signedBy)
	}
	_, err = s.record(ctx, auditlog.NewPlatformEntry(announcementID(id, before, present), id, eventKeysChanged, actionRotate, id, map[string]any{
		"present": texts(present), "added": texts(without(present, previous)), "removed": texts(without(previous, present)),
	}))
	if errs.ReasonOf(err) == errs.ReasonEntryIDReused { // another replica knew more or less of the keys before; the present ones are the same
		return nil
	}
	if err != nil {
		return fmt.Errorf("announce keys: %w", err)
	}
	return nil
}

func announcementID(id tenant.ID, before uuid.UUID, present []string) uuid.UUID {
	sorted := slices.Sorted(slices.Values(present))
	return uuid.NewSHA1(uuid.UUID(auditlog.PlatformTenant), fmt.Appendf(nil, "%s %s %s %s", eventKeysChanged, id, before, strings.Join(sorted, " ")))
}

// vkeys returns the present keys under a log's origin.
func (s *signer) vkeys(id tenant.ID) ([]string, error) {
	return auditlog.VKeys(s.origin(id), s.keys...)
}

// keyNames returns what a head says of the keys that signed it: the beginnings of their vkeys.
func (s *signer) keyNames(id tenant.ID, keyIDs []string) []string {
	names := make([]string, len(keyIDs))
	for i, keyID := range keyIDs {
		names[i] = s.origin(id) + "+" + keyID
	}
	return names
}

// keyName is the beginning of a vkey that names the key: "origin+hash".
func keyName(vkey string) string {
	name, rest, _ := strings.Cut(vkey, "+")
	hash, _, _ := strings.Cut(rest, "+")
	return name + "+" + hash
}

// without returns the keys of a that b does not name.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(vkey string) bool {
		return slices.ContainsFunc(b, func(other string) bool { return keyName(other) == keyName(vkey) })
	})
}

func sameSet(a, b []string) bool { return len(without(a, b)) == 0 && len(without(b, a)) == 0 }

func texts(list []string) []any {
	values := make([]any, len(list))
	for i, text := range list {
		values[i] = text
	}
	return values
}

// announcedKeys returns the newest announcement's entry id and the keys that it names; the nil id when there is none.
func (w *Wall) announcedKeys(ctx context.Context, id tenant.ID) (entry uuid.UUID, present []string, err error) {
	err = w.read(tenant.NewContext(ctx, id), func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		where, args := Filter{EventType: eventKeysChanged, NewestFirst: true}.conditions(id, -1)
		args["limit"] = 1
		rows, err := tx.Query(ctx, `
			SELECT entry
			FROM public.gov_audit_trail_entries
			WHERE `+where+`
			ORDER BY leaf_index DESC
			LIMIT @limit`, args)
		if err != nil {
			return fmt.Errorf("read announced keys: %w", err)
		}
		leaves, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil || len(leaves) == 0 {
			return err
		}
		e, err := auditlog.Unmarshal(leaves[0])
		if err != nil {
			return inconsistent("the announcement of keys on the log of %s: %w", id, err)
		}
		entry = e.EntryID
		list, _ := e.Details["present"].([]any)
		for _, vkey := range list {
			text, _ := vkey.(string)
			present = append(present, text)
		}
		return nil
	})
	return entry, present, err
}
