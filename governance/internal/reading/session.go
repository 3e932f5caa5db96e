package reading

import (
	"container/list"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/requestid"
)

const (
	// EventType and Action are those of the entries.
	EventType = "audit.read"
	// resourceType is that of a tenant's log; its id is the tenant's.
	resourceType = "audit_log"
)

// Why sessions end, as closing entries say it.
const (
	forIdleness = "idle"
	forAge      = "age"
	forRoom     = "room"
	forShutdown = "shutdown"
)

var errStopped = errors.New("the service is shutting down")

// session is a time of reading. All but what never changes is guarded by the recorder's mutex, opened and err aside.
type session struct {
	key   key
	id    uuid.UUID // the correlation id of both entries
	place *list.Element

	opened chan struct{} // closed when err is final
	err    error         // why the session could not be opened

	begun, last     time.Time
	rpcs            map[string]int64 // calls by rpc; the rpcs are as many as the contract has
	filters         map[string]struct{}
	entries         int64
	lowest, highest int64          // of the indexes, when entries > 0
	closing         auditlog.Entry // once it has ended: every try appends the same
}

func newSession(k key, now time.Time) *session {
	return &session{
		key: k, id: uuid.Must(uuid.NewV7()), opened: make(chan struct{}), begun: now, last: now,
		rpcs: map[string]int64{}, filters: map[string]struct{}{},
	}
}

// isOpen reports whether the opening entry is on the wall.
func (s *session) isOpen() bool {
	select {
	case <-s.opened:
		return s.err == nil
	default:
		return false
	}
}

func (s *session) count(read Read, now time.Time) {
	s.last = now
	if !read.Continued {
		s.rpcs[read.RPC]++
	}
	for _, name := range read.Filters {
		s.filters[name] = struct{}{}
	}
	if len(read.Indexes) == 0 {
		return
	}
	lowest, highest := slices.Min(read.Indexes), slices.Max(read.Indexes)
	if s.entries > 0 {
		lowest, highest = min(lowest, s.lowest), max(highest, s.highest)
	}
	s.lowest, s.highest = lowest, highest
	s.entries += int64(len(read.Indexes))
}

// end says what the session was.
func (s *session) end(why string, now time.Time) {
	calls, byRPC := int64(0), make(map[string]any, len(s.rpcs))
	for rpc, n := range s.rpcs {
		calls += n
		byRPC[rpc] = float64(n)
	}
	details := map[string]any{
		"phase": "closed", "ended_by": why, "calls": float64(calls), "rpcs": byRPC, "filters": names(slices.Collect(maps.Keys(s.filters))),
		"entries": float64(s.entries), "opened_time": timeText(s.begun), "last_read_time": timeText(s.last), "closed_time": timeText(now),
	}
	if s.entries > 0 {
		details["lowest_index"], details["highest_index"] = float64(s.lowest), float64(s.highest)
	}
	s.closing = s.entry(uuid.Must(uuid.NewV7()), details)
}

// opening is the entry that is on the wall before anything is shown.
func (s *session) opening(ctx context.Context, read Read) auditlog.Entry {
	e := s.entry(uuid.Must(uuid.NewV7()), map[string]any{"phase": "opened", "rpc": read.RPC, "filters": names(read.Filters)})
	e.RequestID = requestid.FromContext(ctx)
	return e
}

func (s *session) entry(id uuid.UUID, details map[string]any) auditlog.Entry {
	return auditlog.Entry{
		EntryID: id, TenantID: s.key.tenant, EventType: EventType, Action: EventType, Outcome: auditlog.Success, Actor: s.key.actor,
		Resource:      auditlog.Resource{Type: resourceType, ID: s.key.tenant.String()},
		SourceService: audit.Source, CorrelationID: s.id.String(), Details: details,
	}
}

// names are sorted, as details have them.
func names(list []string) []any {
	sorted := make([]any, len(list))
	for i, name := range slices.Sorted(slices.Values(list)) {
		sorted[i] = name
	}
	return sorted
}

func timeText(t time.Time) string { return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) }
