package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/governance/internal/statediff"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// resourceVersion is a state as an entry says it.
type resourceVersion struct {
	message *governancev1.ResourceVersion
	state   map[string]any // nil when the resource had been deleted
}

// proto returns nil when no entry says a state.
func (v *resourceVersion) proto() *governancev1.ResourceVersion {
	if v == nil {
		return nil
	}
	return v.message
}

// fields returns nil when the resource was not there.
func (v *resourceVersion) fields() map[string]any {
	if v == nil {
		return nil
	}
	return v.state
}

// versions converts the entries, each nil for a nil one, with their corrections, and records that they are read.
func (s *TimeMachineService) versions(ctx context.Context, rpc string, filters []string, entries ...*audit.LogEntry) ([]*resourceVersion, error) {
	versions := make([]*resourceVersion, len(entries))
	read := reading.Read{RPC: rpc, Filters: filters}
	var ids []uuid.UUID
	for i, e := range entries {
		if e == nil {
			continue
		}
		leaf, err := auditlog.Unmarshal(e.Leaf)
		if err != nil {
			return nil, fmt.Errorf("read entry %d: %w", e.LeafIndex, err)
		}
		if versions[i], err = resourceVersionOf(leaf, e.Leaf); err != nil {
			return nil, fmt.Errorf("read entry %d: %w", e.LeafIndex, err)
		}
		read.Indexes, ids = append(read.Indexes, e.LeafIndex), append(ids, leaf.EntryID)
	}
	corrections, err := s.Wall.Corrections(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if v == nil {
			continue
		}
		id, err := uuid.Parse(v.message.GetEntry().GetEntryId())
		if err != nil {
			return nil, fmt.Errorf("read entry id: %w", err)
		}
		v.message.Corrections = correctionMessages(corrections[id])
	}
	return versions, s.Reading.Note(ctx, read)
}

func resourceVersionOf(e auditlog.Entry, leaf []byte) (*resourceVersion, error) {
	v := &resourceVersion{message: &governancev1.ResourceVersion{
		ResourceType: e.Resource.Type, ResourceId: e.Resource.ID, Name: e.Resource.Name,
		Existence: governancev1.ResourceExistence_RESOURCE_EXISTENCE_DELETED,
		Entry:     positionMessage(audit.Position{EntryID: e.EntryID, LeafIndex: e.LeafIndex, LeafHash: auditlog.LeafHash(leaf)}),
		EventType: e.EventType, Actor: actorMessage(e.Actor),
		RecordedTime: timestamppb.New(e.RecordedTime), EffectiveTime: timestamppb.New(e.Effective()),
	}}
	if e.Deletes() {
		return v, nil
	}
	v.state = e.Resource.State
	v.message.Existence = governancev1.ResourceExistence_RESOURCE_EXISTENCE_PRESENT
	var err error
	v.message.State, err = structpb.NewStruct(v.state)
	return v, err
}

func differenceMessages(differences []statediff.Difference) ([]*governancev1.FieldDifference, error) {
	messages := make([]*governancev1.FieldDifference, len(differences))
	for i, d := range differences {
		// The numbers of the kinds are the contract's.
		m := &governancev1.FieldDifference{Path: d.Path, Kind: governancev1.DifferenceKind(d.Kind)}
		var err error
		if d.Kind != statediff.Added {
			if m.Before, err = structpb.NewValue(d.Before); err != nil {
				return nil, fmt.Errorf("convert %s: %w", d.Path, err)
			}
		}
		if d.Kind != statediff.Removed {
			if m.After, err = structpb.NewValue(d.After); err != nil {
				return nil, fmt.Errorf("convert %s: %w", d.Path, err)
			}
		}
		messages[i] = m
	}
	return messages, nil
}

// resourceAtOf reads what stands in the fields resource and at under a prefix.
func resourceAtOf(prefix string, r *governancev1.ResourceReference, at *governancev1.Moment) (audit.ResourceAt, error) {
	if strings.IndexByte(r.GetId(), 0) >= 0 {
		return audit.ResourceAt{}, errs.InvalidField(prefix+"resource.id", "must not contain the character U+0000")
	}
	m, err := momentOf(prefix+"at", at)
	return audit.ResourceAt{Resource: audit.Resource{Type: r.GetType(), ID: r.GetId()}, At: m}, err
}

func momentOf(field string, at *governancev1.Moment) (m audit.Moment, err error) {
	if at == nil {
		return audit.Moment{}, nil
	}
	switch known := at.GetKnown().(type) {
	case *governancev1.Moment_LeafIndex:
		m.LeafIndex = &known.LeafIndex
	case *governancev1.Moment_RecordedTime:
		if m.RecordedTime, err = instantOf(field+".recorded_time", known.RecordedTime); err != nil {
			return audit.Moment{}, err
		}
	}
	m.EffectiveTime, err = instantOf(field+".effective_time", at.GetEffectiveTime())
	return m, err
}

// instantOf is timeOf, with the first instant of the year 1, which would be no time, a nanosecond later: to the microsecond it is the same.
func instantOf(field string, t *timestamppb.Timestamp) (time.Time, error) {
	instant, err := timeOf(field, t)
	if t != nil && err == nil && instant.IsZero() {
		instant = instant.Add(time.Nanosecond)
	}
	return instant, err
}

// momentFilters names what a moment sets.
func momentFilters(field string, at *governancev1.Moment) []string {
	var names []string
	switch at.GetKnown().(type) {
	case *governancev1.Moment_LeafIndex:
		names = append(names, field+".leaf_index")
	case *governancev1.Moment_RecordedTime:
		names = append(names, field+".recorded_time")
	}
	if at.GetEffectiveTime() != nil {
		names = append(names, field+".effective_time")
	}
	return names
}

func pointers[T any](values []T) []*T {
	list := make([]*T, len(values))
	for i := range values {
		list[i] = &values[i]
	}
	return list
}
