package auditlog

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// The leaf format is the protobuf serialization of AuditEntry with its fields in the order of their numbers, map keys in byte order, zero values
// left out. It is written here rather than by the protobuf library, whose deterministic output is promised for one build only: a retry by a
// newer binary must have the same content digest.

// Draft is an entry ready to be sequenced: everything of its leaf but the position.
type Draft struct {
	// Entry is what was drafted, without position.
	Entry Entry
	// ContentDigest is the SHA-256 of the leaf without leaf index and recorded time: equal for repeated appends of one entry.
	ContentDigest [32]byte

	content []byte // the leaf without position
	split   int    // where in content the position goes
	room    *room  // of the content; nil once it was given back
}

// room is memory to serialize an entry in, whose size is known only afterwards.
type room struct {
	content []byte
	object  Object
}

// maxRoom bounds the content that is kept for the next draft: most entries have less than a quarter of it.
const maxRoom = 4 << 10

var rooms = sync.Pool{New: func() any { return &room{content: make([]byte, 0, maxRoom/4)} }} //nolint:gochecknoglobals // memory alone

// leave gives the room back, with the memory that content has come to be in.
func (r *room) leave(content []byte) {
	if cap(content) > maxRoom {
		return
	}
	r.content, r.object = content, Object{}
	rooms.Put(r)
}

// NewDraft checks and serializes an entry; LeafIndex and RecordedTime do not count. Its errors are for the client: INVALID_FIELD or
// ENTRY_TOO_LARGE.
func NewDraft(e Entry) (*Draft, error) {
	e.LeafIndex, e.RecordedTime = 0, time.Time{}
	if err := e.validate(); err != nil {
		return nil, err
	}
	r := rooms.Get().(*room)
	content := e.appendHead(r.content[:0])
	split := len(content)
	content, err := e.appendBody(content, &r.object)
	if err != nil {
		return nil, err
	}
	if size := len(content) + positionAllowance; size > MaxLeafSize {
		return nil, errs.New(errs.InvalidArgument, errs.ReasonEntryTooLarge,
			"the audit entry has %d bytes, the limit is %d: replace large details by digests", size, MaxLeafSize).
			With("limit", strconv.Itoa(MaxLeafSize)).With("actual", strconv.Itoa(size))
	}
	d := &Draft{Entry: e, ContentDigest: sha256.Sum256(content), content: content, split: split, room: r}
	d.Entry.Describe = nil // what it would write is written
	return d, nil
}

// Release gives the memory of the content back for other drafts. The draft has no leaf any more: whoever asks for it panics. Nobody has to call it.
func (d *Draft) Release() {
	if d.room != nil {
		d.room.leave(d.content)
		d.room, d.content = nil, nil
	}
}

// Size returns about how many bytes the leaf will have.
func (d *Draft) Size() int { return len(d.content) + positionAllowance }

// Leaf returns the leaf for the entry at a position, and its hash. The recorded time must be in whole microseconds, which is what PostgreSQL keeps.
func (d *Draft) Leaf(leafIndex int64, recorded time.Time) ([]byte, tlog.Hash) {
	return d.LeafIn(make([]byte, 0, 1+d.Size()), leafIndex, recorded)
}

// LeafIn is Leaf in the memory given, which is enough with one byte more than Size: the leaf is there until something else is written to it.
func (d *Draft) LeafIn(room []byte, leafIndex int64, recorded time.Time) ([]byte, tlog.Hash) {
	hashed := append(room[:0], leafHashPrefix) // what is hashed has the leaf in it: LeafHash would copy it
	hashed = append(hashed, d.content[:d.split]...)
	hashed = appendPosition(hashed, leafIndex, recorded)
	hashed = append(hashed, d.content[d.split:]...)
	return hashed[1:], sha256.Sum256(hashed)
}

// Marshal returns the entry's serialized form, position included: the leaf.
func (e Entry) Marshal() ([]byte, error) {
	d, err := NewDraft(e)
	if err != nil {
		return nil, err
	}
	if e.LeafIndex < 0 {
		return nil, errs.InvalidField("leaf_index", "must not be negative")
	}
	if err := validTime("recorded_time", e.RecordedTime); err != nil {
		return nil, err
	}
	leaf, _ := d.Leaf(e.LeafIndex, e.RecordedTime)
	d.Release()
	return leaf, nil
}

// ContentDigest returns the SHA-256 of what the writer said: of the leaf without leaf index and recorded time.
func (e Entry) ContentDigest() ([32]byte, error) {
	d, err := NewDraft(e)
	if err != nil {
		return [32]byte{}, err
	}
	d.Release()
	return d.ContentDigest, nil
}

// appendHead appends the fields before the position: format_version, entry_id, tenant_id.
func (e *Entry) appendHead(b []byte) []byte {
	b = protowire.AppendTag(b, fieldFormatVersion, protowire.VarintType)
	b = protowire.AppendVarint(b, FormatVersion)
	b = appendUUID(appendLength(b, fieldEntryID, uuidLength), e.EntryID)
	return appendUUID(appendLength(b, fieldTenantID, uuidLength), uuid.UUID(e.TenantID))
}

// uuidLength is that of a UUID in its usual form.
const uuidLength = 36

func appendUUID(b []byte, id uuid.UUID) []byte {
	b = hex.AppendEncode(b, id[:4])
	for _, end := range []int{6, 8, 10} {
		b = hex.AppendEncode(append(b, '-'), id[end-2:end])
	}
	return hex.AppendEncode(append(b, '-'), id[10:])
}

// appendLength begins a field of n bytes.
func appendLength(b []byte, field protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(n)) // not negative
}

// appendPosition appends leaf_index and recorded_time.
func appendPosition(b []byte, leafIndex int64, recorded time.Time) []byte {
	if leafIndex != 0 {
		b = protowire.AppendTag(b, fieldLeafIndex, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(leafIndex)) // not negative
	}
	return appendTime(b, fieldRecordedTime, recorded)
}

// appendBody appends the fields after the position. What writes details itself does it with o.
func (e *Entry) appendBody(b []byte, o *Object) ([]byte, error) {
	b = appendTime(b, fieldEffectiveTime, e.EffectiveTime)
	b = appendString(b, fieldEventType, e.EventType)
	b = appendString(b, fieldAction, e.Action)
	b = protowire.AppendTag(b, fieldOutcome, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(e.Outcome))
	b = appendMessage(b, fieldActor, func(b []byte) []byte {
		b = protowire.AppendTag(b, 1, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(e.Actor.Kind))
		b = appendString(b, 2, e.Actor.ID)
		return appendString(b, 3, e.Actor.OnBehalfOf)
	})
	var err error
	b = appendMessage(b, fieldResource, func(b []byte) []byte {
		b = appendString(b, 1, e.Resource.Type)
		b = appendString(b, 2, e.Resource.ID)
		b = appendString(b, 3, e.Resource.Name)
		if e.Resource.State != nil {
			b, err = appendStruct(b, 4, e.Resource.State, 0)
		}
		return b
	})
	if err != nil {
		return nil, errs.InvalidField("resource.state", "%v", err)
	}
	b = appendString(b, fieldSourceService, e.SourceService)
	b = appendString(b, fieldRequestID, e.RequestID)
	b = appendString(b, fieldCorrelationID, e.CorrelationID)
	switch {
	case e.Describe != nil:
		b = appendMessage(b, fieldDetails, func(b []byte) []byte {
			o.wire = b
			e.Describe(o)
			return o.wire
		})
		err = o.err
	case e.Details != nil:
		b, err = appendStruct(b, fieldDetails, e.Details, 0)
	}
	if err != nil {
		return nil, errs.InvalidField("details", "%v", err)
	}
	for _, d := range e.Digests {
		b = appendMessage(b, fieldDigests, func(b []byte) []byte {
			b = appendString(b, 1, d.Name)
			b = protowire.AppendTag(b, 2, protowire.BytesType)
			return protowire.AppendBytes(b, d.SHA256[:])
		})
	}
	return b, nil
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

// appendTime appends a google.protobuf.Timestamp; the zero time is left out.
func appendTime(b []byte, field protowire.Number, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendMessage(b, field, func(b []byte) []byte {
		if s := t.Unix(); s != 0 {
			b = protowire.AppendTag(b, 1, protowire.VarintType)
			b = protowire.AppendVarint(b, uint64(s)) // two's complement, as int64 fields are encoded
		}
		if n := t.Nanosecond(); n != 0 {
			b = protowire.AppendTag(b, 2, protowire.VarintType)
			b = protowire.AppendVarint(b, uint64(n)) // not negative
		}
		return b
	})
}

// appendMessage appends a submessage. Its length is known only afterwards: room for a one-byte length is left, and widened if need be.
func appendMessage(b []byte, field protowire.Number, fill func([]byte) []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	at := len(b)
	b = fill(append(b, 0))
	size := len(b) - at - 1
	if size < 0x80 {
		b[at] = byte(size)
		return b
	}
	width := protowire.SizeVarint(uint64(size)) // not negative
	b = append(b, make([]byte, width-1)...)
	copy(b[at+width:], b[at+1:at+1+size])
	protowire.AppendVarint(b[:at], uint64(size)) // not negative
	return b
}
