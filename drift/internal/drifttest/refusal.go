package drifttest

import (
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Refusal is what a client learns of an error.
type Refusal struct {
	Code     codes.Code
	Reason   string
	Fields   []string
	Says     []string // of each field
	Metadata map[string]string
	Retry    bool // with advice when
}

// RefusalOf reads the error's details. Every error of the service has a reason in the domain drift.aumos.
func RefusalOf(tb testing.TB, err error) Refusal {
	tb.Helper()
	s, ok := status.FromError(err)
	if !ok || err == nil {
		tb.Fatalf("got %v, want an error of the service", err)
	}
	r := Refusal{Code: s.Code()}
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() != "drift.aumos" {
				tb.Errorf("the error is of domain %q", d.GetDomain())
			}
			r.Reason, r.Metadata = d.GetReason(), d.GetMetadata()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				r.Fields, r.Says = append(r.Fields, v.GetField()), append(r.Says, v.GetDescription())
			}
		case *errdetails.RetryInfo:
			r.Retry = true
		}
	}
	if r.Reason == "" {
		tb.Errorf("%v has no reason", err)
	}
	return r
}

// Want fails the test unless err has the code and reason and, when given, names the field.
func Want(tb testing.TB, err error, code codes.Code, reason, field string) Refusal {
	tb.Helper()
	r := RefusalOf(tb, err)
	if r.Code != code || r.Reason != reason {
		tb.Errorf("got %s %s (%v), want %s %s", r.Code, r.Reason, err, code, reason)
	}
	if field != "" && (len(r.Fields) == 0 || r.Fields[0] != field) {
		tb.Errorf("got fields %q, want %q: %v", r.Fields, field, err)
	}
	return r
}
