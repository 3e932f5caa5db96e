// Package text owns what free text in requests may hold beyond the lengths that the contract states. PostgreSQL cannot store a NUL, and control
// characters in names would let one line of a log or a table pass for two.
package text

import (
	"strings"
	"unicode"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Line refuses control characters. It is for names and other single lines; field is the field's path in the request.
func Line(field, value string) error {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return errs.InvalidField(field, "must not hold control characters")
	}
	return nil
}

// Prose refuses control characters other than tabs and line ends. It is for descriptions.
func Prose(field, value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' }) {
		return errs.InvalidField(field, "must not hold control characters other than tabs and line ends")
	}
	return nil
}
