package interceptor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Failure is what a client may learn of an error, for answers that hold the errors of their parts.
type Failure struct {
	Code       codes.Code
	Reason     errs.Reason
	Message    string
	Violations []errs.Violation
	RetryAfter time.Duration // zero: no advice
}

// FailureOf judges the error of a part as the chain judges that of a call, with the same limits.
func FailureOf(ctx context.Context, err error) Failure {
	e := classify(ctx, err)
	f := Failure{Code: e.code, Reason: e.Reason, Message: clean(e.Message, maxMessage), RetryAfter: retryAfter(e)}
	for _, v := range e.Violations[:min(len(e.Violations), maxViolations)] {
		f.Violations = append(f.Violations, errs.Violation{Field: clean(v.Field, maxText), Description: clean(v.Description, maxText)})
	}
	return f
}

// Validate checks a part of a request that the contract exempts from the chain's validation, so that it fails alone.
func Validate(part proto.Message) error { return validated(part) }

// validated judges by the validator that the process has: another would compile every rule once more, and remember every type of the contract.
func validated(msg proto.Message) error {
	if plain(msg) {
		return nil
	}
	err := protovalidate.Validate(msg, freeJSON)
	var broken *protovalidate.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &broken):
		return &invalidRequestError{broken, msg.ProtoReflect().Descriptor()}
	default:
		return fmt.Errorf("validate %s: %w", msg.ProtoReflect().Descriptor().FullName(), err)
	}
}
