package auditlog

import (
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Unmarshal reads a serialized entry: a leaf, or the same without a position. It does not judge what the entry says; NewDraft does.
func Unmarshal(b []byte) (Entry, error) {
	if e, err := readLeaf(b); err == nil {
		return e, nil
	}
	return unmarshal(b)
}

// unmarshal reads what any protobuf library may have written.
func unmarshal(b []byte) (Entry, error) {
	var m governancev1.AuditEntry
	if err := proto.Unmarshal(b, &m); err != nil {
		return Entry{}, fmt.Errorf("decode audit entry: %w", err)
	}
	if v := m.GetFormatVersion(); v != FormatVersion {
		return Entry{}, fmt.Errorf("decode audit entry: format version %d is not supported", v)
	}
	id, err := uuid.Parse(m.GetEntryId())
	if err != nil {
		return Entry{}, fmt.Errorf("decode audit entry: entry id: %w", err)
	}
	owner, err := tenant.Parse(m.GetTenantId())
	if err != nil {
		return Entry{}, fmt.Errorf("decode audit entry: tenant id: %w", err)
	}
	e := Entry{
		EntryID:   id,
		TenantID:  owner,
		LeafIndex: m.GetLeafIndex(),
		EventType: m.GetEventType(),
		Action:    m.GetAction(),
		Outcome:   Outcome(enum(m.GetOutcome())),
		Actor: Actor{
			Kind: ActorKind(enum(m.GetActor().GetKind())), ID: m.GetActor().GetId(), OnBehalfOf: m.GetActor().GetOnBehalfOf(),
		},
		Resource: Resource{
			Type: m.GetResource().GetType(), ID: m.GetResource().GetId(), Name: m.GetResource().GetName(),
			State: fields(m.GetResource().GetState()),
		},
		SourceService: m.GetSourceService(),
		RequestID:     m.GetRequestId(),
		CorrelationID: m.GetCorrelationId(),
		Details:       fields(m.GetDetails()),
	}
	if t := m.GetRecordedTime(); t != nil {
		e.RecordedTime = t.AsTime()
	}
	if t := m.GetEffectiveTime(); t != nil {
		e.EffectiveTime = t.AsTime()
	}
	for _, d := range m.GetDigests() {
		if len(d.GetSha256()) != 32 {
			return Entry{}, fmt.Errorf("decode audit entry: digest %q has %d bytes", d.GetName(), len(d.GetSha256()))
		}
		e.Digests = append(e.Digests, Digest{Name: d.GetName(), SHA256: [32]byte(d.GetSha256())})
	}
	return e, nil
}

func fields(s *structpb.Struct) map[string]any {
	if s == nil {
		return nil
	}
	return s.AsMap()
}

// enum narrows an enum of few values; numbers outside become 0, which none of ours means.
func enum[T ~int32](v T) uint8 {
	if v < 0 || v > 255 {
		return 0
	}
	return uint8(v)
}
