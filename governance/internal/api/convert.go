package api

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// parseID reads an id that validation has looked at already.
func parseID(field, s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Nil, errs.InvalidField(field, "must be a UUID")
	}
	return id, nil
}

// filterID returns uuid.Nil for none; nothing has that id.
func filterID(field, text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := parseID(field, text)
	if err == nil && id == uuid.Nil {
		return id, errs.InvalidField(field, "must not be the nil UUID")
	}
	return id, err
}

// idText returns "" for no id.
func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// withoutNUL refuses what the database cannot compare with.
func withoutNUL(field, text string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return errs.InvalidField(field, "must not contain the character U+0000")
	}
	return nil
}

// element is the path of one element of a repeated field.
func element(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }

// within puts the fields that err is about into the field of the request in which they stand.
func within(field string, err error) error {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e.Within(field)
	}
	return err
}

// timeOf returns the zero time for an unset timestamp.
func timeOf(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if t.CheckValid() != nil {
		return time.Time{}, errs.InvalidField(field, "must be in the years 1 to 9999")
	}
	return t.AsTime(), nil
}

// timeMessage returns nil for no time.
func timeMessage(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

// structMap returns nil for no message.
func structMap(s *structpb.Struct) map[string]any {
	if s == nil {
		return nil
	}
	return s.AsMap()
}

// structMessage converts what a leaf holds, which is what JSON has.
func structMessage(values map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(values)
	if values == nil || err != nil {
		return nil
	}
	return s
}

// place is a row or a column, which the size of a module bounds.
func place(n int) int32 { return int32(n) }

// anyList is a list of texts as the states within entries hold it.
func anyList(list []string) []any {
	values := make([]any, len(list))
	for i, s := range list {
		values[i] = s
	}
	return values
}

// stamp is a time as the states within entries hold it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
