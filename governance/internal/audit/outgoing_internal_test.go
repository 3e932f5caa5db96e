package audit

import (
	"bytes"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// sent is where the driver writes to.
type sent struct {
	text []byte
	last *byte // of the memory that it was written from
}

func (s *sent) Write(p []byte) (int, error) {
	s.text, s.last = append(s.text, p...), &p[0]
	return len(p), nil
}

// TestOutgoing sends the same as the driver would by itself, from the same memory each time unless it is too much to be kept.
func TestOutgoing(t *testing.T) {
	t.Parallel()
	var with, without sent
	ours, theirs := pgproto3.NewFrontend(nil, &with), pgproto3.NewFrontend(nil, &without)
	var room outgoing
	var first *byte
	for i, n := range []int{40_000, 40_000, 10, 45_000, 2 * maxKept, 40_000, 0} {
		bind := pgproto3.Bind{PreparedStatement: "s", Parameters: [][]byte{bytes.Repeat([]byte{byte(i)}, n), []byte("x")}}
		room.size = messages + n
		for _, f := range []*pgproto3.Frontend{ours, theirs} {
			f.SendParse(&pgproto3.Parse{Name: "s"}) // waits to be sent
			if f == ours {
				f.Send(&room)
			}
			f.SendBind(&bind)
			f.SendSync(&pgproto3.Sync{})
			if err := f.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if first == nil {
			first = with.last
		}
		if fits := n > 1024 && n <= maxKept; fits && with.last != first {
			t.Errorf("message %d was sent from other memory", i)
		}
		if !bytes.Equal(with.text, without.text) {
			t.Fatalf("message %d is not the driver's", i)
		}
		if cap(room.buffer) > maxKept {
			t.Errorf("%d bytes are kept", cap(room.buffer))
		}
	}
}
