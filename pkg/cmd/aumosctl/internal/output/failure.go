package output

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Failure is an error as it is shown: what a server said of it, or just a message.
type Failure struct {
	Message    string            `json:"message"`
	Code       string            `json:"code,omitempty"`   // the canonical code, for example NOT_FOUND
	Reason     string            `json:"reason,omitempty"` // the value of the service's ErrorReason, without its prefix
	Domain     string            `json:"domain,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Violations []Violation       `json:"field_violations,omitempty"`
	RetryAfter string            `json:"retry_after,omitempty"`
	RequestID  string            `json:"request_id,omitempty"`
	Hint       string            `json:"hint,omitempty"`
}

// Violation is what is wrong with one field of a request.
type Violation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

// inline puts an error's text on one line: libraries break it, or put a no-break space where nobody expects one.
var inline = strings.NewReplacer(":\n\t", ": ", "\n\t", "; ", "\n", "; ", "\u00a0", " ") //nolint:gochecknoglobals // immutable

// Describe takes an error apart. The request id is shown with the errors of a server, whose logs have it.
func Describe(err error, requestID string) Failure {
	var remote interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &remote) {
		return Failure{Message: inline.Replace(err.Error())}
	}
	s := remote.GRPCStatus()
	f := Failure{Message: s.Message(), Code: codeName(s.Code()), RequestID: requestID}
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			f.Reason, f.Domain, f.Metadata = d.GetReason(), d.GetDomain(), d.GetMetadata()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.Violations = append(f.Violations, Violation{Field: v.GetField(), Description: v.GetDescription()})
			}
		case *errdetails.RetryInfo:
			f.RetryAfter = d.GetRetryDelay().AsDuration().Round(time.Millisecond).String()
		case *errdetails.RequestInfo:
			f.RequestID = d.GetRequestId()
		}
	}
	f.Hint = hint(f, s.Code())
	return f
}

// Print writes the failure for people, or as JSON.
func (f Failure) Print(w io.Writer, asJSON bool) error {
	if asJSON {
		return JSON(w, map[string]Failure{"error": f}, false)
	}
	if _, err := fmt.Fprintf(w, "error: %s\n", Clean(f.Message)); err != nil {
		return err
	}
	reason := f.Reason
	if f.Domain != "" {
		reason += " (" + f.Domain + ")"
	}
	pairs := []string{"code", f.Code, "reason", reason}
	for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
		if key == "request_id" && f.Metadata[key] == f.RequestID {
			continue // said once
		}
		pairs = append(pairs, key, f.Metadata[key])
	}
	for _, v := range f.Violations {
		pairs = append(pairs, "field", v.Field+": "+v.Description)
	}
	return Pairs(w, "  ", append(pairs, "retry after", f.RetryAfter, "request", f.RequestID, "what to do", f.Hint)...)
}

// codeName returns the canonical name of a code, as NOT_FOUND.
func codeName(code codes.Code) string {
	if name, ok := codeNames[code]; ok {
		return name
	}
	return code.String()
}

var codeNames = map[codes.Code]string{ //nolint:gochecknoglobals // a constant table
	codes.Canceled:           "CANCELLED",
	codes.Unknown:            "UNKNOWN",
	codes.InvalidArgument:    "INVALID_ARGUMENT",
	codes.DeadlineExceeded:   "DEADLINE_EXCEEDED",
	codes.NotFound:           "NOT_FOUND",
	codes.AlreadyExists:      "ALREADY_EXISTS",
	codes.PermissionDenied:   "PERMISSION_DENIED",
	codes.ResourceExhausted:  "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION",
	codes.Aborted:            "ABORTED",
	codes.OutOfRange:         "OUT_OF_RANGE",
	codes.Unimplemented:      "UNIMPLEMENTED",
	codes.Internal:           "INTERNAL",
	codes.Unavailable:        "UNAVAILABLE",
	codes.DataLoss:           "DATA_LOSS",
	codes.Unauthenticated:    "UNAUTHENTICATED",
}

// hint says what to do about an error: by its reason, and where it has none by its code.
func hint(f Failure, code codes.Code) string {
	if text, ok := reasonHints[f.Reason]; ok {
		return text
	}
	return codeHints[code]
}

var reasonHints = map[string]string{ //nolint:gochecknoglobals // a constant table
	"INVALID_TOKEN":            "log in again with aumosctl login, or renew AUMOSCTL_TOKEN",
	"PERMISSION_MISSING":       "ask for a role that grants the permission, or use another profile with --profile",
	"TENANT_MISMATCH":          "leave --tenant out, or name the tenant of your token",
	"TENANT_MISSING":           "name the tenant to act for with --tenant",
	"NOT_FOUND":                "check the id, and that the profile is of the right tenant",
	"ALREADY_EXISTS":           "choose another name",
	"STALE_ETAG":               "somebody changed it meanwhile: look at it and run the command again",
	"CONFLICT":                 "run the command again",
	"UNAVAILABLE":              "run the command again; nothing is done twice",
	"OVERLOADED":               "wait, then run the command again",
	"CALL_ENDED":               "allow more time with --timeout; a stream must not be silent for 5 minutes",
	"TOKEN_EXPIRED":            "go on with a fresh token: log in again with aumosctl login, or renew AUMOSCTL_TOKEN",
	"SIDECAR_OWNED":            "give the sidecar a name of its own, or have an operator release this one: aumosctl policy bundle release NAME",
	"INTERNAL":                 "report the request id to whoever runs the platform",
	"REGO_INVALID":             "mend the policy where the fields say and push it again",
	"POLICY_NOT_ACTIVE":        "submit, approve and activate a version: aumosctl policy --help",
	"DECISION_POINT_UNBOUND":   "push a policy for this decision point and activate a version of it",
	"POLICY_VERSION_STATE":     "look at where the version stands: aumosctl policy show",
	"SAME_PERSON":              "ask somebody who has neither written nor submitted it, or use their profile with --profile",
	"TESTS_REQUIRED":           "aumosctl policy test --policy POLICY --coverage tests the stored version and says what is missing; a run that passes opens the way",
	"POLICY_ARCHIVED":          "take it back into use with aumosctl policy unarchive",
	"POLICY_IN_USE":            "retire its active version with aumosctl policy retire",
	"INPUTS_NOT_KEPT":          "let inputs be kept with aumosctl decision settings set --keep-inputs --retention DURATION, and wait for decisions",
	"INPUTS_KEY_MISSING":       "ask whoever runs the platform for the setting INPUTS__KEY_FILE",
	"BUNDLES_KEY_MISSING":      "ask whoever runs the platform for the setting BUNDLES__SIGNING_KEY_FILE",
	"LIMIT_REACHED":            "add versions to policies that exist, retire what a decision point no longer needs, or ask whoever runs the platform for a larger limit (POLICY__MAX_POLICIES, POLICY__MAX_VERSIONS)",
	"ENTRY_TOO_LARGE":          "store the large part elsewhere and record its digest",
	"TREE_SIZE_BEYOND_LOG":     "compare with the newest checkpoint: a log that was larger before has been cut",
	"POSITION_NOT_REACHED":     "run the command again: the replica that answered is behind the one that recorded",
	"PLATFORM_LOG":             "name a tenant of yours: the platform's own log takes no entries of others",
	"LOG_INCONSISTENT":         "stop, and tell whoever runs the platform: the log has been cut, restored or rewritten",
	"COLUMN_UNKNOWN":           "leave the column out with --ignore, or make another monitor with --monitor",
	"COLUMN_MISSING":           "the data must have every feature of the monitor or of the comparison",
	"VALUE_NOT_FINITE":         "mend the value, or let it count as missing with --missing",
	"CARDINALITY_TOO_HIGH":     "leave the column out with --ignore: identifiers are no features",
	"DATA_TOO_LARGE":           "send a sample of the rows, or leave columns out with --ignore",
	"BASELINE_TOO_SMALL":       "use more rows, or leave the column out with --ignore",
	"BASELINE_NOT_ACTIVE":      "upload one with aumosctl drift detect --baseline",
	"STREAM_SEQUENCE":          "send the values from the expected sequence on: aumosctl drift stream get shows it",
	"TOO_MANY_DRIFTS":          "send fewer values at once",
	"EMBEDDING_NOT_CONFIGURED": "leave --embed out, or ask the operator of the drift service for an embedding service",
}

var codeHints = map[codes.Code]string{ //nolint:gochecknoglobals // a constant table
	codes.Unavailable:      "check that the service runs at this address, and whether it speaks TLS (--plaintext, --tls-ca)",
	codes.DeadlineExceeded: "allow more time with --timeout",
	codes.Unauthenticated:  "log in again with aumosctl login, or renew AUMOSCTL_TOKEN",
	codes.Unimplemented:    "the address is of another service, or the platform is older than this program",
	codes.Internal:         "report the request id to whoever runs the platform",
}
