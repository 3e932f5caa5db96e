package cli

import (
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// The elements of JUnit XML that CI systems read.
type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	File    string       `xml:"file,attr,omitempty"`
	Seconds string       `xml:"time,attr,omitempty"`
	Failure *junitReason `xml:"failure,omitempty"`
	Error   *junitReason `xml:"error,omitempty"` // it could not be run
	Output  string       `xml:"system-out,omitempty"`
}

// junitReason is why a case did not pass.
type junitReason struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes one case for each file, which fails for its errors, and when strict for its warnings; otherwise those are its output. What is
// about no single file is a case of its own.
func (l lintReport) writeJUnit(path string) error {
	suite := junitSuite{Name: "aumosctl policy lint"}
	names := slices.Sorted(maps.Values(l.files))
	if l.of("", l.res.GetErrors()) != nil || l.of("", l.res.GetWarnings()) != nil || l.res.GetWarningsOmitted() > 0 {
		names = append(names, "")
	}
	for _, name := range names {
		failing, other := l.of(name, l.res.GetErrors()), l.of(name, l.res.GetWarnings())
		if name == "" && l.res.GetWarningsOmitted() > 0 {
			other = append(other, fmt.Sprintf("warnings_omitted: %d more", l.res.GetWarningsOmitted()))
		}
		c := junitCase{Class: "policy.lint", Name: name, File: name}
		if name == "" {
			c.Name = "all files"
		}
		if l.strict {
			failing, other = append(failing, other...), nil
		}
		if len(failing) > 0 {
			c.Failure = &junitReason{Type: "lint", Message: plural(len(failing), "finding"), Text: strings.Join(failing, "\n")}
		}
		c.Output = strings.Join(other, "\n")
		suite.Cases = append(suite.Cases, c)
	}
	return writeSuite(path, suite)
}

// writeSuite counts the cases of a suite and writes it.
func writeSuite(path string, suite junitSuite) error {
	suite.Tests = len(suite.Cases)
	for _, c := range suite.Cases {
		if c.Failure != nil {
			suite.Failures++
		}
		if c.Error != nil {
			suite.Errors++
		}
	}
	data, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(data, '\n')...), 0o644) // for CI to read
}

// of returns the findings about a file, "" for those about no single one, a line each.
func (l lintReport) of(file string, findings []*governancev1.RegoFinding) []string {
	var list []string
	for _, f := range findings {
		if l.files[f.GetModulePath()] == file {
			list = append(list, output.Clean(strings.TrimPrefix(l.place(f)+" ", " ")+f.GetCode()+": "+f.GetMessage()))
		}
	}
	return list
}
