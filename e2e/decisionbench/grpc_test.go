//go:build linux

package decisionbench_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// grpcCaller calls a method with the same message again and again: gRPC on HTTP/2, with frames that are written once, but for the number of the stream. The header
// fields of all questions but the first, the token's as well, are numbers of fields that the server knows, as they are with every client.
type grpcCaller struct {
	first, later []byte // the frames of a question
	data         int    // where DATA begins in later
	stream       uint32 // of the last question
	window       int    // how much more the server takes
	size         int    // what a question takes of that
	unread       int    // what the server has sent since it was granted more
	headers      *hpack.Decoder
	status       string            // of the call whose header fields are read
	answers      map[uint32][]byte // of the open calls, as far as they have arrived
	spare        [][]byte
	out          bytes.Buffer
	reply        *http2.Framer // to out
	check        func(message []byte) error
}

const (
	frameHead, messageHead = 9, 5
	// grant is how much the server may send ahead; fixed, so that nobody measures the connection with pings.
	grant = 1 << 20
	// initialWindow is HTTP/2's own, until a server grants more.
	initialWindow = 65535
)

func newGRPCCaller(host, method, token string, message []byte, check func(message []byte) error) (*grpcCaller, error) {
	c := &grpcCaller{window: initialWindow, size: messageHead + len(message), answers: make(map[uint32][]byte), check: check}
	c.reply = http2.NewFramer(&c.out, nil)
	c.headers = hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == "grpc-status" {
			c.status = f.Value
		}
	})
	hello := bytes.NewBufferString(http2.ClientPreface)
	err := errors.Join(
		http2.NewFramer(hello, nil).WriteSettings(http2.Setting{ID: http2.SettingEnablePush}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: grant}),
		http2.NewFramer(hello, nil).WriteWindowUpdate(0, grant-initialWindow))
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	frames := func() []byte {
		block.Reset()
		for _, f := range []hpack.HeaderField{
			{Name: ":method", Value: "POST"},
			{Name: ":scheme", Value: "http"},
			{Name: ":path", Value: method},
			{Name: ":authority", Value: host},
			{Name: "content-type", Value: "application/grpc"},
			{Name: "user-agent", Value: "bench"},
			{Name: "te", Value: "trailers"},
			{Name: "authorization", Value: "Bearer " + token},
		} {
			err = errors.Join(err, encoder.WriteField(f))
		}
		var text bytes.Buffer
		framer := http2.NewFramer(&text, nil)
		err = errors.Join(err, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}))
		c.data = text.Len()
		err = errors.Join(err, framer.WriteData(1, true, append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)))
		return text.Bytes()
	}
	c.first = append(hello.Bytes(), frames()...)
	c.later = frames()
	return c, err
}

// sideBySide implements caller: fewer than the calls that the server takes at once on a connection.
func (c *grpcCaller) sideBySide() int { return 64 }

// question implements caller.
func (c *grpcCaller) question() (text []byte, number uint32, err error) {
	if c.window -= c.size; c.window < 0 {
		return nil, 0, errors.New("the server takes no more")
	}
	if c.stream == 0 {
		c.stream = 1
		return c.first, c.stream, nil
	}
	c.stream += 2
	binary.BigEndian.PutUint32(c.later[5:], c.stream)
	binary.BigEndian.PutUint32(c.later[c.data+5:], c.stream)
	return c.later, c.stream, nil
}

// take implements caller.
func (c *grpcCaller) take(arrived []byte, answered func(number uint32, how answer) error) (rest, response []byte, err error) {
	c.out.Reset()
	for len(arrived) >= frameHead {
		head := http2.FrameHeader{
			Length: uint32(arrived[0])<<16 | uint32(arrived[1])<<8 | uint32(arrived[2]),
			Type:   http2.FrameType(arrived[3]), Flags: http2.Flags(arrived[4]), StreamID: binary.BigEndian.Uint32(arrived[5:]),
		}
		end := frameHead + int(head.Length)
		if end > most/2 {
			return nil, nil, fmt.Errorf("%v is too large", head)
		}
		if len(arrived) < end {
			break
		}
		if err := c.frame(head, arrived[frameHead:end], answered); err != nil {
			return nil, nil, fmt.Errorf("%v %q: %w", head, arrived[frameHead:end], err)
		}
		arrived = arrived[end:]
	}
	if c.stream == 0 { // nothing comes before the greeting, which the first question begins with
		c.first = append(c.first, c.out.Bytes()...)
		return arrived, nil, nil
	}
	return arrived, c.out.Bytes(), nil
}

// frame takes what a server of gRPC may send; all else is an error.
func (c *grpcCaller) frame(head http2.FrameHeader, payload []byte, answered func(number uint32, how answer) error) error {
	switch head.Type { //nolint:exhaustive // see below
	case http2.FrameHeaders:
		if head.Flags&^http2.FlagHeadersEndStream != http2.FlagHeadersEndHeaders {
			break
		}
		c.status = ""
		if _, err := c.headers.Write(payload); err != nil {
			return err
		}
		if err := c.headers.Close(); err != nil || !head.Flags.Has(http2.FlagHeadersEndStream) {
			return err
		}
		how := refusals[c.status]
		if err := c.judge(head.StreamID); err != nil && how == given {
			return err
		}
		return answered(head.StreamID, how)
	case http2.FrameData:
		if head.Flags != 0 {
			break
		}
		text, open := c.answers[head.StreamID]
		if n := len(c.spare); !open && n > 0 {
			text, c.spare = c.spare[n-1], c.spare[:n-1]
		}
		c.answers[head.StreamID] = append(text, payload...)
		if c.unread += len(payload); c.unread < grant/4 {
			return nil
		}
		granted := uint32(c.unread)
		c.unread = 0
		return c.reply.WriteWindowUpdate(0, granted)
	case http2.FrameWindowUpdate:
		if head.StreamID == 0 && len(payload) == 4 {
			c.window += int(binary.BigEndian.Uint32(payload))
		}
		return nil
	case http2.FrameSettings:
		if head.Flags.Has(http2.FlagSettingsAck) {
			return nil
		}
		return c.reply.WriteSettingsAck()
	case http2.FramePing:
		if head.Flags.Has(http2.FlagPingAck) || len(payload) != 8 {
			break
		}
		return c.reply.WritePing(true, [8]byte(payload))
	}
	return errors.New("unexpected")
}

// refusals are the statuses after which every client puts its question again. RESOURCE_EXHAUSTED is what a server says whose disk stands still for half a second
// while twenty thousand questions come, UNAVAILABLE what it says whose database does not answer.
var refusals = map[string]answer{"8": overloaded, "14": unavailable}

// judge looks at the answer of a call that has ended.
func (c *grpcCaller) judge(stream uint32) error {
	answer := c.answers[stream]
	delete(c.answers, stream)
	c.spare = append(c.spare, answer[:0])
	if c.status != "0" {
		return errors.New("the call failed")
	}
	if len(answer) < messageHead || answer[0] != 0 || int(binary.BigEndian.Uint32(answer[1:])) != len(answer)-messageHead {
		return fmt.Errorf("%q is not one message", answer)
	}
	return c.check(answer[messageHead:])
}
