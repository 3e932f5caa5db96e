package audit

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// outgoing is memory that a connection sends batches from. The driver's own grows parameter by parameter, to twice a batch in all, and is thrown away after each.
// It is of one connection, which writes one message after the other: whatever the driver does with memory that it has sent, nobody else writes to it.
//
// To the driver it is a message of no bytes, which makes room for the next.
type outgoing struct {
	buffer []byte
	size   int // of what comes next
}

var _ pgproto3.FrontendMessage = (*outgoing)(nil)

// outgoingData is where a connection has it.
const outgoingData = "aumos_outgoing"

// messages is about what a statement takes to send besides its parameters.
const messages = 512

// makeRoom has the connection send the next statement, which has these parameters, from its own memory.
func makeRoom(conn *pgconn.PgConn, parameters [][]byte) {
	o, ok := conn.CustomData()[outgoingData].(*outgoing)
	if !ok {
		o = &outgoing{}
		conn.CustomData()[outgoingData] = o
	}
	o.size = messages
	for _, p := range parameters {
		o.size += len(p)
	}
	conn.Frontend().Send(o)
}

// Encode moves what waits to be sent, if anything does, to where there is room.
func (o *outgoing) Encode(waits []byte) ([]byte, error) {
	if cap(waits)-len(waits) >= o.size {
		return waits, nil
	}
	b, size := o.buffer, len(waits)+o.size
	if cap(b) < size {
		b = make([]byte, 0, size+size/4) // batches are of about one size
		if cap(b) <= maxKept {
			o.buffer = b
		}
	}
	return append(b[:0], waits...), nil
}

// Decode is for messages that are received.
func (*outgoing) Decode([]byte) error {
	return errors.New("nothing is received into memory to send from")
}

// Frontend marks a message of clients.
func (*outgoing) Frontend() {}
