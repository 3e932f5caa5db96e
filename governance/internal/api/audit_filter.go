package api

import (
	"math"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// entryFilter is what the requests that choose among entries have in common.
type entryFilter interface {
	GetEventType() string
	GetAction() string
	GetOutcome() governancev1.AuditOutcome
	GetActorId() string
	GetResourceType() string
	GetResourceId() string
	GetCorrelationId() string
	GetSourceService() string
}

// entryFilterOf converts a filter. It also returns the names of the fields that are set.
func entryFilterOf(req entryFilter) (f audit.Filter, names []string, err error) {
	f = audit.Filter{
		EventType: req.GetEventType(), Action: req.GetAction(), ActorID: req.GetActorId(),
		Outcome:      auditlog.Outcome(req.GetOutcome()), // the contract lets no other through
		ResourceType: req.GetResourceType(), ResourceID: req.GetResourceId(),
		CorrelationID: req.GetCorrelationId(), SourceService: req.GetSourceService(),
	}
	for _, text := range []struct{ field, value string }{
		{"event_type", f.EventType},
		{"action", f.Action},
		{"actor_id", f.ActorID},
		{"resource_type", f.ResourceType},
		{"resource_id", f.ResourceID},
		{"correlation_id", f.CorrelationID},
		{"source_service", f.SourceService},
	} {
		if err := withoutNUL(text.field, text.value); err != nil {
			return audit.Filter{}, nil, err
		}
		if text.value != "" {
			names = append(names, text.field)
		}
	}
	if f.Outcome != 0 {
		names = append(names, "outcome")
	}
	return f, names, nil
}

// listFilterOf adds what only lists have.
func listFilterOf(req *governancev1.ListEntriesRequest) (audit.Filter, []string, error) {
	f, names, err := entryFilterOf(req)
	if err != nil {
		return audit.Filter{}, nil, err
	}
	f.MinIndex, f.NewestFirst = req.GetMinLeafIndex(), req.GetNewestFirst()
	if f.MinIndex > 0 {
		names = append(names, "min_leaf_index")
	}
	if req.MaxLeafIndex != nil {
		names = append(names, "max_leaf_index")
		last := req.GetMaxLeafIndex()
		if last < f.MinIndex {
			return audit.Filter{}, nil, errs.InvalidField("max_leaf_index", "must not be smaller than min_leaf_index")
		}
		if last < math.MaxInt64 {
			f.EndIndex = last + 1
		}
	}
	if f.RecordedFrom, err = timeOf("recorded.start_time", req.GetRecorded().GetStartTime()); err != nil {
		return audit.Filter{}, nil, err
	}
	if f.RecordedBefore, err = timeOf("recorded.end_time", req.GetRecorded().GetEndTime()); err != nil {
		return audit.Filter{}, nil, err
	}
	if !f.RecordedFrom.IsZero() || !f.RecordedBefore.IsZero() {
		names = append(names, "recorded")
	}
	return f, names, nil
}
