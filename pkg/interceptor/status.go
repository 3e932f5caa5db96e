package interceptor

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/requestid"
)

// A status travels in trailers, which some clients cap at 8 KiB: what is over these limits is cut, and the error still arrives.
const (
	maxMessage    = 1024
	maxText       = 256 // of a metadata value, field or description
	maxMetadata   = 16
	maxViolations = 16
)

// The default advice when the error gives none.
const (
	retryUnavailable = 2 * time.Second
	retryExhausted   = time.Second
)

// publicError is what a client may learn.
type publicError struct {
	errs.Error
	code  codes.Code
	rules []*validate.Violation // the broken rules of the contract
}

func public(kind errs.Kind, reason errs.Reason, message string) *publicError {
	return fromDomain(&errs.Error{Kind: kind, Reason: reason, Message: message})
}

// internal is all that a client learns of a defect.
func internal() *publicError {
	return &publicError{code: codes.Internal, Error: errs.Error{Reason: errs.ReasonInternal, Message: "internal error"}}
}

func fromDomain(e *errs.Error) *publicError {
	code := codeOf(e.Kind)
	if code == codes.Internal {
		return internal()
	}
	return &publicError{Error: *e, code: code}
}

// codeOf is the one table of kinds and codes.
func codeOf(kind errs.Kind) codes.Code {
	switch kind {
	case errs.InvalidArgument:
		return codes.InvalidArgument
	case errs.NotFound:
		return codes.NotFound
	case errs.AlreadyExists:
		return codes.AlreadyExists
	case errs.FailedPrecondition:
		return codes.FailedPrecondition
	case errs.Aborted:
		return codes.Aborted
	case errs.PermissionDenied:
		return codes.PermissionDenied
	case errs.Unauthenticated:
		return codes.Unauthenticated
	case errs.ResourceExhausted:
		return codes.ResourceExhausted
	case errs.Unavailable:
		return codes.Unavailable
	case errs.DataLoss:
		return codes.DataLoss
	case errs.DeadlineExceeded:
		return codes.DeadlineExceeded
	case errs.Canceled:
		return codes.Canceled
	case errs.Internal:
		return codes.Internal
	}
	return codes.Internal
}

// encode makes the status: ErrorInfo always, then the violations, then the advice when to retry.
func (c *Chain) encode(ctx context.Context, e *publicError) *status.Status {
	info := &errdetails.ErrorInfo{Reason: string(e.Reason), Domain: c.domain, Metadata: metadataOf(ctx, e)}
	details := []protoadapt.MessageV1{info}
	if len(e.Violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, v := range e.Violations[:min(len(e.Violations), maxViolations)] {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: clean(v.Field, maxText), Description: clean(v.Description, maxText),
			})
		}
		details = append(details, bad)
	}
	if len(e.rules) > 0 {
		details = append(details, rulesOf(e))
	}
	if after := retryAfter(e); after > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	}
	bare := status.New(e.code, clean(e.Message, maxMessage))
	full, err := bare.WithDetails(details...)
	if err != nil {
		return bare // a detail does not encode, which clean rules out; the code matters most
	}
	return full
}

// rulesOf returns the broken rules that fit: a rule's path repeats the map keys that the caller chose.
func rulesOf(e *publicError) *validate.Violations {
	rules := &validate.Violations{}
	for _, v := range e.rules[:min(len(e.rules), maxViolations)] {
		if proto.Size(v) <= 2*maxText {
			rules.Violations = append(rules.Violations, v)
		}
	}
	return rules
}

// metadataOf returns the error's metadata and the request id, by which the log line is found.
func metadataOf(ctx context.Context, e *publicError) map[string]string {
	md := make(map[string]string, len(e.Metadata)+1)
	for _, key := range slices.Sorted(maps.Keys(e.Metadata)) {
		if len(md) == maxMetadata {
			break
		}
		md[clean(key, maxText)] = clean(e.Metadata[key], maxText)
	}
	if len(e.Violations) > maxViolations {
		md["violations"] = strconv.Itoa(len(e.Violations))
	}
	if id := requestid.FromContext(ctx); id != "" {
		md["request_id"] = id
	}
	return md
}

func retryAfter(e *publicError) time.Duration {
	switch {
	case e.RetryAfter > 0:
		return e.RetryAfter
	case e.code == codes.Unavailable:
		return retryUnavailable
	case e.code == codes.ResourceExhausted && e.Reason == errs.ReasonOverloaded:
		return retryExhausted
	default:
		return 0
	}
}

// clean makes s valid UTF-8, without which no detail encodes, of at most limit bytes.
func clean(s string, limit int) string { return truncate(strings.ToValidUTF8(s, "\uFFFD"), limit) }

// truncate cuts s at a rune's boundary and says so.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
