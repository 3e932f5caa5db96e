package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// RecordEntry appends an entry of another service. The service's own subject is the entry's source, whatever it says about the actor.
func (s *AuditService) RecordEntry(ctx context.Context, req *governancev1.RecordEntryRequest) (*governancev1.RecordEntryResponse, error) {
	source, id, err := recorder(ctx)
	if err != nil {
		return nil, err
	}
	entry, err := entryOf(req, source, id)
	if err != nil {
		return nil, err
	}
	position, err := s.Wall.Append(ctx, entry)
	if err != nil {
		return nil, err
	}
	return &governancev1.RecordEntryResponse{Position: positionMessage(position)}, nil
}

// BatchRecordEntries appends several, all or none.
func (s *AuditService) BatchRecordEntries(
	ctx context.Context, req *governancev1.BatchRecordEntriesRequest,
) (*governancev1.BatchRecordEntriesResponse, error) {
	source, id, err := recorder(ctx)
	if err != nil {
		return nil, err
	}
	entries := make([]auditlog.Entry, len(req.GetEntries()))
	for i, r := range req.GetEntries() {
		if entries[i], err = entryOf(r, source, id); err != nil {
			return nil, audit.InBatch(i, err)
		}
	}
	positions, err := s.Wall.AppendBatch(ctx, entries)
	if err != nil {
		return nil, err
	}
	res := &governancev1.BatchRecordEntriesResponse{Positions: make([]*governancev1.LogPosition, len(positions))}
	for i, p := range positions {
		res.Positions[i] = positionMessage(p)
	}
	return res, nil
}

// recorder returns the subject of the service that records, and the tenant that it acts for, which is not the platform's.
func recorder(ctx context.Context) (source string, id tenant.ID, err error) {
	caller, ok := auth.FromContext(ctx)
	if !ok {
		return "", tenant.ID{}, errors.New("record audit entry: no principal in context")
	}
	if id, ok = tenant.FromContext(ctx); !ok {
		return "", tenant.ID{}, errors.New("record audit entry: no tenant in context")
	}
	return caller.Subject, id, audit.RefusePlatform(id)
}

// derivedVersion is that of the ids which governance derives from what an entry is about, such as a decision's from its request. Were others let use
// them, who guesses one could be there first, and the true entry would be refused.
const derivedVersion = 5

// entryOf converts a request to record an entry. The numbers of outcomes and kinds of actor are the contract's.
func entryOf(req *governancev1.RecordEntryRequest, source string, id tenant.ID) (auditlog.Entry, error) {
	entryID, err := parseID("entry_id", req.GetEntryId())
	if err != nil {
		return auditlog.Entry{}, err
	}
	if entryID.Version() == derivedVersion {
		return auditlog.Entry{}, errs.InvalidField("entry_id", "ids of version 5 are governance's own: make one of version 4 or 7")
	}
	e := auditlog.Entry{
		EntryID:   entryID,
		TenantID:  id,
		EventType: req.GetEventType(),
		Action:    req.GetAction(),
		Outcome:   auditlog.Outcome(req.GetOutcome()), // the contract lets no other through
		Actor: auditlog.Actor{
			Kind:       auditlog.ActorKind(req.GetActor().GetKind()), // likewise
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
	if namespace, _, _ := strings.Cut(e.EventType, "."); own(namespace) {
		return auditlog.Entry{}, errs.InvalidField("event_type", "%s is a namespace of governance's own: use one of your service", namespace)
	}
	if own(e.Resource.Type) && e.ChangesState() {
		return auditlog.Entry{}, errs.InvalidField("resource.type", "a %s is governance's own: an entry may be about it, and says nothing of its state", e.Resource.Type)
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

// own reports whether governance alone writes event types of the namespace, and states of resources of the type: no other service can forge a decision, a
// change of a policy, or what a policy was at some time. The words that they begin with are reserved, so that new ones are protected as they come.
func own(name string) bool {
	first, _, _ := strings.Cut(name, "_")
	return slices.Contains([]string{"audit", "decision", "governance", "policy"}, first)
}
