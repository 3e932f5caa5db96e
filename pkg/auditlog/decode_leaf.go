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

// leafReader reads the wire format of an entry without messages between: whoever counts or replays decisions reads each of them.
type leafReader struct {
	text    string // a copy of the leaf, which the texts of the entry share
	unusual bool   // found among the details
}

// readLeaf reads an entry as this package writes it. Whatever it reads, the protobuf library reads the same; whatever else there is, it leaves to it.
func readLeaf(leaf []byte) (Entry, error) {
	r := leafReader{text: string(leaf)}
	e, details, err := r.entry()
	if err == nil && details.number != 0 {
		e.Details, err = r.object(details)
	}
	return e, err
}

// entry reads all but the details.
func (r *leafReader) entry() (e Entry, details field, err error) {
	var version uint64
	err = r.message(0, len(r.text), func(f field) error {
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
			details = f
			err = f.bytes()
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
	return e, details, err
}

func (r *leafReader) actor(f field) (a Actor, err error) {
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

func (r *leafReader) resource(f field) (res Resource, err error) {
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
			res.State, err = r.object(f)
		default:
			err = errUnusual
		}
		return err
	})
	return res, err
}

func (r *leafReader) digest(f field) (d Digest, err error) {
	size := 0
	err = r.within(f, func(f field) error {
		var err error
		switch {
		case f.number == 1:
			d.Name, err = r.string(f)
		case f.number == 2 && f.wire == protowire.BytesType:
			size = copy(d.SHA256[:], r.text[f.start:f.end])
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

func (r *leafReader) time(f field) (time.Time, error) {
	if err := f.bytes(); err != nil {
		return time.Time{}, err
	}
	return decodeTime([]byte(r.text[f.start:f.end]))
}

func (r *leafReader) string(f field) (string, error) {
	s := r.text[f.start:f.end]
	if f.wire != protowire.BytesType || !utf8.ValidString(s) {
		return "", errUnusual
	}
	return s, nil
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

func (f field) bytes() error {
	if f.wire != protowire.BytesType {
		return errUnusual
	}
	return nil
}

func (f field) enum() (uint8, error) {
	if f.wire != protowire.VarintType || f.scalar > math.MaxUint8 {
		return 0, errUnusual
	}
	return uint8(f.scalar), nil
}

// within calls each for the fields of a message within the leaf.
func (r *leafReader) within(f field, each func(field) error) error {
	if err := f.bytes(); err != nil {
		return err
	}
	return r.message(f.start, f.end, each)
}

// message calls each for every field; only digests come more than once.
func (r *leafReader) message(at, end int, each func(field) error) error {
	var last protowire.Number
	for at < end {
		f, next := r.next(at, end)
		if next == 0 {
			return errUnusual
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

// next reads the field at a place and returns the place after it, 0 for none.
func (r *leafReader) next(at, end int) (f field, after int) {
	tag, at := r.uvarint(at, end)
	f.number, f.wire = protowire.Number(tag>>3), protowire.Type(tag&7)
	if at == 0 || tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
		return f, 0
	}
	switch f.wire { //nolint:exhaustive // others are unusual
	case protowire.BytesType:
		size, at := r.uvarint(at, end)
		if at == 0 || size > uint64(end-at) {
			return f, 0
		}
		f.start, f.end = at, at+int(size) // not more than there is
		return f, f.end
	case protowire.VarintType:
		f.scalar, at = r.uvarint(at, end)
		return f, at
	case protowire.Fixed64Type:
		if end-at < 8 {
			return f, 0
		}
		for i := range 8 {
			f.scalar |= uint64(r.text[at+i]) << (8 * i)
		}
		return f, at + 8
	}
	return f, 0
}

// uvarint reads a varint of at most 63 bits and returns the place after it, 0 for none. Negative numbers have more and are unusual.
func (r *leafReader) uvarint(at, end int) (v uint64, after int) {
	if at < end && r.text[at] < 0x80 {
		return uint64(r.text[at]), at + 1
	}
	return r.longVarint(at, end)
}

func (r *leafReader) longVarint(at, end int) (v uint64, after int) {
	for shift := 0; at < end && shift < 63; shift += 7 {
		b := r.text[at]
		at++
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, at
		}
	}
	return 0, 0
}
