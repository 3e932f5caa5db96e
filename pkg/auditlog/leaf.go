package auditlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// leafFacts is what verification needs of a leaf besides its hash. The slices point into the leaf.
type leafFacts struct {
	formatVersion uint64
	entryID       []byte
	tenantID      []byte
	leafIndex     int64
	recorded      time.Time
}

// errFormat says that bytes are not a leaf as this package writes them.
var errFormat = errors.New("not a leaf of format 1")

// appendLeafJSON appends the protobuf JSON form of a leaf (field names as in the contract, no white space) and returns the facts met on the
// way. It reads the wire format directly: one pass, nothing allocated, and a single text for a given leaf, which protojson does not promise.
// It is strict: fields must stand in ascending order, as this package writes them, so that nothing can hide in a repeated field.
func appendLeafJSON(dst, leaf []byte) ([]byte, leafFacts, error) {
	var facts leafFacts
	dst, err := appendObject(dst, leaf, entryFields, &facts, 0)
	if err == nil && facts.formatVersion != FormatVersion {
		err = fmt.Errorf("%w: format version %d", errFormat, facts.formatVersion)
	}
	return dst, facts, err
}

// fieldKind says how a field is written as JSON.
type fieldKind uint8

const (
	kindString fieldKind = iota + 1
	kindInt32
	kindInt64 // a string in JSON
	kindOutcome
	kindActorKind
	kindBytes
	kindTime
	kindStruct
	kindActor
	kindResource
	kindDigest
)

type fieldRule struct {
	name     string
	kind     fieldKind
	repeated bool
}

// The messages of a leaf, indexed by field number.

var entryFields = []fieldRule{ //nolint:gochecknoglobals // a constant table
	fieldFormatVersion: {name: "format_version", kind: kindInt32},
	fieldEntryID:       {name: "entry_id", kind: kindString},
	fieldTenantID:      {name: "tenant_id", kind: kindString},
	fieldLeafIndex:     {name: "leaf_index", kind: kindInt64},
	fieldRecordedTime:  {name: "recorded_time", kind: kindTime},
	fieldEffectiveTime: {name: "effective_time", kind: kindTime},
	fieldEventType:     {name: "event_type", kind: kindString},
	fieldAction:        {name: "action", kind: kindString},
	fieldOutcome:       {name: "outcome", kind: kindOutcome},
	fieldActor:         {name: "actor", kind: kindActor},
	fieldResource:      {name: "resource", kind: kindResource},
	fieldSourceService: {name: "source_service", kind: kindString},
	fieldRequestID:     {name: "request_id", kind: kindString},
	fieldCorrelationID: {name: "correlation_id", kind: kindString},
	fieldDetails:       {name: "details", kind: kindStruct},
	fieldDigests:       {name: "digests", kind: kindDigest, repeated: true},
}

var actorFields = []fieldRule{ //nolint:gochecknoglobals // a constant table
	1: {name: "kind", kind: kindActorKind},
	2: {name: "id", kind: kindString},
	3: {name: "on_behalf_of", kind: kindString},
}

var resourceFields = []fieldRule{ //nolint:gochecknoglobals // a constant table
	1: {name: "type", kind: kindString},
	2: {name: "id", kind: kindString},
	3: {name: "name", kind: kindString},
	4: {name: "state", kind: kindStruct},
}

var digestFields = []fieldRule{ //nolint:gochecknoglobals // a constant table
	1: {name: "name", kind: kindString},
	2: {name: "sha256", kind: kindBytes},
}

var outcomeNames = []string{1: "AUDIT_OUTCOME_SUCCESS", 2: "AUDIT_OUTCOME_DENIED", 3: "AUDIT_OUTCOME_FAILURE"} //nolint:gochecknoglobals // constant

var actorKindNames = []string{1: "ACTOR_KIND_USER", 2: "ACTOR_KIND_SERVICE", 3: "ACTOR_KIND_SYSTEM"} //nolint:gochecknoglobals // constant

func appendObject(dst, msg []byte, rules []fieldRule, facts *leafFacts, depth int) ([]byte, error) {
	dst = append(dst, '{')
	var last protowire.Number
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 || int(num) >= len(rules) || rules[num].kind == 0 {
			return dst, errFormat
		}
		msg = msg[n:]
		rule := rules[num]
		switch {
		case num == last && rule.repeated:
			dst[len(dst)-1] = ',' // reopen the list
		case num > last:
			if last != 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, '"')
			dst = append(dst, rule.name...)
			dst = append(dst, '"', ':')
			if rule.repeated {
				dst = append(dst, '[')
			}
		default:
			return dst, errFormat
		}
		last = num
		var err error
		if dst, msg, err = appendField(dst, msg, num, typ, rule.kind, facts, depth); err != nil {
			return dst, err
		}
		if rule.repeated {
			dst = append(dst, ']')
		}
	}
	return append(dst, '}'), nil
}

// appendField appends one field's value and returns what follows it in the message.
func appendField(
	dst, msg []byte, num protowire.Number, typ protowire.Type, kind fieldKind, facts *leafFacts, depth int,
) ([]byte, []byte, error) {
	if kind == kindInt32 || kind == kindInt64 || kind == kindOutcome || kind == kindActorKind {
		v, n := protowire.ConsumeVarint(msg)
		if typ != protowire.VarintType || n < 0 || v > math.MaxInt64 {
			return dst, nil, errFormat
		}
		dst, err := appendScalar(dst, v, num, kind, facts)
		return dst, msg[n:], err
	}
	v, n := protowire.ConsumeBytes(msg)
	if typ != protowire.BytesType || n < 0 {
		return dst, nil, errFormat
	}
	var err error
	switch kind {
	case kindString:
		if facts != nil && num == fieldEntryID {
			facts.entryID = v
		}
		if facts != nil && num == fieldTenantID {
			facts.tenantID = v
		}
		dst, err = appendJSONString(dst, v)
	case kindBytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v)
		dst = append(dst, '"')
	case kindTime:
		var t time.Time
		if t, err = decodeTime(v); err == nil {
			dst = appendJSONTime(dst, t)
			if facts != nil && num == fieldRecordedTime {
				facts.recorded = t
			}
		}
	case kindStruct:
		dst, err = appendJSONStruct(dst, v, depth)
	case kindActor:
		dst, err = appendObject(dst, v, actorFields, nil, depth)
	case kindResource:
		dst, err = appendObject(dst, v, resourceFields, nil, depth)
	case kindDigest:
		dst, err = appendObject(dst, v, digestFields, nil, depth)
	default:
		err = errFormat
	}
	return dst, msg[n:], err
}

func appendScalar(dst []byte, v uint64, num protowire.Number, kind fieldKind, facts *leafFacts) ([]byte, error) {
	names := outcomeNames
	switch kind {
	case kindInt32:
		if facts != nil && num == fieldFormatVersion {
			facts.formatVersion = v
		}
		return strconv.AppendUint(dst, v, 10), nil
	case kindInt64:
		if facts != nil && num == fieldLeafIndex {
			facts.leafIndex = int64(v) // checked by the caller
		}
		dst = append(dst, '"')
		dst = strconv.AppendUint(dst, v, 10)
		return append(dst, '"'), nil
	case kindActorKind:
		names = actorKindNames
	default:
	}
	if v == 0 || v >= uint64(len(names)) {
		return dst, errFormat
	}
	dst = append(dst, '"')
	dst = append(dst, names[v]...)
	return append(dst, '"'), nil
}
