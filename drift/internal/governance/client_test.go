package governance

import (
	"errors"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/pkg/auth"
)

// TestEntryTo looks that entries keep the contract's rules and are the same each time.
func TestEntryTo(t *testing.T) {
	t.Parallel()
	entry := evidence.Entry{
		EntryID: uuid.New(), EffectiveTime: time.Now(), Kind: evidence.Detection, Action: "drift.detect", Outcome: evidence.Success,
		Actor:    evidence.Actor{Kind: auth.KindUser, ID: "u"},
		Resource: evidence.Resource{Type: "detection", ID: uuid.New(), State: map[string]any{"a": nil, "b": []string{"c"}, "n": int32(3)}},
		Details:  map[string]any{"severity": 0.5, "row_count": int64(1_000_000)}, Digests: []evidence.Digest{{Name: "result"}},
	}
	first, err := entryTo(entry)
	if err != nil {
		t.Fatal(err)
	}
	if err := protovalidate.Validate(first); err != nil {
		t.Error(err)
	}
	second, err := entryTo(entry)
	if err != nil || !proto.Equal(first, second) {
		t.Errorf("got %v, then %v, %v", first, second, err)
	}
	if got := first.GetDetails().AsMap()["row_count"]; got != 1e6 {
		t.Errorf("got %v", got)
	}
	entry.Details["f"] = func() {}
	if _, err := entryTo(entry); err == nil {
		t.Error("encoded what is no JSON")
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for code, refused := range map[codes.Code]bool{
		codes.Unavailable: false, codes.DeadlineExceeded: false, codes.Internal: false, codes.ResourceExhausted: false, codes.Unauthenticated: false,
		codes.InvalidArgument: true, codes.PermissionDenied: true, codes.AlreadyExists: true, codes.FailedPrecondition: true, codes.Unimplemented: true,
	} {
		if got := errors.Is(judge("x", status.Error(code, "")), evidence.ErrRefused); got != refused {
			t.Errorf("%s: refused %v", code, got)
		}
	}
}
