package rego

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Finding is what is wrong, or doubtful, at one place of a version.
type Finding struct {
	Module      int // index of the module; -1 when it is about all of them
	Row, Column int // from 1; 0 when it is about no single place
	Code        string
	Message     string // at most maxMessage bytes
}

// maxErrors bounds how many errors a compilation reports, maxMessage how long each is, and maxName how long the names are that an answer
// repeats: a name may be as long as its module.
const (
	maxErrors  = 20
	maxMessage = 1000
	maxName    = 256
)

// problems is why modules do not compile. It is an error of their author, whichever form the answer takes.
type problems []Finding

func (p problems) Error() string { return p[0].Message }

// problemsOf turns what parser and compiler return into findings, by place.
func problemsOf(err error) problems {
	var list ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &list) && len(list) > 0:
	case errors.As(err, &one):
		list = ast.Errors{one}
	default:
		list = ast.Errors{ast.NewError(ast.CompileErr, nil, "%s", err)}
	}
	found := make(problems, len(list))
	for i, e := range list {
		found[i] = newFinding(e.Location, e.Code, "%s", withTypes(withReason(e.Message), e.Details))
	}
	return found.inOrder()
}

// inOrder sorts by place and keeps as many as are reported, each once: the parser says some things twice.
func (p problems) inOrder() problems {
	sortFindings(p)
	p = slices.Compact(p)
	return p[:min(len(p), maxErrors)]
}

// sortFindings sorts by place; what is about all modules comes last.
func sortFindings(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(uint(a.Module), uint(b.Module)), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
}

// newFinding makes a finding at a location of a module that was parsed under its fileName; nil is no single place.
func newFinding(at *ast.Location, code, format string, args ...any) Finding {
	f := Finding{Module: -1, Code: code, Message: clip(fmt.Sprintf(format, args...), maxMessage)}
	if i, ok := moduleOf(at); ok {
		f.Module, f.Row, f.Column = i, max(at.Row, 1), max(at.Col, 1) // what the parser says of an empty module has no row
	}
	return f
}

// moduleOf is the inverse of fileName.
func moduleOf(at *ast.Location) (int, bool) {
	if at == nil {
		return 0, false
	}
	digits, ok1 := strings.CutPrefix(at.File, "modules[")
	digits, ok2 := strings.CutSuffix(digits, "]")
	i, err := strconv.Atoi(digits)
	return i, ok1 && ok2 && err == nil
}

// clip cuts a text that is too long, and makes it UTF-8, which messages may hold only.
func clip(s string, limit int) string {
	const ellipsis = "..."
	if len(s) > limit {
		cut := limit - len(ellipsis)
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + ellipsis
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// withReason says of a builtin that the profile leaves out why it does.
func withReason(message string) string {
	name, ok := strings.CutPrefix(message, "undefined function ")
	if !ok {
		return message
	}
	if r, known := profile[name]; known && !allowed(r) {
		return message + ", which the capability profile leaves out: " + r.refused
	}
	return message
}

// withTypes says of a call that does not fit its function what types it has and should have. Other details quote the source.
func withTypes(message string, details ast.ErrorDetails) string {
	if d, ok := details.(*ast.ArgErrDetail); ok {
		return message + ": " + strings.Join(d.Lines(), ", ")
	}
	return message
}

// invalid turns problems into violations of the request's fields. Sources never appear in them beyond the names that the messages mention.
func invalid(p problems) error {
	e := errs.New(errs.InvalidArgument, errs.ReasonRegoInvalid, "the Rego does not compile: see the field violations")
	for _, f := range p {
		if f.Code == codeData {
			e = e.Field("data", "%s, defined at %s %d:%d", f.Message, sourceField(f.Module), f.Row, f.Column)
			continue
		}
		if f.Module < 0 {
			e = e.Field("modules", "%s: %s", f.Code, f.Message)
			continue
		}
		e = e.Field(sourceField(f.Module), "%d:%d %s: %s", f.Row, f.Column, f.Code, f.Message)
	}
	return e
}
