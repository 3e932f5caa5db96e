package auditlog

import (
	"errors"
	"math"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// errUnusual says that bytes are not an entry as this package writes them. They can be one all the same.
var errUnusual = errors.New("not written as this package does")

// leafReader reads the wire format of an entry without messages between: whoever counts or replays decisions reads each of them. The texts of the entry
// share one copy of the leaf.
type leafReader struct {
	leaf []byte
	text string // the same
}

// readLeaf reads an entry as this package writes it. Whatever it reads, the protobuf library reads the same; whatever else there is, it leaves to it.
func readLeaf(leaf []byte) (e Entry, err error) {
	r := leafReader{leaf, string(leaf)}
	var version uint64
	err = r.message(0, len(leaf), func(f field) error {
		var err error
		switch f.number {
		case fieldFormatVersion:
			version, err = f.varint()
		case fieldEntryID:
			var id string
			if id, err = r.string(f); err == nil {
				e.EntryID, err = uuid.Parse(id)
			}
		case fieldTenantID:
			var id string
			if id, err = r.string(f); err == nil {
				e.TenantID, err = tenant.Parse(id)
			}
		case fieldLeafIndex:
			var index uint64
			index, err = f.varint()
			e.LeafIndex = int64(index) // two's complement, as int64 fields are encoded
		case fieldRecordedTime:
			e.RecordedTime, err = r.time(f)
		case fieldEffectiveTime:
			e.EffectiveTime, err = r.time(f)
		case fieldEventType:
			e.EventType, err = r.string(f)
		case fieldAction:
			e.Action, err = r.string(f)
		case fieldOutcome:
			var o uint8
			o, err = f.enum()
			e.Outcome = Outcome(o)
		case fieldActor:
			e.Actor, err = r.actor(f)
		case fieldResource:
			e.Resource, err = r.resource(f)
		case fieldSourceService:
			e.SourceService, err = r.string(f)
		case fieldRequestID:
			e.RequestID, err = r.string(f)
		case fieldCorrelationID:
			e.CorrelationID, err = r.string(f)
		case fieldDetails:
			e.Details, err = r.object(f, 0)
		case fieldDigests:
			var d Digest
			d, err = r.digest(f)
			e.Digests = append(e.Digests, d)
		default:
			err = errUnusual
		}
		return err
	})
	if err == nil && (version != FormatVersion || e.EntryID == uuid.Nil || e.TenantID == tenant.ID{}) {
		err = errUnusual
	}
	return e, err
}

func (r leafReader) actor(f field) (a Actor, err error) {
	err = r.within(f, func(f field) error {
		var err error
		switch f.number {
		case 1:
			var kind uint8
			kind, err = f.enum()
			a.Kind = ActorKind(kind)
		case 2:
			a.ID, err = r.string(f)
		case 3:
			a.OnBehalfOf, err = r.string(f)
		default:
			err = errUnusual
		}
		return err
	})
	return a, err
}

func (r leafReader) resource(f field) (res Resource, err error) {
	err = r.within(f, func(f field) error {
		var err error
		switch f.number {
		case 1:
			res.Type, err = r.string(f)
		case 2:
			res.ID, err = r.string(f)
		case 3:
			res.Name, err = r.string(f)
		case 4:
			res.State, err = r.object(f, 0)
		default:
			err = errUnusual
		}
		return err
	})
	return res, err
}

func (r leafReader) digest(f field) (d Digest, err error) {
	size := 0
	err = r.within(f, func(f field) error {
		var err error
		switch {
		case f.number == 1:
			d.Name, err = r.string(f)
		case f.number == 2 && f.wire == protowire.BytesType:
			size = copy(d.SHA256[:], r.leaf[f.start:f.end])
			if f.end-f.start != len(d.SHA256) {
				err = errUnusual
			}
		default:
			err = errUnusual
		}
		return err
	})
	if err == nil && size != len(d.SHA256) {
		err = errUnusual
	}
	return d, err
}

func (r leafReader) time(f field) (time.Time, error) {
	if f.wire != protowire.BytesType {
		return time.Time{}, errUnusual
	}
	return decodeTime(r.leaf[f.start:f.end])
}

func (r leafReader) string(f field) (string, error) {
	s := r.text[f.start:f.end]
	if f.wire != protowire.BytesType || !utf8.ValidString(s) {
		return "", errUnusual
	}
	return s, nil
}

// object reads a google.protobuf.Struct whose keys ascend.
func (r leafReader) object(f field, depth int) (map[string]any, error) {
	if f.wire != protowire.BytesType || depth >= maxDepth {
		return nil, errUnusual
	}
	object := make(map[string]any)
	last := ""
	for at := f.start; at < f.end; {
		entry, next, err := r.next(at, f.end)
		if err != nil || entry.number != 1 || entry.wire != protowire.BytesType {
			return nil, errUnusual
		}
		at = next
		key, valueAt, err := r.next(entry.start, entry.end)
		if err != nil || key.number != 1 {
			return nil, errUnusual
		}
		value, end, err := r.next(valueAt, entry.end)
		if err != nil || value.number != 2 || end != entry.end {
			return nil, errUnusual
		}
		name, err := r.string(key)
		if err != nil || name <= last && len(object) > 0 {
			return nil, errUnusual
		}
		if object[name], err = r.value(value, depth); err != nil {
			return nil, err
		}
		last = name
	}
	return object, nil
}

func (r leafReader) list(f field, depth int) ([]any, error) {
	if depth >= maxDepth {
		return nil, errUnusual
	}
	list := []any{}
	for at := f.start; at < f.end; {
		element, next, err := r.next(at, f.end)
		if err != nil || element.number != 1 {
			return nil, errUnusual
		}
		at = next
		value, err := r.value(element, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

// value reads a google.protobuf.Value: exactly one field.
func (r leafReader) value(f field, depth int) (any, error) {
	if f.wire != protowire.BytesType {
		return nil, errUnusual
	}
	kind, end, err := r.next(f.start, f.end)
	if err != nil || end != f.end {
		return nil, errUnusual
	}
	switch {
	case kind.number == valueNull && kind.wire == protowire.VarintType && kind.scalar == 0:
		return nil, nil
	case kind.number == valueBool && kind.wire == protowire.VarintType && kind.scalar <= 1:
		return kind.scalar == 1, nil
	case kind.number == valueNumber && kind.wire == protowire.Fixed64Type:
		number := math.Float64frombits(kind.scalar)
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return nil, errUnusual
		}
		return number, nil
	case kind.number == valueString:
		return r.string(kind)
	case kind.number == valueStruct:
		return r.object(kind, depth+1)
	case kind.number == valueList && kind.wire == protowire.BytesType:
		return r.list(kind, depth+1)
	}
	return nil, errUnusual
}

// field is a field of a message: the place of its bytes in the leaf, or its number.
type field struct {
	number     protowire.Number
	wire       protowire.Type
	start, end int
	scalar     uint64
}

func (f field) varint() (uint64, error) {
	if f.wire != protowire.VarintType {
		return 0, errUnusual
	}
	return f.scalar, nil
}

func (f field) enum() (uint8, error) {
	if f.wire != protowire.VarintType || f.scalar > math.MaxUint8 {
		return 0, errUnusual
	}
	return uint8(f.scalar), nil
}

// within calls each for the fields of a message within the leaf.
func (r leafReader) within(f field, each func(field) error) error {
	if f.wire != protowire.BytesType {
		return errUnusual
	}
	return r.message(f.start, f.end, each)
}

// message calls each for every field; only digests come more than once.
func (r leafReader) message(at, end int, each func(field) error) error {
	var last protowire.Number
	for at < end {
		f, next, err := r.next(at, end)
		if err != nil {
			return err
		}
		if f.number < last || f.number == last && f.number != fieldDigests {
			return errUnusual
		}
		if err := each(f); err != nil {
			return err
		}
		last, at = f.number, next
	}
	return nil
}

// next reads the field at a place and returns the place after it.
func (r leafReader) next(at, end int) (f field, after int, err error) {
	number, wire, n := protowire.ConsumeTag(r.leaf[at:end])
	if n < 0 {
		return f, 0, errUnusual
	}
	f.number, f.wire = number, wire
	at += n
	switch wire {
	case protowire.VarintType:
		f.scalar, n = protowire.ConsumeVarint(r.leaf[at:end])
	case protowire.Fixed64Type:
		f.scalar, n = protowire.ConsumeFixed64(r.leaf[at:end])
	case protowire.BytesType:
		var content []byte
		content, n = protowire.ConsumeBytes(r.leaf[at:end])
		f.start, f.end = at+n-len(content), at+n
	default:
		return f, 0, errUnusual
	}
	if n < 0 {
		return f, 0, errUnusual
	}
	return f, at + n, nil
}
