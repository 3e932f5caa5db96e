package api

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// entryOf converts a request to record an entry. The numbers of outcomes and kinds of actor are the contract's.
func entryOf(ctx context.Context, req *governancev1.RecordEntryRequest, source string) (auditlog.Entry, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return auditlog.Entry{}, errors.New("record audit entry: no tenant in context")
	}
	entryID, err := parseID("entry_id", req.GetEntryId())
	if err != nil {
		return auditlog.Entry{}, err
	}
	e := auditlog.Entry{
		EntryID:   entryID,
		TenantID:  id,
		EventType: req.GetEventType(),
		Action:    req.GetAction(),
		Outcome:   auditlog.Outcome(req.GetOutcome()), //nolint:gosec // the contract lets no other through
		Actor: auditlog.Actor{
			Kind:       auditlog.ActorKind(req.GetActor().GetKind()), //nolint:gosec // likewise
			ID:         req.GetActor().GetId(),
			OnBehalfOf: req.GetActor().GetOnBehalfOf(),
		},
		Resource: auditlog.Resource{
			Type: req.GetResource().GetType(), ID: req.GetResource().GetId(), Name: req.GetResource().GetName(),
			State: structMap(req.GetResource().GetState()),
		},
		SourceService: source,
		RequestID:     req.GetRequestId(),
		CorrelationID: req.GetCorrelationId(),
		Details:       structMap(req.GetDetails()),
	}
	if namespace, _, _ := strings.Cut(e.EventType, "."); slices.Contains(ownNamespaces(), namespace) {
		return auditlog.Entry{}, errs.InvalidField("event_type", "%s is a namespace of governance's own: use one of your service", namespace)
	}
	if e.EffectiveTime, err = timeOf("effective_time", req.GetEffectiveTime()); err != nil {
		return auditlog.Entry{}, err
	}
	for _, d := range req.GetDigests() {
		if len(d.GetSha256()) != len(auditlog.Digest{}.SHA256) {
			return auditlog.Entry{}, errs.InvalidField("digests.sha256", "must have 32 bytes")
		}
		e.Digests = append(e.Digests, auditlog.Digest{Name: d.GetName(), SHA256: [32]byte(d.GetSha256())})
	}
	return e, nil
}

// ownNamespaces are the first words of the event types that governance alone writes: no other service can forge a decision, or a change of a policy.
func ownNamespaces() []string { return []string{"audit", "decision", "governance", "policy"} }

func structMap(s *structpb.Struct) map[string]any {
	if s == nil {
		return nil
	}
	return s.AsMap()
}

func entryFilterOf(req *governancev1.ListEntriesRequest) (audit.Filter, error) {
	f := audit.Filter{
		EventType: req.GetEventType(), ActorID: req.GetActorId(), ResourceType: req.GetResourceType(), ResourceID: req.GetResourceId(),
		MinIndex: req.GetMinLeafIndex(),
	}
	for _, text := range []struct{ field, value string }{
		{"actor_id", f.ActorID}, {"resource_type", f.ResourceType}, {"resource_id", f.ResourceID},
	} {
		if strings.IndexByte(text.value, 0) >= 0 {
			return audit.Filter{}, errs.InvalidField(text.field, "must not contain the character U+0000")
		}
	}
	var err error
	if f.RecordedFrom, err = timeOf("recorded.start_time", req.GetRecorded().GetStartTime()); err != nil {
		return audit.Filter{}, err
	}
	if f.RecordedBefore, err = timeOf("recorded.end_time", req.GetRecorded().GetEndTime()); err != nil {
		return audit.Filter{}, err
	}
	return f, nil
}

// logEntryMessage decodes the leaf for people. A leaf that is not an entry is shown as its bytes alone.
func logEntryMessage(e audit.LogEntry) *governancev1.LogEntry {
	m := &governancev1.LogEntry{Leaf: e.Leaf, StoredHashes: e.StoredHashes, MismatchedColumns: e.Mismatched}
	var entry governancev1.AuditEntry
	if proto.Unmarshal(e.Leaf, &entry) == nil {
		m.Entry = &entry
	}
	return m
}

func positionMessage(p audit.Position) *governancev1.LogPosition {
	return &governancev1.LogPosition{EntryId: p.EntryID.String(), LeafIndex: p.LeafIndex, LeafHash: p.LeafHash[:]}
}

func checkpointMessage(h audit.SignedHead) *governancev1.Checkpoint {
	return &governancev1.Checkpoint{TreeSize: h.Size, RootHash: h.Root[:], Note: h.Note, CreateTime: timestamppb.New(h.SignedTime)}
}

func hashMessages(hashes []tlog.Hash) [][]byte {
	messages := make([][]byte, len(hashes))
	for i := range hashes {
		messages[i] = hashes[i][:]
	}
	return messages
}

// timeOf returns the zero time for an unset timestamp.
func timeOf(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if t.CheckValid() != nil {
		return time.Time{}, errs.InvalidField(field, "must be in the years 1 to 9999")
	}
	return t.AsTime(), nil
}
