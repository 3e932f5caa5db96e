// Package errs holds the errors that domain code returns: a kind, a reason that programs may depend on, a message for the client
// and a cause for the log. It knows nothing of gRPC; pkg/interceptor turns its errors into statuses in one place.
package errs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Kind says what class of failure an error is; each maps to one canonical gRPC code.
type Kind uint8

// The kinds, in no order of severity.
const (
	Internal Kind = iota // a defect of the platform; its message never reaches the client
	InvalidArgument
	NotFound
	AlreadyExists
	FailedPrecondition
	Aborted
	PermissionDenied
	Unauthenticated
	ResourceExhausted
	Unavailable
	DataLoss
	DeadlineExceeded
	Canceled
)

// Violation names a field of the request that breaks a rule.
type Violation struct {
	Field       string
	Description string
}

// Error is a failure that a client may learn about. Everything but Cause is shown to the client.
type Error struct {
	Kind       Kind
	Reason     Reason
	Message    string
	Metadata   map[string]string
	Violations []Violation
	RetryAfter time.Duration // zero: no advice
	Cause      error         // for the log only
}

// New makes an error whose message tells the client what is wrong and what to do.
func New(kind Kind, reason Reason, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Error returns the message followed by the cause: the text for the log.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is an *Error of the same kind and reason, so that errors.Is works with a value from New.
func (e *Error) Is(target error) bool {
	t, ok := errors.AsType[*Error](target)
	return ok && t.Kind == e.Kind && t.Reason == e.Reason
}

// With returns a copy with a metadata entry for the client.
func (e *Error) With(key, value string) *Error {
	c := *e
	c.Metadata = maps.Clone(e.Metadata)
	if c.Metadata == nil {
		c.Metadata = make(map[string]string, 1)
	}
	c.Metadata[key] = value
	return &c
}

// Field returns a copy with a field violation added.
func (e *Error) Field(field, format string, args ...any) *Error {
	c := *e
	c.Violations = append(slices.Clone(e.Violations), Violation{Field: field, Description: fmt.Sprintf(format, args...)})
	return &c
}

// Within returns a copy whose violations name fields of the message at path, for example "entries[3]".
func (e *Error) Within(path string) *Error {
	c := *e
	c.Violations = slices.Clone(e.Violations)
	for i := range c.Violations {
		c.Violations[i].Field = path + "." + c.Violations[i].Field
	}
	return &c
}

// After returns a copy that advises to retry after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Because returns a copy with the cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// ReasonOf returns the reason of the first *Error in err's chain, or "" when there is none.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}
