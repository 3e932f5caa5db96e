package interceptor

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
)

type panickingStream struct{ grpc.ServerStream }

func (panickingStream) RecvMsg(any) error { panic("a codec's defect") }

// A panic while a message is received is the call's, not the process's, and says where it was.
func TestPanicWhileReceiving(t *testing.T) {
	t.Parallel()
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "a codec's defect") || !strings.Contains(p, "panickingStream.RecvMsg") {
			t.Errorf("recovered %q", p)
		}
	}()
	s := &heardStream{ServerStream: panickingStream{}, silence: time.Minute}
	t.Errorf("received %v", s.RecvMsg(nil))
}
