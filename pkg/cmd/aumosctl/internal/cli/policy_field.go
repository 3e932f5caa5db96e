package cli

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

var (
	caseField   = regexp.MustCompile(`^specs\[(\d+)\]`)
	moduleField = regexp.MustCompile(`^(?:modules\.)?modules\[(\d+)\]`)
)

// noteCases says where the test cases stand that an error names by their numbers.
func (a *app) noteCases(err error, dir *policydir.Directory) {
	a.noteElements(err, caseField, len(dir.Cases), func(i int) string {
		return fmt.Sprintf("the case %q of %s", dir.Cases[i].GetName(), dir.CaseFile(i))
	})
}

// noteModules says which files the modules are that an error names by their numbers; file names them by their paths in the version.
func (a *app) noteModules(err error, modules []*governancev1.RegoModule, file func(path string) string) {
	a.noteElements(err, moduleField, len(modules), func(i int) string { return file(modules[i].GetPath()) })
}

// noteElements says what is meant by the elements of a list of n that an error names by their numbers.
func (a *app) noteElements(err error, field *regexp.Regexp, n int, name func(i int) string) {
	said := ""
	for _, violation := range output.Describe(err, "").Violations {
		element := field.FindStringSubmatch(violation.Field)
		if element == nil || element[0] == said {
			continue
		}
		if i, err := strconv.Atoi(element[1]); err == nil && i < n {
			said = element[0]
			a.note("note: %s is %s", said, name(i))
		}
	}
}
