package auditlog

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// validate checks everything but the total size and the values in details and state, which encoding meets anyway.
func (e *Entry) validate() error {
	switch {
	case e.EntryID == uuid.Nil:
		return errs.InvalidField("entry_id", "must be set")
	case e.TenantID == tenant.ID{}:
		return errs.InvalidField("tenant_id", "must be set")
	case e.LeafIndex < 0:
		return errs.InvalidField("leaf_index", "must not be negative")
	case !dotted(e.EventType):
		return errs.InvalidField("event_type", "must be dotted lower-case words of at most %d characters", maxTypeLength)
	case !dotted(e.Action):
		return errs.InvalidField("action", "must be dotted lower-case words of at most %d characters", maxTypeLength)
	case e.Outcome < Success || e.Outcome > Failure:
		return errs.InvalidField("outcome", "must be set")
	case e.Actor.Kind < ActorUser || e.Actor.Kind > ActorSystem:
		return errs.InvalidField("actor.kind", "must be set")
	case !word(e.Resource.Type) || len(e.Resource.Type) > maxShortLength:
		return errs.InvalidField("resource.type", "must be one lower-case word of at most %d characters", maxShortLength)
	case len(e.Digests) > MaxDigests:
		return errs.InvalidField("digests", "must be at most %d", MaxDigests)
	}
	if err := validTime("recorded_time", e.RecordedTime); err != nil {
		return err
	}
	if err := validTime("effective_time", e.EffectiveTime); err != nil {
		return err
	}
	for _, text := range []struct {
		field, value string
		minLen, max  int
	}{
		{"actor.id", e.Actor.ID, 1, maxIDLength},
		{"actor.on_behalf_of", e.Actor.OnBehalfOf, 0, maxIDLength},
		{"resource.id", e.Resource.ID, 1, maxIDLength},
		{"resource.name", e.Resource.Name, 0, maxIDLength},
		{"source_service", e.SourceService, 1, maxIDLength},
		{"request_id", e.RequestID, 0, maxRequestLength},
		{"correlation_id", e.CorrelationID, 0, maxRequestLength},
	} {
		if err := validText(text.field, text.value, text.minLen, text.max); err != nil {
			return err
		}
	}
	for _, d := range e.Digests {
		if err := validText("digests.name", d.Name, 1, maxShortLength); err != nil {
			return err
		}
	}
	return nil
}

// validText checks what PostgreSQL's text, protobuf's string and an index row can all hold. Lengths count characters, as the contract's do.
func validText(field, s string, minLen, maxLen int) error {
	switch {
	case !utf8.ValidString(s):
		return errs.InvalidField(field, "must be valid UTF-8")
	case strings.IndexByte(s, 0) >= 0:
		return errs.InvalidField(field, "must not contain the character U+0000")
	}
	if n := utf8.RuneCountInString(s); n < minLen || n > maxLen {
		return errs.InvalidField(field, "must have %d to %d characters", minLen, maxLen)
	}
	return nil
}

// validTime accepts the range of google.protobuf.Timestamp; the zero time stands for none.
func validTime(field string, t time.Time) error {
	if y := t.UTC().Year(); !t.IsZero() && (y < 1 || y > 9999) {
		return errs.InvalidField(field, "must be in the years 1 to 9999")
	}
	return nil
}

// dotted reports whether s matches ^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$ within the limit.
func dotted(s string) bool {
	if len(s) > maxTypeLength || strings.IndexByte(s, '.') < 0 {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !word(part) {
			return false
		}
	}
	return true
}

// word reports whether s matches ^[a-z][a-z0-9_]*$.
func word(s string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
