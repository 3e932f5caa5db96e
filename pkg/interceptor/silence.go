package interceptor

import (
	"time"

	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// defaultSilence is long enough for the largest message over a slow line, and for a caller that has to make its next batch first.
const defaultSilence = 5 * time.Minute

// heardStream ends a call whose caller says nothing for too long: it holds memory of its tenant, and a connection that is alive says nothing of its callers.
type heardStream struct {
	grpc.ServerStream
	silence time.Duration
	ended   error // read and written by the handler's goroutine
}

// RecvMsg implements grpc.ServerStream. gRPC's cannot be interrupted but by the end of the call, which comes once the handler has returned the error: until
// then its goroutine goes on, and nobody looks at m any more.
func (s *heardStream) RecvMsg(m any) error {
	if s.ended != nil {
		return s.ended
	}
	timer := time.NewTimer(s.silence)
	defer timer.Stop()
	select {
	case result := <-aside(func() error { return s.ServerStream.RecvMsg(m) }):
		return result()
	case <-timer.C:
		s.ended = errs.New(errs.DeadlineExceeded, errs.ReasonCallEnded,
			"nothing came for %s, neither a whole message nor the end of the stream: send it again, without pauses of that length", s.silence)
		return s.ended
	}
}
