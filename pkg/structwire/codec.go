package structwire

import (
	"sync"

	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// Codec is gRPC's own for protobuf but that messages are read as here, and that what is written of small ones is memory for the next ones once it is sent. gRPC
// does so with messages of more than a kilobyte only, of which there are few.
type Codec struct{ encoding.CodecV2 }

// NewCodec returns the codec.
func NewCodec() Codec { return Codec{encoding.GetCodecV2(protocodec.Name)} }

// Unmarshal implements encoding.CodecV2.
func (c Codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	return Unmarshal(buffer.ReadOnlyData(), m)
}

// Marshal implements encoding.CodecV2.
func (c Codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	size := proto.Size(m)
	if size > smallMessage {
		return c.CodecV2.Marshal(v)
	}
	b := small.Get(size)
	written, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(*b, m)
	if err != nil {
		small.Put(b)
		return nil, err
	}
	*b = written
	return mem.BufferSlice{mem.NewBuffer(b, small)}, nil
}

// smallMessage is the size that messages are small up to: most of those that are sent. gRPC would not give back memory of less than a kilobyte.
const smallMessage = 2 << 10

var small = &buffers{sync.Pool{New: func() any { //nolint:gochecknoglobals // memory alone
	b := make([]byte, 0, smallMessage)
	return &b
}}}

// buffers is memory for small messages. gRPC counts who holds a piece of it, and gives it back when it is sent.
type buffers struct{ pool sync.Pool }

// Get implements mem.BufferPool, but that what it returns is empty.
func (b *buffers) Get(int) *[]byte { return b.pool.Get().(*[]byte) }

// Put implements mem.BufferPool.
func (b *buffers) Put(piece *[]byte) {
	if cap(*piece) == smallMessage {
		*piece = (*piece)[:0]
		b.pool.Put(piece)
	}
}
