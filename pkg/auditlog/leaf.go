package auditlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

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
			facts.leafIndex = int64(v) //nolint:gosec // checked by the caller
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

// appendJSONStruct appends a google.protobuf.Struct; keys must ascend.
func appendJSONStruct(dst, msg []byte, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return dst, errFormat
	}
	dst = append(dst, '{')
	var last []byte
	for first := true; len(msg) > 0; first = false {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 || num != 1 || typ != protowire.BytesType {
			return dst, errFormat
		}
		entry, m := protowire.ConsumeBytes(msg[n:])
		if m < 0 {
			return dst, errFormat
		}
		msg = msg[n+m:]
		key, value, err := splitMapEntry(entry)
		if err != nil {
			return dst, err
		}
		if !first {
			if bytes.Compare(key, last) <= 0 {
				return dst, errFormat
			}
			dst = append(dst, ',')
		}
		last = key
		if dst, err = appendJSONString(dst, key); err != nil {
			return dst, err
		}
		dst = append(dst, ':')
		if dst, err = appendJSONValue(dst, value, depth); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// splitMapEntry reads a map entry that holds exactly key and value.
func splitMapEntry(entry []byte) (key, value []byte, err error) {
	num, typ, n := protowire.ConsumeTag(entry)
	if n < 0 || num != 1 || typ != protowire.BytesType {
		return nil, nil, errFormat
	}
	key, m := protowire.ConsumeBytes(entry[n:])
	if m < 0 {
		return nil, nil, errFormat
	}
	entry = entry[n+m:]
	num, typ, n = protowire.ConsumeTag(entry)
	if n < 0 || num != 2 || typ != protowire.BytesType {
		return nil, nil, errFormat
	}
	value, m = protowire.ConsumeBytes(entry[n:])
	if m < 0 || n+m != len(entry) {
		return nil, nil, errFormat
	}
	return key, value, nil
}

// appendJSONValue appends a google.protobuf.Value: exactly one field.
func appendJSONValue(dst, msg []byte, depth int) ([]byte, error) {
	num, typ, n := protowire.ConsumeTag(msg)
	if n < 0 {
		return dst, errFormat
	}
	size := protowire.ConsumeFieldValue(num, typ, msg[n:])
	if size < 0 || n+size != len(msg) {
		return dst, errFormat
	}
	msg = msg[n:]
	switch {
	case num == valueNumber && typ == protowire.Fixed64Type:
		bits, _ := protowire.ConsumeFixed64(msg)
		return appendJSONNumber(dst, math.Float64frombits(bits))
	case (num == valueNull || num == valueBool) && typ == protowire.VarintType:
		v, _ := protowire.ConsumeVarint(msg)
		switch {
		case num == valueNull && v == 0:
			return append(dst, "null"...), nil
		case num == valueBool && v <= 1:
			return strconv.AppendBool(dst, v == 1), nil
		}
	case typ == protowire.BytesType:
		v, _ := protowire.ConsumeBytes(msg)
		switch num {
		case valueString:
			return appendJSONString(dst, v)
		case valueStruct:
			return appendJSONStruct(dst, v, depth+1)
		case valueList:
			return appendJSONList(dst, v, depth+1)
		default:
		}
	}
	return dst, errFormat
}

func appendJSONList(dst, msg []byte, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return dst, errFormat
	}
	dst = append(dst, '[')
	for first := true; len(msg) > 0; first = false {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 || num != 1 || typ != protowire.BytesType {
			return dst, errFormat
		}
		value, m := protowire.ConsumeBytes(msg[n:])
		if m < 0 {
			return dst, errFormat
		}
		msg = msg[n+m:]
		if !first {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendJSONValue(dst, value, depth); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendJSONNumber formats like ECMAScript, as encoding/json and protojson do.
func appendJSONNumber(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, errFormat
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if n := len(dst); format == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1] // e-09 becomes e-9
		dst = dst[:n-1]
	}
	return dst, nil
}

func appendJSONString(dst, s []byte) ([]byte, error) {
	dst = append(dst, '"')
	ascii, plain := true, true
	for _, c := range s {
		ascii = ascii && c < utf8.RuneSelf
		plain = plain && c >= ' ' && c != '"' && c != '\\'
	}
	if !ascii && !utf8.Valid(s) {
		return dst, errFormat
	}
	if plain {
		dst = append(dst, s...)
		return append(dst, '"'), nil
	}
	const hex = "0123456789abcdef"
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	return append(dst, '"'), nil
}

// decodeTime reads a google.protobuf.Timestamp within its range.
func decodeTime(msg []byte) (time.Time, error) {
	var values [3]int64
	var last protowire.Number
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 || num <= last || num > 2 || typ != protowire.VarintType {
			return time.Time{}, errFormat
		}
		v, m := protowire.ConsumeVarint(msg[n:])
		if m < 0 {
			return time.Time{}, errFormat
		}
		values[num], last, msg = int64(v), num, msg[n+m:] //nolint:gosec // two's complement, as int64 fields are encoded
	}
	const first, end = -62135596800, 253402300800 // 0001-01-01 and 10000-01-01
	if values[1] < first || values[1] >= end || values[2] < 0 || values[2] >= 1e9 {
		return time.Time{}, errFormat
	}
	return time.Unix(values[1], values[2]).UTC(), nil
}

// appendJSONTime writes RFC 3339 with 0, 3, 6 or 9 fractional digits, as protojson does.
func appendJSONTime(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(dst, '"')
	dst = appendDigits(dst, year, 4, '-')
	dst = appendDigits(dst, int(month), 2, '-')
	dst = appendDigits(dst, day, 2, 'T')
	dst = appendDigits(dst, hour, 2, ':')
	dst = appendDigits(dst, minute, 2, ':')
	dst = appendDigits(dst, second, 2, 'Z')
	if ns := t.Nanosecond(); ns != 0 {
		dst[len(dst)-1] = '.'
		width := 9
		for width > 3 && ns%1000 == 0 {
			ns, width = ns/1000, width-3
		}
		dst = appendDigits(dst, ns, width, 'Z')
	}
	return append(dst, '"')
}

// appendDigits appends n with leading zeros, and what follows it.
func appendDigits(dst []byte, n, width int, next byte) []byte {
	dst = append(dst, "000000000"[:width]...)
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, next)
}
