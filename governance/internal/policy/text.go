package policy

import (
	"strings"
	"unicode"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// line refuses control characters, which no name has and of which PostgreSQL cannot even compare NUL; field is the field's path in the request.
func line(field, value string) error {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return errs.InvalidField(field, "must not hold control characters")
	}
	return nil
}

// prose refuses control characters other than tabs and line ends: PostgreSQL cannot store NUL, and the others would disturb a terminal.
func prose(field, value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' }) {
		return errs.InvalidField(field, "must not hold control characters other than tabs and line ends")
	}
	return nil
}

// labelText refuses control characters in labels.
func labelText(labels map[string]string) error {
	for key, value := range labels {
		if err := line("labels", key); err != nil {
			return err
		}
		if err := line("labels["+key+"]", value); err != nil {
			return err
		}
	}
	return nil
}

// CheckReason refuses a reason that would disturb who reads it in the log.
func CheckReason(reason string) error { return prose("reason", reason) }
